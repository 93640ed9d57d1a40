"""Hears how each Prometheus answers, for the metrics and the page."""

from watchdog.adapters.web.heard import Heard
from watchdog.adapters.web.metrics import Metrics


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
