"""The decorators of a dry run: documents are marked, notices cannot be mistaken, the past is moved by hand."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import T0, a_target, at
from watchdog.adapters.dry_run import MarkedJournal, MarkedNotifier, MemoryBraking, MemoryJournal, WithheldOwners
from watchdog.adapters.notifiers import ConsoleNotifier, PagerDutyNotifier
from watchdog.adapters.past import PastClock
from watchdog.domain.brakes import Act, Pause
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity, Write
from watchdog.domain.owners import Owner, Tool
from watchdog.domain.rollout import Target
from watchdog.ports import OutOfReach, in_full
from watchdog.simulator.clock import SimulatedClock, run_simulated

NOTICE = Notice(
    "research-1/rolled-back", Topic.ROLLED_BACK, Severity.CRITICAL, "research-1", "a/deployment/b", "it was bad", (), T0
)


class Told:
    """A channel that wants to hear of rollbacks alone."""

    name = "oncall"

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def wants(self, topic: Topic) -> bool:
        return topic is Topic.ROLLED_BACK

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        assert possible_repeat
        self.notices.append(notice)

    async def close(self) -> None:
        """Nothing is held."""


def told(notice: Notice) -> Notice:
    """As the channel gets it."""
    channel = Told()
    asyncio.run(MarkedNotifier(channel).send(notice, possible_repeat=True))
    return channel.notices[0]


def test_a_marked_notice_is_of_no_incident_of_a_real_run_and_not_critical() -> None:
    marked = told(NOTICE)
    assert marked.title == "[dry run] it was bad"
    assert (marked.id, marked.watch) == ("dry-run/research-1/rolled-back", "dry-run/research-1")
    assert marked.severity is Severity.WARNING
    assert marked.facts["dry_run"] == "true"
    assert told(replace(NOTICE, severity=Severity.SUCCESS)).severity is Severity.SUCCESS
    assert told(replace(NOTICE, watch="")).watch == ""


def test_the_story_it_points_to_is_that_of_the_dry_run() -> None:
    [line, last] = told(replace(NOTICE, lines=("The whole story: watchdog explain research-1",))).lines
    assert line == "The whole story: watchdog explain --dry-run research-1"
    assert "dry run" in last


def test_whoever_wants_to_hear_of_a_rollback_hears_of_one_that_would_be() -> None:
    channel = MarkedNotifier(Told())
    assert channel.wants(Topic.WOULD_ROLL_BACK)
    assert not channel.wants(Topic.HELD)
    assert not MarkedNotifier(ConsoleNotifier("x", print, on=frozenset({Topic.HELD}))).wants(Topic.WOULD_ROLL_BACK)


async def test_an_incident_of_a_dry_run_is_resolved_as_others_are() -> None:
    pager = PagerDutyNotifier("oncall", "key", SimulatedClock(T0))
    marked = MarkedNotifier(pager)
    assert marked.resolves
    assert not MarkedNotifier(Told()).resolves
    await marked.close()


def run(journal: MarkedJournal) -> tuple[list[Mapping[str, object]], Mapping[object, Mapping[str, object]]]:
    """What it holds after one record and one memory were written."""

    async def main() -> tuple[list[Mapping[str, object]], Mapping[object, Mapping[str, object]]]:
        await journal.write("w", {"watch": "w"}, open_watch=True)
        await journal.remember(a_target("brand"), {"serving": "theirs"})
        return list(await journal.records(in_full, open_only=True)), dict(await journal.memories())

    return asyncio.run(main())


def test_what_a_dry_run_keeps_is_marked_and_read_back_as_it_was() -> None:
    own = MemoryJournal({})
    real = MemoryJournal({a_target("brand"): {"serving": "real"}, a_target("agent"): {"serving": "real"}})
    records, memories = run(MarkedJournal(own, real))
    assert records == [{"watch": "w", "dry_run": True}]
    assert memories == {a_target("brand"): {"serving": "theirs"}, a_target("agent"): {"serving": "real"}}
    assert asyncio.run(own.memories()) == {a_target("brand"): {"serving": "theirs", "dry_run": True}}
    assert asyncio.run(real.memories())[a_target("brand")] == {"serving": "real"}
    assert asyncio.run(real.records(in_full)) == []


def test_a_memory_journal_hands_out_the_newest_record_first() -> None:
    async def main() -> None:
        journal = MemoryJournal({})
        await journal.write("one", {"watch": "one"}, open_watch=True)
        await journal.write("two", {"watch": "two"}, open_watch=True)
        await journal.write("one", {"watch": "one", "outcome": "passed"}, open_watch=False)
        assert [record["watch"] for record in await journal.records(in_full)] == ["two", "one"]
        assert [record["watch"] for record in await journal.records(in_full, open_only=True)] == ["two"]

    asyncio.run(main())


@pytest.mark.parametrize("moves", [(5.0,), (2.0, 4.9, 5.0)])
def test_who_sleeps_by_the_clock_of_the_past_wakes_when_it_was_moved_so_far(moves: tuple[float, ...]) -> None:
    async def main() -> None:
        real = SimulatedClock(T0 + timedelta(days=3))
        clock = PastClock(real, T0)
        sleeping = asyncio.create_task(clock.sleep(5.0))
        for to in moves:
            await real.sleep(60)
            assert not sleeping.done()
            clock.move(at(to))
        await sleeping
        clock.move(at(1))
        assert (clock.now(), clock.monotonic()) == (at(5), 5.0)

    run_simulated(main())


class Healing:
    """Owners that would send one write to suspend."""

    async def known(self, owner: Owner) -> Owner:
        return replace(owner, heals=True)

    async def runner(self, target: Target) -> Owner | None:
        return Owner(Tool.CANARY, target.name, target.namespace)

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        COLLECTED[-1].append(Write("PATCH", f"/{owner.name}/{watch_id}", "json", "{}"))
        return ""


COLLECTED: list[list[Write]] = []


@contextmanager
def collecting() -> Iterator[list[Write]]:
    COLLECTED.append([])
    yield COLLECTED[-1]


def test_a_suspension_is_withheld_and_handed_out_once_with_its_watch() -> None:
    async def main() -> None:
        owners = WithheldOwners(Healing(), collecting)
        owner = Owner(Tool.ARGO_CD, "shop", "argocd")
        assert (await owners.known(owner)).heals
        assert await owners.suspend(owner, "w") == ""
        assert owners.withheld("other") == ()
        assert [write.path for write in owners.withheld("w")] == ["/shop/w"]
        assert owners.withheld("w") == ()

    asyncio.run(main())


class Real:
    """The brakes of the real cluster: one act, no pause; or out of reach."""

    def __init__(self, *, away: bool = False) -> None:
        self._away = away

    async def pause(self) -> Pause | None:
        if self._away:
            raise OutOfReach("forbidden")
        return Pause("release freeze", "ann", T0, None)

    async def acts(self) -> Sequence[Act]:
        if self._away:
            raise OutOfReach("forbidden")
        return [Act("theirs", a_target("brand"), at(1))]

    async def begin(self, act: Act, allowed: Callable[[Sequence[Act]], bool], forget: timedelta) -> bool:
        raise AssertionError("a dry run put an act on the real list")

    async def page(self, watch_id: str, at: datetime, once_in: timedelta) -> bool:
        raise AssertionError("a dry run spoke up for a real page")


def test_brakes_count_the_real_acts_and_those_that_would_have_been_and_write_neither() -> None:
    async def main() -> None:
        brakes = MemoryBraking(Real(), strict=True)
        hour = timedelta(hours=1)
        pause = await brakes.pause()
        assert pause is not None
        assert pause.reason == "release freeze"
        mine = Act("mine", a_target(), at(2))
        assert not await brakes.begin(mine, lambda acts: len(acts) < 1, hour)
        assert await brakes.begin(mine, lambda acts: len(acts) < 2, hour)
        assert await brakes.begin(mine, lambda acts: False, hour)  # it is on the list already
        assert [act.watch for act in await brakes.acts()] == ["theirs", "mine"]
        assert [await brakes.page(name, at(2), hour) for name in ("mine", "other", "mine")] == [True, False, True]

    asyncio.run(main())


def test_brakes_out_of_reach_stop_a_run_and_not_a_laptop() -> None:
    async def main() -> None:
        laptop = MemoryBraking(Real(away=True), strict=False)
        assert (await laptop.pause(), list(await laptop.acts())) == (None, [])
        for ask in (
            MemoryBraking(Real(away=True), strict=True).pause,
            MemoryBraking(Real(away=True), strict=True).acts,
        ):
            with pytest.raises(OutOfReach):
                await ask()

    asyncio.run(main())
