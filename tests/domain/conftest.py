"""Hypothesis looks at enough examples to find mistakes and few enough to be quick."""

from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quick")
