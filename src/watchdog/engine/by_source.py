"""The questions to each source apart: only those that go to the same one can go out together."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from watchdog.engine.easing import Eased
from watchdog.engine.gathering import Gatherer, Outcome
from watchdog.engine.turns import Turns
from watchdog.ports import Clock, MetricSources


class BySource:
    """One `Gatherer` for each source that was asked. Times in seconds, as `Gatherer` takes them.

    `eased` is told what a source, by its name, is spared.
    """

    def __init__(
        self,
        sources: MetricSources,
        clock: Clock,
        *,
        deadline: float,
        gather: float,
        eased: Callable[[str, Eased], None],
        turns: Turns,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._deadline = deadline
        self._gather = gather
        self._eased = eased
        self._turns = turns
        self._known: dict[str, Gatherer] = {}

    def __getitem__(self, name: str) -> Gatherer:
        if name not in self._known:
            source = _Current(self._sources, name)
            self._known[name] = Gatherer(
                source,
                self._clock,
                deadline=self._deadline,
                gather=self._gather,
                eased=partial(self._eased, name),
                turns=self._turns,
            )
        return self._known[name]

    async def close(self) -> None:
        """End what is still being asked."""
        for gatherer in self._known.values():
            await gatherer.close()


class _Current:
    """A source by its name, looked up for each question: an edit of rules.toml may have exchanged it."""

    def __init__(self, sources: MetricSources, name: str) -> None:
        self._sources = sources
        self._name = name

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Outcome:
        return await self._sources(self._name).query(promql, at, deadline=deadline)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Outcome:
        return await self._sources(self._name).query_range(promql, start, end, step, deadline=deadline)
