"""Hears how each Prometheus answers, for the metrics and the page."""

import logging
from collections.abc import Mapping

from watchdog.adapters.web.heard import Heard
from watchdog.adapters.web.metrics import Metrics

log = logging.getLogger(__name__)


class Ears:
    """Told of each question by the source's name."""

    def __init__(self, metrics: Metrics, heard: Heard) -> None:
        self._metrics = metrics
        self._heard = heard

    def queried(self, source: str, seconds: float, reason: object) -> None:
        """A question was answered after this long, or failed for that reason."""
        self._metrics.query(seconds, source)
        self._heard.queried("" if reason is None else f"the last query failed: {reason}", source)
        if reason is not None:
            self._metrics.query_failed(str(reason), source)

    def answered(self, source: str, size: int) -> None:
        """An answer was read: so many bytes."""
        self._metrics.query_answered(size, source)

    def eased(self, source: str, steps: Mapping[str, str]) -> None:
        """What it is spared now: each step's name, with a sentence."""
        how = "; ".join(steps.values())
        self._metrics.eased(steps, source)
        self._heard.easing(how, source)
        facts = {"source": source, "how": how or "as ever"}
        log.warning("Prometheus is asked otherwise", extra={"facts": {key: one for key, one in facts.items() if one}})

    def opened(self, source: str, is_open: bool) -> None:
        """It is spared from now on, or asked again."""
        self._metrics.circuit_open(is_open, source)

    def spared(self, source: str) -> None:
        """A question was not sent."""
        self._metrics.query_spared(source)

    def gone(self, source: str) -> None:
        """It stands in rules.toml no more."""
        self._metrics.source_gone(source)
        self._heard.source_gone(source)
