"""Services beside each other, second by second, as Prometheus would see them: for the rates of the comparison."""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from builders import a_ratio, a_rule, at, counts
from watchdog.domain.judge.history import History
from watchdog.domain.judge.peers import PeerMeasured, RuleCompared, compare, stretch_of
from watchdog.domain.judge.thresholds import judge_threshold
from watchdog.domain.judge.verdict import Verdict
from watchdog.domain.measurement import Block, NoData, Reading
from watchdog.domain.rollout import Target

Share = Callable[[int], float]
"""The share of requests that fail in a second."""

INTERVAL = 15
SETTLED = 0.004
THRESHOLD = a_ratio(0.05)
RULE = a_rule(THRESHOLD)
LASTS = 240
BEGINS = 60


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number: exact below 4 (Knuth), above it as a rounded normal one."""
    if mean >= 4.0:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


@dataclass
class Service:
    """One service: its counters at each second, scraped every `scrape` seconds from `phase` on."""

    total: list[int]
    bad: list[int]
    scrape: int
    phase: int

    @classmethod
    def of(cls, rng: random.Random, share: Share, *, scrape: int, rate: float = 10.0) -> "Service":
        bads = [poisson(rng, rate * share(second)) for second in range(LASTS)]
        totals = [bad + poisson(rng, rate * (1.0 - share(second))) for second, bad in enumerate(bads)]
        return cls([0, *itertools.accumulate(totals)], [0, *itertools.accumulate(bads)], scrape, rng.randrange(scrape))

    def between(self, start: int, end: int) -> Reading:
        """What its samples in `(start, end]` tell."""
        first, last = self._scraped(start), self._scraped(end)
        if last == first:
            return NoData("no new samples")
        bad, total = self.bad[last] - self.bad[first], self.total[last] - self.total[first]
        return counts(bad, total, samples=(last - first) // self.scrape)

    def _scraped(self, second: int) -> int:
        return max(0, (second - self.phase) // self.scrape * self.scrape + self.phase)

    def block(self, index: int, start: int, end: int) -> Block:
        return Block(index, at(start), at(end), self.between(start, end))


def outage(rng: random.Random, share: float) -> Share:
    """It begins for everyone within one interval."""
    begins = BEGINS + rng.randrange(INTERVAL)
    return lambda second: share if second >= begins else SETTLED


def bursts(rng: random.Random) -> Share:
    """45 s at 8 % in each 600 s, at a time of its own."""
    phase = rng.randrange(600)
    return lambda second: 0.08 if (second + phase) % 600 < 45 else SETTLED


def breaches(service: Service) -> Iterator[tuple[int, Verdict]]:
    """Each block's end at which the literal rule holds, with its verdict."""
    history = History(timedelta(seconds=INTERVAL))
    for index in range(1, LASTS // INTERVAL + 1):
        end = index * INTERVAL
        history = history.with_block(service.block(index, end - INTERVAL, end), None)
        verdict = judge_threshold(RULE, THRESHOLD, history, None, at(end))
        if verdict.literal and end > BEGINS:
            yield end, verdict


def compared(verdict: Verdict, peers: Sequence[Service]) -> RuleCompared:
    """The comparison, of the same stretches that the engine asks for."""
    start, middle, end = (round((moment - at(0)).total_seconds()) for moment in stretch_of(verdict))
    measured = [
        PeerMeasured(
            Target.parse(f"production/deployment/peer-{number}"),
            (peer.block(1, start, middle), peer.block(2, middle, end)),
        )
        for number, peer in enumerate(peers)
    ]
    return compare(RULE, THRESHOLD, verdict, measured)


def held(seed: int, peers: int, *, shared: bool, share: float, scrape: int, after: int) -> bool:
    """Whether one run is held when it is decided `after` blocks from the first at which the literal rule held."""
    rng = random.Random(seed)
    candidate = Service.of(rng, outage(rng, share), scrape=scrape)
    others = [Service.of(rng, outage(rng, share) if shared else bursts(rng), scrape=scrape) for _ in range(peers)]
    _, verdict = next(itertools.islice(breaches(candidate), after, None))
    return compared(verdict, others).shared


def acted_on(seed: int, peers: int, *, lasts: int, scrape: int) -> bool:
    """Whether an outage that is held, and ends for everyone within one interval, is acted on all the same."""
    rng = random.Random(seed)
    candidate = Service.of(rng, _until(rng, outage(rng, 0.2), lasts), scrape=scrape)
    others = [Service.of(rng, _until(rng, outage(rng, 0.2), lasts), scrape=scrape) for _ in range(peers)]
    until = None
    for _, verdict in itertools.islice(breaches(candidate), 1, None):
        started = verdict.evidence.window_start
        assert started is not None
        if compared(verdict, others).shared:
            until = verdict.at
        elif until is not None and started >= until:
            return True
    return False


def _until(rng: random.Random, share: Share, lasts: int) -> Share:
    ends = BEGINS + lasts + rng.randrange(INTERVAL)
    return lambda second: share(second) if second < ends else SETTLED
