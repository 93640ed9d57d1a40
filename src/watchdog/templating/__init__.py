"""Templates of notices: what a channel may say in other words, and no way to stop the watchdog by them."""

from watchdog.templating.facts import VARIABLES, values_of
from watchdog.templating.faults import RenderingFailed, TemplateFault
from watchdog.templating.wording import BODY, TITLE, Wording, checked

__all__ = ["BODY", "TITLE", "VARIABLES", "RenderingFailed", "TemplateFault", "Wording", "checked", "values_of"]
