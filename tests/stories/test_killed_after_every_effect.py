"""Killed before or after every single write and every single notice, and started again: one act, and all is told.

A reference run counts the points at which the watchdog touches the outside; then the same story is told once for
each of them, with the process killed there. Every point, not a sample.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from town import OWN, RULES, Town, town
from watchdog.domain.effects import Notice
from watchdog.domain.record import evidence_again
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.traffic import Course

_SHARDS = 4
_QUICK = RULES.replace(
    'rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash"]',
    'rules = ["error-rate", "crash"]\nbake = "2m"\ninterval = "5s"\nwarmup = "5s"\nrecovery = "60s"\nbaseline = "5m"',
)


@dataclass
class Killer:
    """Counts the points; at the chosen one it kills the watchdog, which `resurrect` then starts again."""

    town: Town
    at: int | None
    points: list[str] = field(default_factory=list)
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    where: str = ""

    def pass_by(self, what: str) -> bool:
        """Note a point; whether the process dies here. Of the lease, whose renewals are without number, none is."""
        if " leases/" in what:
            return False
        self.points.append(what)
        if self.at is None or self.struck.is_set() or len(self.points) - 1 != self.at:
            return False
        self.where = what
        self.struck.set()
        assert self.town._task is not None
        self.town._task.cancel()
        return True

    def attach(self) -> None:
        """Stand before and after each write and each notice."""

        async def before(write: WriteAttempt) -> None:
            if self.pass_by(f"before {describe(write)}"):
                await asyncio.Event().wait()  # the request dies with the process

        self.town.cluster.before_write(before)
        self.town.cluster.after_write(lambda write: self.pass_by(f"after {describe(write)}"))
        for channel in self.town.channels.values():
            channel.send = self._around(channel.send, channel.name)  # type: ignore[method-assign]

    def _around(self, send: Callable[..., Awaitable[None]], name: str) -> Callable[..., Awaitable[None]]:
        async def around(notice: Notice, *, possible_repeat: bool) -> None:
            if self.pass_by(f"before telling {name} {notice.topic}"):
                await asyncio.Event().wait()
            await send(notice, possible_repeat=possible_repeat)
            if self.pass_by(f"after telling {name} {notice.topic}"):
                await asyncio.Event().wait()

        return around

    async def resurrect(self) -> None:
        """Start the watchdog again three seconds after it was killed."""
        await self.struck.wait()
        await self.town.kill()
        await self.town.sleep(3)
        await self.town.start(wait=False)


def describe(write: WriteAttempt) -> str:
    """A write, for messages."""
    return f"{write.verb} {write.resource}/{write.namespace}/{write.name}"


async def told(killed_at: int | None) -> Killer:
    """The story of a bad release, with the watchdog killed at that point."""
    async with town(lambda here: here.furnish("research"), rules=_QUICK) as here:
        here.behaves("research:v2", errors=Course.step(0.004, 0.5, after=20))
        killer = Killer(here, killed_at)
        killer.attach()
        rising = asyncio.create_task(killer.resurrect())
        here.deploy("research", "research:v2")

        def over() -> bool:
            return any(record["outcome"] and _all_told(record) for record in here.records("research"))

        await here.until(over, within=600)
        await here.sleep(30)
        rising.cancel()
        _check(here, killer)
        return killer


def _all_told(record: dict[str, object]) -> bool:
    notices = record["notices"]
    assert isinstance(notices, list)
    return all(state == "sent" for notice in notices for state in notice["deliveries"].values())


def _check(here: Town, killer: Killer) -> None:
    where = f"killed {killer.where or 'never'}"
    [record] = here.records("research")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), where
    assert here.serving_image("research") == "research:v1", where
    assert len(here.writes("deployments")) == 1, where
    _is_whole(record["rules"]["error-rate"], where)
    for name, channel in here.channels.items():
        seen: dict[str, list[bool]] = {}
        for notice, repeat in channel.told:
            seen.setdefault(notice.id, []).append(repeat)
        wanted = {"rolled-back"} if name == "oncall" else {"switch", "rolled-back", "recovered"}
        assert {notice_id.split("/")[1] for notice_id in seen} == wanted, (where, name, seen)
        for notice_id, repeats in seen.items():
            # A second telling is only right where the process died while it told, and then it says so.
            assert repeats == [False] or (len(repeats) == 2 and repeats[1]) or repeats == [True], (where, notice_id)
            if len(repeats) == 2:
                # An Event is written beside the telling, and the telling is journalled a second later.
                beside = ("telling", OWN, "events/")
                assert any(word in killer.where for word in beside), (where, notice_id)


def _is_whole(rule: Mapping[str, Any], where: str) -> None:
    """Whoever is killed after the act measures the candidate no more: the record has it all the same."""
    assert rule["path"][-1][3] == "breach", where
    assert rule["bets"], where
    assert evidence_again(rule) == pytest.approx(rule["log_evidence"]), where
    assert rule["met"]["bad"] >= rule["bad"] > 0, where
    assert rule["recovery"], where


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(_SHARDS))
def test_killed_at_any_point_it_acts_once_and_tells_all(shard: int) -> None:
    reference = run_simulated(told(None))
    points = len(reference.points)
    assert points >= 20, reference.points
    for point in range(shard, points, _SHARDS):
        killer = run_simulated(told(point))
        assert killer.where, f"point {point} of {points} was never reached"
