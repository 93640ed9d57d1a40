"""Spares a Prometheus that is down or overloaded: behind a circuit breaker, most questions are not even sent.

What was not asked fails as the last question did, so the engine does as with every failure: it concludes nothing, and
asks for the missed stretch, by explicit times, with the block after. Nobody waits for a deadline that will not be met.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from watchdog.adapters.prometheus.circuit import PROBES_EVERY, Circuit
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed
from watchdog.domain.sources import called
from watchdog.ports import Clock, MetricSource

log = logging.getLogger(__name__)

_PROBE_DEADLINE = 2.0  # seconds; of a first probe, and the longest that any question waits for one
_LONGEST_PROBE = 16.0
# Whatever else it says, it says something: a query that it refuses is no sign that it is away.
_AWAY = frozenset({FailureReason.UNREACHABLE, FailureReason.TIMEOUT, FailureReason.UNAVAILABLE})

Outcome = Answer | QueryFailed


class Askable(MetricSource, Protocol):
    """A source that can be asked something that costs it nothing."""

    async def ready(self, *, deadline: float) -> Outcome:
        """An `Answer` where it answers at all."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


class SparingPrometheus:
    """The port `MetricSource`. `on_open` is told when the circuit opens and closes, `on_spared` of what is not sent.

    While it is open nothing is asked but, with the first question that comes after `PROBES_EVERY`, whether it is back;
    questions that come meanwhile wait for that answer, at most two seconds.
    """

    def __init__(
        self,
        inner: Askable,
        clock: Clock,
        *,
        name: str = "",
        on_open: Callable[[bool], None] = lambda _open: None,
        on_spared: Callable[[], None] = lambda: None,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._called = called(name)
        self._on_open = on_open
        self._on_spared = on_spared
        self._circuit = Circuit()
        self._last = QueryFailed(FailureReason.UNREACHABLE, "not asked yet")
        self._probe: asyncio.Task[None] | None = None
        self._patience = _PROBE_DEADLINE  # one that is slow is not away

    async def close(self) -> None:
        """End a probe that is under way, and close what is asked."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._inner.close()

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Outcome:
        """As `LivePrometheus.query`."""
        return await self._asked(promql, lambda: self._inner.query(promql, at, deadline=deadline))

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Outcome:
        """As `LivePrometheus.query_range`."""
        return await self._asked(promql, lambda: self._inner.query_range(promql, start, end, step, deadline=deadline))

    async def _asked(self, promql: str, ask: Callable[[], Awaitable[Outcome]]) -> Outcome:
        if self._circuit.open:
            await self._whether_it_is_back()
        if self._circuit.open:
            self._on_spared()
            detail = f"not asked; it is tried again each {PROBES_EVERY:g} s since it last said: {self._last.detail}"
            return replace(self._last, detail=detail, query=promql)
        outcome = await ask()
        self._heard(outcome)
        return outcome

    async def _whether_it_is_back(self) -> None:
        if self._probe is None or self._probe.done():
            if not self._circuit.probe_due(self._clock.monotonic()):
                return
            self._circuit = self._circuit.probing(self._clock.monotonic())
            self._probe = asyncio.create_task(self._probed(), name="is Prometheus back")
        # A watch that ends while it waits does not take the answer from the others.
        await asyncio.wait({self._probe}, timeout=_PROBE_DEADLINE)

    async def _probed(self) -> None:
        outcome = await self._inner.ready(deadline=self._patience)
        if _away(outcome):
            assert isinstance(outcome, QueryFailed)
            self._last = outcome
            if outcome.reason is FailureReason.TIMEOUT:
                self._patience = min(_LONGEST_PROBE, 2.0 * self._patience)
        elif self._circuit.open:
            self._patience = _PROBE_DEADLINE
            self._turn(self._circuit.back())

    def _heard(self, outcome: Outcome) -> None:
        if _away(outcome):
            assert isinstance(outcome, QueryFailed)
            self._last = outcome
            self._turn(self._circuit.failed(self._clock.monotonic()))
        else:
            self._turn(self._circuit.answered())

    def _turn(self, circuit: Circuit) -> None:
        before, self._circuit = self._circuit, circuit
        if before.open is circuit.open:
            return
        self._on_open(circuit.open)
        if circuit.open:
            log.warning(
                "%s does not answer, and is spared until it does",
                self._called,
                extra={"facts": {"why": self._last.detail}},
            )
        else:
            log.info("%s answers again", self._called)


def _away(outcome: Outcome) -> bool:
    return isinstance(outcome, QueryFailed) and outcome.reason in _AWAY
