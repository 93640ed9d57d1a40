"""How often a watch looks at its target: when it changes, and by itself where time alone may bring a sign about."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from builders import a_guard, a_live, a_pod, a_rule, a_stable, a_switch, at, signs_of
from watchdog.domain.events import Event, Looked
from watchdog.domain.live import Live, Pod
from watchdog.domain.state import Phase, Watch, open_watch
from watchdog.domain.watch import advance
from watchdog.engine.senses import Senses
from watchdog.simulator.clock import SimulatedClock, run_simulated

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Provider:
    """A target that changes when it is told to."""

    def __init__(self, clock: SimulatedClock, pods: tuple[Pod, ...]) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self._version = 1
        self.pods = pods
        self.looks = 0

    def change(self) -> None:
        self._version += 1
        self._changed.set()

    async def live(self, switch: object, stable: object, *, after: int | None = None, fresh: bool = False) -> Live:
        while after is not None and after >= self._version:
            self._changed.clear()
            await self._changed.wait()
        self.looks += 1
        return replace(a_live(0, pods=self.pods), at=self._clock.now(), version=self._version)


def looks_at(*pods: Pod, phase: Phase = Phase.WATCHING, changes: int = 0, behind: bool = False) -> int:
    """How often a target with these pods is looked at in the ten minutes after the first half.

    `behind`: the watch takes in none of the looks meanwhile.
    """
    found: list[int] = []

    async def main() -> None:
        clock = SimulatedClock(NOON)
        provider = Provider(clock, pods)
        began = open_watch(a_switch(), a_guard(a_rule(signs_of())), a_stable(), now=at(1))
        watch: Watch = replace(began, phase=phase, bake_from=NOON)

        seen: Live | None = None

        def post(event: Event) -> None:
            nonlocal watch, seen
            if isinstance(event, Looked) and not (behind and provider.looks > 1):
                seen = event.live
            if isinstance(event, Looked) and phase is Phase.WATCHING:
                watch = advance(watch, event, clock.now()).watch

        nobody: object = None
        senses = Senses(
            provider=provider,  # type: ignore[arg-type]
            prober=nobody,  # type: ignore[arg-type]
            peering=nobody,  # type: ignore[arg-type]
            clock=clock,
            post=post,
            watch=lambda: watch,
            live=lambda: seen,
        )
        task = asyncio.create_task(senses._looking())
        await clock.sleep(300)
        before = provider.looks
        for _ in range(changes):
            provider.change()
            await clock.sleep(600 / changes)
        await clock.sleep(0 if changes else 600)
        found.append(provider.looks - before)
        task.cancel()

    run_simulated(main())
    return found[0]


HEALTHY = a_pod("research-a"), a_pod("research-b")


def test_a_watch_that_is_behind_looks_once_a_minute_whatever_changes() -> None:
    assert looks_at(*HEALTHY, changes=100, behind=True) == 10


def test_where_all_is_well_it_looks_once_a_minute() -> None:
    assert looks_at(*HEALTHY) == 10


def test_each_change_is_looked_at_at_once() -> None:
    assert looks_at(*HEALTHY, changes=30) == 30


def test_a_pod_that_is_not_ready_is_looked_at_every_five_seconds() -> None:
    assert looks_at(a_pod("research-a"), a_pod("research-b", ready=None, unready=30)) >= 115


def test_a_pod_that_shows_a_sign_is_looked_at_every_five_seconds() -> None:
    assert looks_at(a_pod("research-a"), a_pod("research-b", restarts=3, created=1)) >= 115


def test_a_target_of_which_no_pod_is_there_is_looked_at_every_five_seconds() -> None:
    assert looks_at() >= 115


def test_while_it_recovers_it_is_looked_at_every_five_seconds() -> None:
    assert looks_at(*HEALTHY, phase=Phase.RECOVERING) >= 115
