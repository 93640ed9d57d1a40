"""The sources in force, by name: made when they are first asked, exchanged with an edit of rules.toml, closed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from watchdog.domain.measurement import Answer, FailureReason, QueryFailed
from watchdog.domain.sources import Source, called, named
from watchdog.ports import MetricSource, OutOfReach


class Closable(MetricSource, Protocol):
    """A source that holds connections."""

    async def close(self) -> None:
        """Release them."""
        ...


@dataclass(frozen=True)
class Unusable:
    """A source that cannot be asked, and why. Every question fails with that."""

    why: str

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        """Fails."""
        return QueryFailed(FailureReason.UNREACHABLE, self.why, promql)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        """Fails."""
        return QueryFailed(FailureReason.UNREACHABLE, self.why, promql)

    async def close(self) -> None:
        """There is nothing to release."""


class _Counted:
    """A source that knows how many wait for its answers: to close it would take them the ground from under them."""

    def __init__(self, inner: Closable) -> None:
        self._inner = inner
        self.asking = 0

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        with self._counting():
            return await self._inner.query(promql, at, deadline=deadline)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        with self._counting():
            return await self._inner.query_range(promql, start, end, step, deadline=deadline)

    async def close(self) -> None:
        await self._inner.close()

    @contextmanager
    def _counting(self) -> Iterator[None]:
        self.asking += 1
        try:
            yield
        finally:
            self.asking -= 1


class NamedSources:
    """The port `MetricSources`. `default` is asked for ""; `make` opens a source, or raises `OutOfReach`.

    `gone` is told the name of each that is asked no more.
    """

    def __init__(
        self,
        default: Closable,
        make: Callable[[Source], Closable],
        *,
        gone: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._default = default
        self._make = make
        self._gone = gone
        self._known: Mapping[str, Source] = {}
        self._open: dict[str, _Counted] = {}
        self._left: list[_Counted] = []

    def __call__(self, name: str) -> MetricSource:
        """The source of that name: of an open watch also one that stands in rules.toml no more, which then fails."""
        if not name:
            return self._default
        if name not in self._open:
            source = self._known.get(name)
            if source is None:
                return Unusable(f"there is no [sources.{name}] in rules.toml any more")
            try:
                self._open[name] = _Counted(self._make(source))
            except OutOfReach as error:
                return Unusable(f"{called(name)}: {error}")
        return self._open[name]

    def take(self, sources: Iterable[Source]) -> None:
        """From now on these are asked. What stays as it is keeps its connections, and what is known of it."""
        known = named(sources)
        for name in [name for name in self._open if known.get(name) != self._known.get(name)]:
            self._left.append(self._open.pop(name))
        for name in self._known.keys() - known.keys():
            self._gone(name)
        self._known = known

    async def release(self) -> None:
        """Close those that were left by `take`, but for such as still answer somebody: they are with the next edit."""
        idle = [source for source in self._left if not source.asking]
        self._left = [source for source in self._left if source.asking]
        for source in idle:
            await source.close()

    async def close(self) -> None:
        """Close all."""
        for source in (self._default, *self._left, *self._open.values()):
            await source.close()
        self._left.clear()
        self._open.clear()
