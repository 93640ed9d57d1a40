"""Several watchdogs in one town that share its targets by shards, and what must hold among them at every instant."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from replicas import Replica
from stopping import run_stoppable
from town import OWN, PART_OF, RULES, Town, town
from watchdog.domain.shards import shard_of
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.traffic import Course

# Of three shards each has one of them.
PLACES = ("web", "production", "brand")
SHARED = RULES.replace('namespaces = ["production"]', f"namespaces = {json.dumps(PLACES)}")


def furnish(here: Town, *, each: int = 1) -> None:
    """Some Deployments with a Service each in every place, named after it: `web-0`, `production-0` and so on."""
    for place in PLACES:
        for number in range(each):
            name = f"{place}-{number}"
            here.cluster.deploy(place, name, f"{name}:v1", replicas=1, labels=PART_OF)
            here.cluster.service(place, name)


def place_of(name: str) -> str:
    """The namespace of a Deployment."""
    return name.rpartition("-")[0]


@dataclass
class Crew:
    """A town with watchdogs, each of so many shards as it was told."""

    town: Town
    replicas: list[Replica] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    acts: list[tuple[str, str]] = field(default_factory=list)  # by whom, on what

    def attach(self) -> None:
        """See every write to a workload: only the leader of its shard may send it."""
        self.town.cluster.before_write(self._asked)
        self.town.cluster.after_write(self._written)

    def _asked(self, write: WriteAttempt) -> None:
        sender = next((one for one in self.replicas if one.name == write.user), None)
        if sender is None or write.dry_run or write.resource == "leases":
            return
        shard = self._shard_written(write, sender.shards)
        if not sender.leads or (shard is not None and shard not in sender.leads):
            self.strange.append(
                f"{write.user} sent {write.verb} {write.namespace}/{write.name}, and leads {sender.leads}"
            )

    def _shard_written(self, write: WriteAttempt, of: int) -> int | None:
        """Of a workload or a memory; None for what is of no one shard, or tells it inside alone."""
        if write.namespace != OWN:
            return shard_of(write.namespace, of)
        memory = re.fullmatch(r"rollback-watchdog-(?:dry-run-)?targets-(.+)", write.name)
        return shard_of(memory[1], of) if memory else None

    def _written(self, write: WriteAttempt) -> None:
        if write.resource in ("deployments", "services") and not write.dry_run:
            self.acts.append((write.user, write.name))

    async def join(self, name: str, shards: int, *, dry_run: bool = False) -> Replica:
        replica = Replica(self.town, name, shards=shards, dry_run=dry_run)
        self.replicas.append(replica)
        replica.start()
        return replica

    def check(self) -> None:
        """No shard is led twice, no two numbers of shards are led by, and nobody wrote what was not its own."""
        for one in self.replicas:
            one.failed()
        for dry_run in (False, True):
            led = [(one.shards, number) for one in self.replicas if one.dry_run is dry_run for number in one.leads]
            assert len(led) == len(set(led)), led
            assert len({shards for shards, _ in led}) <= 1, led
        assert not self.strange, self.strange

    async def passes(self, seconds: float) -> None:
        clock = self.town.clock
        end = clock.monotonic() + seconds
        while clock.monotonic() < end:
            await clock.sleep(min(0.25, end - clock.monotonic()))
            self.check()

    async def until(self, holds: Callable[[], object], within: float) -> float:
        began = self.town.clock.monotonic()
        while not holds():
            await self.passes(0.25)
            assert self.town.clock.monotonic() - began <= within, f"not within {within} s: {self.town.summaries()}"
        return self.town.clock.monotonic() - began

    def guarded(self, shards: int) -> bool:
        """Whether each of so many shards is led by somebody who has taken up what there was."""
        able = [one for one in self.replicas if one.shards == shards and one.works and not one.dry_run]
        return set().union(*(one.leads for one in able)) == set(range(shards))

    async def settled(self, shards: int) -> None:
        """Wait until all are guarded, and the shards are spread as they will be."""

        def spread() -> bool:
            loads = [len(one.leads) for one in self.replicas if one.alive and one.shards == shards]
            return self.guarded(shards) and max(loads) - min(loads) <= 1

        await self.until(spread, 120)

    def leader_of(self, place: str) -> Replica:
        [found] = [one for one in self.replicas if shard_of(place, one.shards) in one.leads]
        return found

    def release(self, name: str, *, bad: bool = True, after: float = 20) -> None:
        """Somebody deploys v2."""
        if bad:
            self.town.behaves(f"{name}:v2", errors=Course.step(0.004, 0.5, after=after))
        self.town.cluster.deploy(place_of(name), name, f"{name}:v2")

    def image(self, name: str) -> str:
        template = self.town.cluster.get("deployments", place_of(name), name)["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    async def ended(self, name: str) -> dict[str, Any]:
        await self.until(lambda: [one for one in self.town.records(name) if one["outcome"] is not None], 1800)
        return self.town.records(name)[0]

    async def undone_once(self, *names: str) -> None:
        """Each of these was put back, by one act, in one watch, and told of once."""
        for name in names:
            record = await self.ended(name)
            assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        await self.passes(60)
        for name in names:
            assert len(self.town.records(name)) == 1, self.town.summaries()
            assert [on for _, on in self.acts].count(name) == 1
            assert self.image(name) == f"{name}:v1"
        for channel in self.town.channels.values():
            plain = [notice.id for notice, repeat in channel.told if not repeat]
            assert len(plain) == len(set(plain)), channel.name


def tell_of_shards(
    body: Callable[[Crew], Awaitable[None]],
    furnished: Callable[[Town], None] = furnish,
    *,
    rules: str = SHARED,
) -> None:
    """Run a story of several watchdogs on simulated time. Whoever joins is gone at its end."""

    async def main() -> None:
        async with crew(furnished, rules=rules) as here:
            await body(here)

    run_stoppable(main())


@asynccontextmanager
async def crew(furnished: Callable[[Town], None] = furnish, **given: Any) -> AsyncIterator[Crew]:
    """A town without watchdogs yet."""
    async with AsyncExitStack() as stack:
        here = Crew(await stack.enter_async_context(town(furnished, start=False, **given)))
        here.attach()
        try:
            yield here
            here.check()
        finally:
            for one in here.replicas:
                await one.kill()
