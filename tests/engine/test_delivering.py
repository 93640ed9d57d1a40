"""Notices on their way: in order on each channel, retried with growing waits, given up after a day."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from builders import a_watch
from watchdog.domain.channels import Topic
from watchdog.domain.effects import DeliveryState, Notice, Severity
from watchdog.domain.events import DeliveryMoved
from watchdog.domain.telling import with_telling
from watchdog.domain.watch import Watch, advance
from watchdog.engine.delivering import GIVE_UP, Announcer, Deliverer
from watchdog.ports import NotDelivered
from watchdog.simulator.clock import SimulatedClock, run_simulated

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Refused(NotDelivered):
    """Another try would be refused as well."""

    final = True


@dataclass
class Channel:
    """Takes what it is given, unless `answer` says otherwise; remembers when it was asked."""

    name: str
    clock: SimulatedClock
    answer: Callable[[int], NotDelivered | None] = lambda _attempt: None
    takes: float = 0.0
    asked: list[tuple[float, str, bool]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        self.asked.append(((self.clock.now() - NOON).total_seconds(), notice.topic.value, possible_repeat))
        if self.takes:
            await self.clock.sleep(self.takes)
        failure = self.answer(len(self.asked))
        if failure is not None:
            raise failure
        self.told.append(notice.topic.value)

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def moments(self) -> list[float]:
        return [moment for moment, *_ in self.asked]


@dataclass
class Results:
    """Stands for the observer."""

    of: list[tuple[str, str]] = field(default_factory=list)

    def delivery(self, channel: str, result: str) -> None:
        self.of.append((channel, result))


def a_notice(topic: Topic) -> Notice:
    return Notice(f"w/{topic}", topic, Severity.INFO, "w", "production/deployment/research", f"{topic}", (), NOON)


class Desk:
    """A watch, its deliverer, and channels."""

    def __init__(self, scope: asyncio.TaskGroup, *names: str) -> None:
        self.clock = SimulatedClock(NOON)
        self.scope = scope
        self.channels = {name: Channel(name, self.clock) for name in names}
        self.results = Results()
        self.watch: Watch = replace(a_watch(), tellings=())
        self.flushed: list[dict[str, str]] = []
        self.deliverer = Deliverer(
            notifiers=lambda: self.channels,
            clock=self.clock,
            observer=self.results,  # type: ignore[arg-type]
            moved=self._moved,
            flush=self._flush,
            written=self._written,
        )

    async def _moved(self, event: DeliveryMoved) -> None:
        self.watch = advance(self.watch, event, self.clock.now()).watch

    async def _flush(self) -> None:
        self.flushed.append(self.states())

    async def _written(self) -> None:
        """The record that says what was claimed is written already."""

    def states(self) -> dict[str, str]:
        """Of each delivery, as the record would say it."""
        return {
            f"{telling.notice.topic} to {delivery.channel}": str(delivery.state)
            for telling in self.watch.tellings
            for delivery in telling.deliveries
        }

    def tell(self, *topics: Topic, channels: tuple[str, ...] = ()) -> None:
        for topic in topics:
            tellings = with_telling(self.watch.tellings, a_notice(topic), channels or tuple(self.channels))
            self.watch = replace(self.watch, tellings=tellings)
        self.deliverer.start(self.watch, self.scope)


def at_the_desk(*names: str) -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    """Run a test on simulated time."""

    def run(body: Callable[[Desk], Awaitable[None]]) -> None:
        async def main() -> None:
            async with asyncio.TaskGroup() as scope:
                await body(Desk(scope, *names))

        run_simulated(main())

    return run


def test_it_is_journalled_as_being_sent_before_it_is_sent() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].takes = 5.0
        desk.tell(Topic.SWITCH)
        await desk.clock.sleep(1)
        assert desk.flushed == [{"switch to releases": "sending"}]
        await desk.clock.sleep(10)
        assert desk.states() == {"switch to releases": "sent"}
        assert desk.results.of == [("releases", "sent")]


def test_what_the_record_says_already_is_not_written_again_and_is_no_repeat() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        for topic in (Topic.SWITCH, Topic.ROLLED_BACK):
            tellings = with_telling(desk.watch.tellings, a_notice(topic), ("releases",))
            desk.watch = replace(desk.watch, tellings=tellings)
        [move] = desk.deliverer.claim(desk.watch)
        assert (move.notice, move.state) == ("w/switch", DeliveryState.SENDING)
        desk.watch = advance(desk.watch, move, desk.clock.now()).watch
        assert not desk.deliverer.claim(desk.watch)

        desk.deliverer.start(desk.watch, desk.scope)
        await desk.clock.sleep(20)
        assert desk.flushed == [{"switch to releases": "sent", "rolled-back to releases": "sending"}]
        asked = [(topic, repeat) for _, topic, repeat in desk.channels["releases"].asked]
        assert asked == [("switch", False), ("rolled-back", False)]


def test_a_notice_that_is_refused_for_two_minutes_hides_no_later_one() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        channel = desk.channels["releases"]
        # What the channel chokes on is the first notice alone: each of its tries is refused.
        channel.answer = lambda attempt: NotDelivered("too long") if channel.asked[attempt - 1][1] == "switch" else None
        desk.tell(Topic.SWITCH, Topic.ROLLED_BACK)
        await desk.clock.sleep(100)
        assert channel.told == []
        await desk.clock.sleep(200)
        assert channel.told == ["rolled-back"]
        channel.answer = lambda _attempt: None
        await desk.clock.sleep(200)
        assert channel.told == ["rolled-back", "switch"]


def test_notices_reach_a_channel_one_at_a_time_and_in_order() -> None:
    @at_the_desk("releases", "oncall")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].takes = 60.0
        desk.tell(Topic.ROLLED_BACK)
        desk.tell(Topic.RECOVERED)
        await desk.clock.sleep(30)
        assert desk.channels["oncall"].told == ["rolled-back", "recovered"]
        assert desk.channels["releases"].told == []
        await desk.clock.sleep(120)
        assert desk.channels["releases"].told == ["rolled-back", "recovered"]
        assert desk.channels["releases"].moments == [0.0, 60.0]


def test_a_notice_is_tried_again_with_growing_waits_that_end_at_two_minutes() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].answer = lambda attempt: NotDelivered("503") if attempt < 9 else None
        desk.tell(Topic.HELD)
        await desk.clock.sleep(1800)
        moments = desk.channels["releases"].moments
        waits = [later - sooner for sooner, later in itertools.pairwise(moments)]
        assert waits == [5, 10, 20, 40, 80, 120, 120, 120]
        assert desk.states() == {"held to releases": "sent"}
        assert desk.results.of == [("releases", "failed")] * 8 + [("releases", "sent")]


def test_a_channel_that_says_when_to_come_back_is_heard() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].answer = lambda attempt: (
            NotDelivered("429", retry_after=300.0) if attempt == 1 else None
        )
        desk.tell(Topic.HELD)
        await desk.clock.sleep(600)
        assert desk.channels["releases"].moments == [0.0, 300.0]


def test_only_a_try_that_may_have_arrived_makes_the_next_one_a_possible_repeat() -> None:
    @at_the_desk("releases", "oncall")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].answer = lambda attempt: NotDelivered("reset", unsure=True) if attempt == 1 else None
        desk.channels["oncall"].answer = lambda attempt: NotDelivered("503") if attempt == 1 else None
        desk.tell(Topic.HELD)
        await desk.clock.sleep(60)
        assert [repeat for *_, repeat in desk.channels["releases"].asked] == [False, True]
        assert [repeat for *_, repeat in desk.channels["oncall"].asked] == [False, False]


def test_a_notice_found_as_being_sent_after_a_crash_is_a_possible_repeat() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        tellings = with_telling((), a_notice(Topic.HELD), ("releases",))
        desk.watch = replace(desk.watch, tellings=tellings)
        moved = DeliveryMoved("w/held", "releases", DeliveryState.SENDING)
        desk.watch = advance(desk.watch, moved, NOON).watch
        desk.deliverer.start(desk.watch, desk.scope)
        await desk.clock.sleep(1)
        assert desk.channels["releases"].asked == [(0.0, "held", True)]


def test_a_refusal_for_good_is_given_up_at_once_and_said() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].answer = lambda _attempt: Refused("404 no such channel")
        desk.tell(Topic.HELD)
        await desk.clock.sleep(60)
        [delivery] = desk.watch.tellings[0].deliveries
        assert (delivery.state, delivery.detail) == (DeliveryState.GAVE_UP, "404 no such channel")
        assert desk.results.of == [("releases", "failed"), ("releases", "gave-up")]


def test_after_a_day_a_notice_is_given_up_and_the_next_one_is_still_tried() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].answer = lambda _attempt: NotDelivered("503")
        desk.tell(Topic.HELD, Topic.FAILED)
        await desk.clock.sleep(GIVE_UP.total_seconds() + 300)
        assert desk.states() == {"held to releases": "gave-up", "failed to releases": "gave-up"}
        assert [topic for _, topic, _ in desk.channels["releases"].asked][-1] == "failed"
        assert max(desk.channels["releases"].moments) < timedelta(hours=24, minutes=5).total_seconds()


def test_a_channel_that_the_rules_no_longer_have_is_given_up() -> None:
    @at_the_desk("releases")
    async def _(desk: Desk) -> None:
        desk.channels["releases"].answer = lambda _attempt: NotDelivered("503")
        desk.tell(Topic.HELD)
        await desk.clock.sleep(1)
        desk.channels.clear()
        await desk.clock.sleep(60)
        [delivery] = desk.watch.tellings[0].deliveries
        assert delivery.state is DeliveryState.GAVE_UP
        assert "no longer has this channel" in delivery.detail


def announced(
    body: Callable[[Announcer, dict[str, Channel], SimulatedClock, Results], Coroutine[Any, Any, None]],
) -> None:
    """Run a test of the announcer on simulated time, with the channels `releases` and `oncall`."""

    async def main() -> None:
        clock, results = SimulatedClock(NOON), Results()
        channels = {name: Channel(name, clock) for name in ("releases", "oncall")}
        announcer = Announcer(
            notifiers=lambda: channels,
            wants=lambda notifier, _notice: notifier.name != "deaf",
            clock=clock,
            observer=results,  # type: ignore[arg-type]
        )
        running = asyncio.create_task(announcer.run())
        await body(announcer, channels, clock, results)
        running.cancel()

    run_simulated(main())


def test_an_announcement_reaches_each_channel_once_however_long_one_of_them_hangs() -> None:
    async def body(announcer: Announcer, channels: dict[str, Channel], clock: SimulatedClock, results: Results) -> None:
        channels["releases"].takes = 3600.0
        announcer.announce(a_notice(Topic.RULES_INVALID))
        await clock.sleep(1)
        assert (channels["oncall"].told, channels["releases"].told) == (["rules-invalid"], [])
        await clock.sleep(7200)
        assert channels["releases"].told == ["rules-invalid"]
        assert len(results.of) == 2

    announced(body)


def test_an_announcement_is_tried_again_and_given_up_after_a_day() -> None:
    async def body(announcer: Announcer, channels: dict[str, Channel], clock: SimulatedClock, results: Results) -> None:
        channels["releases"].answer = lambda _attempt: NotDelivered("503")
        channels["oncall"].answer = lambda attempt: NotDelivered("503") if attempt < 3 else None
        announcer.announce(a_notice(Topic.RULES_INVALID))
        await clock.sleep(GIVE_UP.total_seconds() + 300)
        assert channels["oncall"].told == ["rules-invalid"]
        assert ("releases", "gave-up") in results.of
        assert results.of.count(("oncall", "sent")) == 1

    announced(body)


def test_an_announcement_goes_only_to_the_channels_it_is_for() -> None:
    async def body(announcer: Announcer, channels: dict[str, Channel], clock: SimulatedClock, results: Results) -> None:
        channels["deaf"] = Channel("deaf", clock)
        announcer.announce(a_notice(Topic.UNGUARDED), ("oncall", "deaf"))
        await clock.sleep(1)
        assert {name: channel.told for name, channel in channels.items() if channel.told} == {"oncall": ["unguarded"]}

    announced(body)
