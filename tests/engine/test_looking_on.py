"""Whoever looks on is shown what there is, again and again, also over an outage."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from watchdog.engine.looking_on import EVERY, Sight, look_on
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated

START = datetime(2026, 3, 2, tzinfo=UTC)


def a_record(name: str, **changes: Any) -> dict[str, Any]:
    return {"watch": name, "outcome": None, "switched_at": name} | changes


def shown(answers: Sequence[Any], seconds: float) -> list[Sight]:
    """What is shown in so many seconds of looking, of these answers and then the last of them for ever."""
    sights: list[Sight] = []

    async def main() -> None:
        clock, stop = SimulatedClock(START), asyncio.Event()
        left = list(answers)

        async def read() -> Sequence[dict[str, Any]]:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            if callable(answer):
                await answer()
            return answer if isinstance(answer, list) else []

        looking = asyncio.create_task(look_on(read, sights.append, clock, stop))
        await asyncio.wait({looking}, timeout=0)
        await clock.sleep(seconds)
        stop.set()
        await looking

    run_simulated(main())
    return sights


def test_open_ones_come_newest_first_and_the_last_few_outcomes() -> None:
    ended = [a_record(f"e{number}", outcome="passed", ended_at=f"2026-03-0{number}") for number in range(1, 9)]
    [sight] = shown([[a_record("a"), a_record("b"), *ended]], EVERY / 2)
    assert [one["watch"] for one in sight.open] == ["b", "a"]
    assert [one["watch"] for one in sight.ended] == ["e8", "e7", "e6", "e5", "e4"]
    assert sight.at == START


def test_it_looks_every_two_seconds_until_it_is_to_stop() -> None:
    assert len(shown([[]], 5 * EVERY + 1)) == 6


def test_over_an_outage_it_says_so_keeps_what_was_seen_and_tries_again() -> None:
    sights = shown([[a_record("a")], OutOfReach("refused"), OutOfReach("refused"), [a_record("b")]], 3 * EVERY + 1)
    assert [one.trouble for one in sights] == ["", "refused", "refused", ""]
    assert [one.open[0]["watch"] for one in sights] == ["a", "a", "a", "b"]
    assert sights[2].at == START
    assert (sights[3].at - START).total_seconds() == 3 * EVERY


def test_the_first_look_must_be_answered() -> None:
    with pytest.raises(OutOfReach, match="refused"):
        shown([OutOfReach("refused")], 1)


def test_a_look_that_takes_for_ever_does_not_keep_anybody_from_leaving() -> None:
    hangs: Callable[[], Any] = asyncio.Event().wait
    assert len(shown([[], hangs], 60.0)) == 1
