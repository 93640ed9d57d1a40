"""A storm of notices becomes one, and none of them is lost on the way."""

import asyncio
from dataclasses import dataclass, field

import pytest

from adapters.notifiers.standin import AT, a_notice
from adapters.simulated import simulated
from watchdog.adapters.notifiers import Rejected
from watchdog.adapters.notifiers.gathering import Gathering
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.ports import NotDelivered
from watchdog.simulator.clock import SimulatedClock


@dataclass
class Channel:
    """Takes what it is sent, unless it is `away`."""

    clock: SimulatedClock
    away: NotDelivered | None = None
    only_single: bool = False
    told: list[tuple[float, str]] = field(default_factory=list)
    repeats: list[bool] = field(default_factory=list)

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        if self.away is not None:
            raise self.away
        if self.only_single and not notice.watch:
            raise Rejected("answered 400")
        self.told.append((round((self.clock.now() - AT).total_seconds(), 1), notice.title))
        self.repeats.append(possible_repeat)


class Desk:
    """A channel behind its gathering, in a crowd unless said otherwise."""

    def __init__(self, *, crowded: bool = True) -> None:
        self.clock = SimulatedClock(AT)
        self.channel = Channel(self.clock)
        self.gathering = Gathering(self.clock, self.channel.send, lambda _: crowded)

    async def tell(self, number: int, *, after: float = 0, topic: Topic = Topic.HELD, repeat: bool = False) -> None:
        await self.clock.sleep(after)
        notice = a_notice(
            id=f"w{number}/{topic}", watch=f"w{number}", target=f"production/deployment/s{number}",
            title=f"s{number} is bad", topic=topic, facts={"guard": "shop"},
        )  # fmt: skip
        await self.gathering.send(notice, possible_repeat=repeat)


@simulated
async def test_ten_failing_targets_of_one_guard_within_a_minute_are_one_notice() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.tell(number, after=5.5 * number) for number in range(10)))
    ((moment, title),) = desk.channel.told
    assert moment == 60.0
    assert title.startswith("10 targets of guard shop break their rules")


@simulated
async def test_where_no_other_watch_is_open_it_is_told_at_once() -> None:
    desk = Desk(crowded=False)
    await desk.tell(1)
    assert desk.channel.told == [(0.0, "s1 is bad")]


@simulated
async def test_one_alone_in_a_crowd_is_told_soon_as_it_is() -> None:
    desk = Desk()
    await desk.tell(1)
    assert desk.channel.told == [(15.0, "s1 is bad")]


@simulated
async def test_other_news_of_the_guard_are_another_notice() -> None:
    desk = Desk()
    held = [desk.tell(number) for number in range(3)]
    await asyncio.gather(*held, *(desk.tell(number, topic=Topic.RECOVERED) for number in range(3, 5)))
    assert sorted(title.partition(":")[0] for _, title in desk.channel.told) == [
        "2 targets of guard shop recovered after they were put back",
        "3 targets of guard shop break their rules, but nothing was done",
    ]


@simulated
async def test_each_sender_hears_that_the_digest_was_not_delivered_and_can_try_again() -> None:
    desk = Desk()
    desk.channel.away = NotDelivered("answered 503", unsure=True, retry_after=7.0)
    results = await asyncio.gather(*(desk.tell(number) for number in range(3)), return_exceptions=True)
    assert [(str(one), one.unsure, one.retry_after) for one in results if isinstance(one, NotDelivered)] == [
        ("answered 503", True, 7.0)
    ] * 3
    desk.channel.away = None
    await asyncio.gather(*(desk.tell(number, repeat=number == 1) for number in range(3)))
    assert len(desk.channel.told) == 1
    assert desk.channel.repeats == [True]


@simulated
async def test_a_digest_that_is_refused_for_good_is_told_one_by_one() -> None:
    desk = Desk()
    desk.channel.only_single = True
    await asyncio.gather(*(desk.tell(number) for number in range(3)))
    assert sorted(title for _, title in desk.channel.told) == ["s0 is bad", "s1 is bad", "s2 is bad"]


@simulated
async def test_one_alone_that_is_refused_for_good_says_so() -> None:
    desk = Desk()
    desk.channel.away = Rejected("answered 400")
    with pytest.raises(Rejected):
        await desk.tell(1)


@simulated
async def test_before_the_process_ends_what_waits_is_sent_at_once() -> None:
    desk = Desk()
    waiting = asyncio.gather(*(desk.tell(number) for number in range(3)))
    await desk.clock.sleep(1)
    desk.gathering.hurry()
    await waiting
    assert [moment for moment, _ in desk.channel.told] == [1.0]
    await desk.tell(4)
    assert desk.channel.told[-1] == (1.0, "s4 is bad")


@simulated
async def test_if_the_first_sender_is_cancelled_the_others_may_try_again() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as scope:
        first = scope.create_task(desk.tell(0))
        second = scope.create_task(asyncio.wait_for(_failing(desk.tell(1, after=1)), 300))
        await desk.clock.sleep(2)
        first.cancel()
    assert "interrupted" in second.result()
    await desk.tell(1)
    assert [title for _, title in desk.channel.told] == ["s1 is bad"]


@simulated
async def test_a_sender_that_is_cancelled_takes_nothing_from_the_others() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as scope:
        scope.create_task(desk.tell(0))
        second = scope.create_task(desk.tell(1))
        await desk.clock.sleep(2)
        second.cancel()
    ((_, title),) = desk.channel.told
    assert title.startswith("2 targets")


async def _failing(sending: object) -> str:
    with pytest.raises(NotDelivered) as caught:
        await sending  # type: ignore[misc]
    return str(caught.value)


@simulated
async def test_a_moment_that_no_clock_can_tell_from_now_is_not_waited_for() -> None:
    desk = Desk()
    for odd in (0.1, 0.7, 1 / 3, 1e-9):
        await desk.clock.sleep(12345.0 + odd)
        await asyncio.gather(desk.tell(1), desk.tell(2, after=odd / 7))
    assert len(desk.channel.told) == 4
