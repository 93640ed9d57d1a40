"""The competitors of the bench, each a model of its source.

Flagger, Argo Rollouts, Kayenta, a Prometheus alert, a pipeline's script, burn rates, a sequential test: `catalogue` has
them all, `prometheus` answers their queries, `recordings` holds two of them to what the real programs did.
"""
