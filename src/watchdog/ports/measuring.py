"""Where numbers come from: Prometheus, and the watchdog's own probes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from watchdog.domain.live import Pod
from watchdog.domain.measurement import Answer, ProbeResult, QueryFailed
from watchdog.domain.rules import Probe


class MetricSource(Protocol):
    """Prometheus, or what speaks its API."""

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        """An instant query at `at`; a range selector gives its raw samples. `deadline` in seconds. Never raises."""
        ...

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        """The query at `start`, `start + step` ... up to `end`. Never raises."""
        ...


MetricSources = Callable[[str], MetricSource]
"""The source of that name, "" for that of the settings; of a name that is not known one that says so."""


class MetricCatalog(Protocol):
    """What Prometheus knows of its series without their samples. Nothing raises."""

    async def label_names(
        self, selectors: Sequence[str], start: datetime, end: datetime, *, deadline: float
    ) -> tuple[str, ...] | QueryFailed:
        """The labels of the series that any of the selectors finds between `start` and `end`; without one, of all."""
        ...

    async def label_values(
        self, label: str, selectors: Sequence[str], start: datetime, end: datetime, *, deadline: float
    ) -> tuple[str, ...] | QueryFailed:
        """The values of one label among those series; of `__name__`, the names of their metrics."""
        ...

    async def alert_names(self, *, deadline: float) -> tuple[str, ...] | QueryFailed:
        """The names of all alerting rules."""
        ...


class Prober(Protocol):
    """Makes health probes."""

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        """One GET of each pod, side by side, bounded; leaves out pods without port or address. Never raises."""
        ...
