"""A Prometheus that does not answer is left in peace, and found again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from watchdog.adapters.prometheus.circuit import OPENS_AFTER, PROBES_EVERY, Circuit
from watchdog.adapters.prometheus.sparing import SparingPrometheus
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed
from watchdog.simulator.clock import SimulatedClock, run_simulated

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AWAY = QueryFailed(FailureReason.UNAVAILABLE, "HTTP 503")


class Prometheus:
    """Answers as `says` says, after `takes` seconds; remembers what it was asked."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.says: Answer | QueryFailed = AWAY
        self.takes = 0.0
        self.probe_takes = 0.0
        self.asked: list[str] = []
        self._clock = clock

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        self.asked.append(promql)
        says = self.says
        await self._clock.sleep(self.takes)
        return says

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        return await self.query(promql, start, deadline=deadline)

    async def ready(self, *, deadline: float) -> Answer | QueryFailed:
        self.asked.append("probe")
        await self._clock.sleep(self.probe_takes)
        return self.says

    async def close(self) -> None:
        """It holds nothing."""


Told = Callable[[Prometheus, SparingPrometheus, SimulatedClock, list[bool]], Awaitable[None]]


def told(story: Told) -> None:
    async def main() -> None:
        clock = SimulatedClock(AT)
        prometheus, turns = Prometheus(clock), list[bool]()
        sparing = SparingPrometheus(prometheus, clock, on_open=turns.append)
        await story(prometheus, sparing, clock, turns)
        await sparing.close()

    run_simulated(main())


async def ask(sparing: SparingPrometheus, times: int = 1) -> Answer | QueryFailed:
    for _ in range(times):
        outcome = await sparing.query("up", AT, deadline=10)
    return outcome


def test_after_some_failures_in_a_row_nothing_is_sent_and_the_last_words_are_repeated() -> None:
    async def story(prometheus: Prometheus, sparing: SparingPrometheus, _: SimulatedClock, turns: list[bool]) -> None:
        assert await ask(sparing, OPENS_AFTER - 1) == AWAY
        assert turns == []
        await ask(sparing)
        assert turns == [True]
        outcome = await ask(sparing, 50)
        assert isinstance(outcome, QueryFailed)
        assert outcome.reason is FailureReason.UNAVAILABLE
        assert outcome.detail == "not asked; it is tried again each 5 s since it last said: HTTP 503"
        assert outcome.query == "up"
        ranged = await sparing.query_range("up[1m]", AT, AT, 15, deadline=10)
        assert (ranged.query, isinstance(ranged, QueryFailed)) == ("up[1m]", True)
        assert prometheus.asked == ["up"] * OPENS_AFTER

    told(story)


def test_while_it_is_away_it_is_asked_only_whether_it_is_back_and_not_too_often() -> None:
    async def story(prometheus: Prometheus, sparing: SparingPrometheus, clock: SimulatedClock, _: list[bool]) -> None:
        await ask(sparing, OPENS_AFTER)
        for _second in range(60):
            await clock.sleep(1)
            await asyncio.gather(*(ask(sparing) for _ in range(20)))
        assert prometheus.asked == ["up"] * OPENS_AFTER + ["probe"] * round(60 / PROBES_EVERY)

    told(story)


def test_the_first_good_probe_lets_the_very_question_through_that_came_with_it() -> None:
    async def story(
        prometheus: Prometheus, sparing: SparingPrometheus, clock: SimulatedClock, turns: list[bool]
    ) -> None:
        await ask(sparing, OPENS_AFTER)
        prometheus.says, prometheus.probe_takes = Answer("up", ()), 1.0
        await clock.sleep(PROBES_EVERY)
        outcomes = await asyncio.gather(*(ask(sparing) for _ in range(5)))
        assert all(isinstance(outcome, Answer) for outcome in outcomes)
        assert prometheus.asked[OPENS_AFTER:] == ["probe", *["up"] * 5]
        assert turns == [True, False]

    told(story)


def test_a_good_probe_is_no_reason_to_go_on_with_costly_questions_that_fail() -> None:
    async def story(
        prometheus: Prometheus, sparing: SparingPrometheus, clock: SimulatedClock, turns: list[bool]
    ) -> None:
        await ask(sparing, OPENS_AFTER)

        async def well(*, deadline: float) -> Answer:
            prometheus.asked.append("probe")
            return Answer("vector(1)", ())

        prometheus.ready = well  # type: ignore[method-assign]
        for _ in range(10):
            await clock.sleep(PROBES_EVERY)
            await ask(sparing, 20)
        assert prometheus.asked[OPENS_AFTER:] == ["probe", "up"] * 10
        assert turns == [True, *[False, True] * 10]

    told(story)


def test_half_open_one_failure_opens_it_again() -> None:
    circuit = Circuit()
    for _ in range(OPENS_AFTER):
        circuit = circuit.failed(0.0)
    assert circuit.open
    assert not circuit.probe_due(PROBES_EVERY - 0.1)
    assert circuit.probe_due(PROBES_EVERY)
    assert not circuit.probing(PROBES_EVERY).probe_due(PROBES_EVERY + 1)
    assert not circuit.back().open
    assert circuit.back().failed(9.0).open
    assert not circuit.back().answered().failed(9.0).open


def test_what_was_under_way_when_it_opened_neither_keeps_it_open_nor_is_lost() -> None:
    circuit = Circuit()
    for _ in range(OPENS_AFTER):
        circuit = circuit.failed(0.0)
    assert circuit.failed(4.0) == circuit  # or the next probe would be put off for ever
    assert not circuit.answered().open


@pytest.mark.parametrize(
    "reason", [FailureReason.REFUSED, FailureReason.PARTIAL, FailureReason.GARBLED, FailureReason.CROWDED]
)
def test_what_is_wrong_with_a_query_says_nothing_of_prometheus(reason: FailureReason) -> None:
    async def story(prometheus: Prometheus, sparing: SparingPrometheus, _: SimulatedClock, turns: list[bool]) -> None:
        prometheus.says = QueryFailed(reason, "your own fault")
        await ask(sparing, 20)
        assert prometheus.asked == ["up"] * 20
        assert turns == []

    told(story)


def test_whoever_gives_up_waiting_for_a_probe_takes_it_from_nobody() -> None:
    async def story(prometheus: Prometheus, sparing: SparingPrometheus, clock: SimulatedClock, _: list[bool]) -> None:
        await ask(sparing, OPENS_AFTER)
        await clock.sleep(PROBES_EVERY)
        prometheus.says, prometheus.probe_takes = Answer("up", ()), 1.0
        first, second = (asyncio.create_task(ask(sparing)) for _ in range(2))
        await clock.sleep(0.5)
        first.cancel()
        assert isinstance(await second, Answer)

    told(story)
