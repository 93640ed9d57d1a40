"""Hand-overs between two watchdogs under load, judged from outside: `make handover ARGS="--count 200 --seed 1"`.

The leader is killed, ended, stopped for a minute or more, or cut off from the API server, at moments drawn by chance,
while good and bad releases keep coming. Judged is what the API server carried out and what the channels were told.
"""

import argparse
import asyncio
import json
import logging
import random
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from replicas import Pair, Replica, pair
from stopping import run_stoppable
from town import NAMESPACE, RULES, Town
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.store import Change
from watchdog.simulator.traffic import Course

SERVICES = ("research", "brand", "content", "agent", "billing", "search")
QUICK = RULES.replace("version = 1\n", 'version = 1\n[brakes]\nall = "1000 in 1h"\ntarget = "1000 in 1h"\n').replace(
    'rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash"]',
    'rules = ["error-rate", "crash"]\nbake = "90s"\ninterval = "5s"\nwarmup = "5s"\nrecovery = "30s"\nbaseline = "5m"',
)
TAKEOVER = 15.0
AT_ONCE = 5.0  # SIGTERM: notices on their way have three seconds, the records one
KINDS = ("kill -9", "SIGTERM", "SIGSTOP", "cut off")
_TOPICS = {True: {"switch", "rolled-back", "recovered"}, False: {"switch", "passed"}}


@dataclass
class Release:
    """One deploy, and what the API server carried out for the watchdogs on that Deployment until the next one."""

    name: str
    image: str
    bad: bool
    acts: int = 0
    record: Mapping[str, Any] | None = None

    @property
    def over(self) -> bool:
        return self.record is not None and self.record["outcome"] is not None


@dataclass
class Load:
    """Releases without end, one after the other on each service."""

    both: Pair
    rng: random.Random
    releases: list[Release] = field(default_factory=list)
    current: dict[str, Release] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    def attach(self) -> None:
        self.both.town.cluster.after_write(self._written)
        self.both.town.cluster.before_write(self._asked)
        self.both.town.cluster.on_change(self._changed)

    def _asked(self, write: WriteAttempt) -> None:
        """Nothing is sent by one that does not lead, but what it had half sent as it was stopped."""
        if write.resource == "leases" or write.dry_run:
            return
        sender = next((one for one in self.both.replicas if one.name == write.user), None)
        if sender is not None and not sender.valid and not sender.half_sent:
            self.strange.append(f"{write.user} sent {write.verb} {write.resource}/{write.name} and did not lead")

    def _written(self, write: WriteAttempt) -> None:
        if write.resource != "deployments" or write.dry_run:
            return
        release = self.current.get(write.name)
        if release is None:
            self.strange.append(f"{write.name} was changed, and nothing was released")
        else:
            release.acts += 1

    def _changed(self, change: Change) -> None:
        if change.object["kind"] != "ConfigMap" or change.type == "DELETED":
            return
        text = (change.object.get("data") or {}).get("record.json")
        if text is None:
            return
        record = json.loads(text)
        image = self._image_of(record)
        for release in self.releases:
            if release.image == image:
                known = release.record
                if known is not None and known["watch"] != record["watch"]:
                    self.strange.append(f"{image} has two watches: {known['watch']}, {record['watch']}")
                if known is not None and known["outcome"] is not None and record["outcome"] != known["outcome"]:
                    self.strange.append(f"{image} was {known['outcome']} and is {record['outcome'] or 'open'} again")
                release.record = record

    def _image_of(self, record: Mapping[str, Any]) -> str:
        """By the ReplicaSet that the record's candidate names."""
        name = str(record["target"]).rpartition("/")[2]
        for one in self.both.town.cluster.list("replicasets", NAMESPACE):
            if one["metadata"]["name"].startswith(f"{name}-") and one["metadata"]["labels"][
                "pod-template-hash"
            ] in json.dumps(record["candidate"]):
                return str(one["spec"]["template"]["spec"]["containers"][0]["image"])
        return ""

    async def run(self) -> None:
        """Release something each few seconds, wherever the one before is over."""
        town = self.both.town
        while True:
            free = [name for name in SERVICES if name not in self.current or self._settled(self.current[name])]
            if free:
                name = self.rng.choice(free)
                bad = self.rng.random() < 0.5
                image = f"{name}:r{len(self.releases)}"
                if bad:
                    town.behaves(image, errors=Course.step(0.004, 0.5, after=self.rng.uniform(0, 30)))
                release = self.current[name] = Release(name, image, bad)
                self.releases.append(release)
                town.deploy(name, image)
            await town.clock.sleep(self.rng.uniform(4, 12))

    @property
    def settled(self) -> bool:
        """Whether everything that was released is over, and told."""
        return all(map(self._settled, self.releases))

    def _settled(self, release: Release) -> bool:
        return release.over and all(
            state == "sent" for notice in (release.record or {})["notices"] for state in notice["deliveries"].values()
        )

    def violations(self) -> Iterator[str]:
        """Everything that should not have been."""
        yield from self.strange
        for one in self.releases:
            outcome = one.record["outcome"] if one.record else "no record"
            if outcome != ("rolled-back" if one.bad else "passed") or one.acts != int(one.bad):
                what = "bad" if one.bad else "good"
                why = one.record["reason"] if one.record else ""
                yield f"{one.image} is {what}, and was {outcome} with {one.acts} acts: {why}"
            yield from self._mistold(one)

    def _mistold(self, release: Release) -> Iterator[str]:
        watch = (release.record or {}).get("watch")
        for name, channel in self.both.town.channels.items():
            told = [(notice, repeat) for notice, repeat in channel.told if notice.watch == watch]
            wanted = _TOPICS[release.bad] & {str(topic) for topic in channel.on}
            if {notice.topic.value for notice, _ in told} - {"breach"} != wanted:
                yield f"{release.image}: {name} was told {[notice.topic.value for notice, _ in told]}"
            plain = Counter(notice.id for notice, repeat in told if not repeat)
            yield from (f"{name} was told {ident} {n} times" for ident, n in plain.items() if n > 1)


@dataclass
class Result:
    """What came of it."""

    seed: int
    took: dict[str, list[float]]
    releases: int
    bad: int
    repeats: int
    violations: list[str]

    def table(self) -> str:
        """For people, in Markdown."""
        rows = ["| hand-over by | times | median | longest |", "|---|---|---|---|"]
        every = [seconds for times in self.took.values() for seconds in times]
        for kind, times in [*self.took.items(), ("all", every)]:
            if times:
                rows.append(f"| {kind} | {len(times)} | {statistics.median(times):.1f} s | {max(times):.1f} s |")
        told = f"{self.repeats} notices came twice, the second marked as a possible repeat"
        judged = f"{self.releases} releases, {self.bad} of them bad; {told}; {len(self.violations)} violations"
        return "\n".join([*rows, "", f"Seed {self.seed}: {judged}."])


async def hand_over(both: Pair, kind: str, rng: random.Random) -> float:
    """Take the lead from whoever has it; how long nobody worked. Both are there again at the end."""
    leader = both.leader
    other = both.other(leader)

    async def follows(within: float) -> float:
        return await both.until(lambda: other.works, within)

    match kind:
        case "kill -9":
            await leader.kill()
            took = await follows(TAKEOVER)
            await both.passes(rng.uniform(0, 3))
            leader.start()
        case "SIGTERM":
            ending = asyncio.create_task(leader.terminate())
            took = await follows(AT_ONCE)
            await ending
            leader.start()
        case "SIGSTOP":
            leader.process.stop()
            leader.half_sent = True
            took = await follows(TAKEOVER)
            await both.passes(rng.uniform(0, 60))
            leader.process.go_on()
            await both.passes(2)
            leader.half_sent = False
        case _:
            fault = leader.cut_off(rng.choice(["hang", "reset", "truncate", "answer"]))
            took = await follows(TAKEOVER)
            await both.passes(rng.uniform(0, 30))
            fault.remove()
    await both.until(lambda: leader.stands_by and _warm(leader), 60)
    return took


def _warm(replica: Replica) -> bool:
    cache = replica.running._cache
    return cache is not None and cache.synced and bool(replica.running._terms and replica.running._terms.all_led)


def _furnish(here: Town) -> None:
    here.furnish(*SERVICES, replicas=1)


async def handed_over(count: int, seed: int, *, say: bool = False) -> Result:
    """So many hand-overs, of each kind about as many."""
    rng = random.Random(seed)
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    async with pair(_furnish, seed=seed, rules=QUICK, scrape_interval=5.0) as both:
        load = Load(both, rng)
        load.attach()
        releasing = asyncio.create_task(load.run(), name="releases")
        await both.passes(20)
        kinds = [KINDS[n % len(KINDS)] for n in range(count)]
        rng.shuffle(kinds)
        for n, kind in enumerate(kinds, 1):
            took[kind].append(await hand_over(both, kind, rng))
            await both.passes(rng.uniform(0, 15))
            if say and n % 10 == 0:
                print(
                    f"{n} of {count}; {both.town.clock.now():%H:%M:%S} simulated; {len(load.releases)} releases",
                    flush=True,
                )
        releasing.cancel()
        await both.until(lambda: load.settled, 900)
        await both.passes(60)
        told = [repeat for channel in both.town.channels.values() for _, repeat in channel.told]
        bad = sum(one.bad for one in load.releases)
        return Result(seed, took, len(load.releases), bad, sum(told), list(load.violations()))


def main() -> int:
    """Print the table; 1 where something was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
    result = run_stoppable(handed_over(given.count, given.seed, say=True))
    print(result.table())
    for violation in result.violations:
        print(f"VIOLATED: {violation}")
    if result.violations:
        print(f'again: make handover ARGS="--count {given.count} --seed {given.seed}"')
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
