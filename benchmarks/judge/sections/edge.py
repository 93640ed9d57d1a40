"""The null's edge: releases that are exactly as bad as the judge calls harmless, under guards of six rules."""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.judge.ours import Watchdog, harmless_level
from benchmarks.judge.page import Section, percent
from benchmarks.judge.running import parallel
from benchmarks.judge.runs import Floats, Release, Scrapes
from benchmarks.judge.scoring import share
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.traffic import Weather
from benchmarks.judge.worlds import BAKE, BASELINE, World, release

RULES = 6
PROMISED, BOUND = 0.001, 0.002
_AT_ONCE, _SCRAPE = 10, 15.0


@dataclass(frozen=True, slots=True)
class Before:
    """What stable does before the switch, which decides what is harmless after it.

    `inflation` is the variance of the errors of one scrape, in units of what independent requests have. Where the rate
    `lingers`, it is drawn anew each 20 s, whatever the scrapes, so that one block tells of the next.
    """

    base: float
    rps: int
    inflation: float
    lingers: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.base:.1%}, {self.rps} rps, variance x{self.inflation:g}"


_TRAFFIC = ((10, 1.0), (10, 30.0), (100, 1.0), (100, 176.0))
EDGES = tuple(Before(base, rps, inflation) for base in (0.005, 0.012, 0.02) for rps, inflation in _TRAFFIC)
LINGERING = tuple(replace(each, lingers=True) for each in EDGES if each.inflation > 1.0)
_SHARE_LINGERING = 10  # of so many watches one is played where rates linger

Piece = tuple[Before, int, int]  # the first watch, and how many


@dataclass(frozen=True, slots=True)
class Found:
    """Watches of one kind, those that were rolled back, and the harmless level on average."""

    before: Before
    watches: int
    rolled_back: int
    level: float


def play(sizes: Sizes, processes: int) -> list[Found]:
    """Every kind of watch."""
    counts = {each: sizes.edge // len(EDGES) for each in EDGES}
    counts |= {each: sizes.edge // _SHARE_LINGERING // len(LINGERING) for each in LINGERING}
    pieces = [
        (before, start, min(_AT_ONCE, watches - start))
        for before, watches in counts.items()
        for start in range(0, watches, _AT_ONCE)
    ]
    wrong, levels = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0.0)
    for (before, _, _), (bad, level) in zip(pieces, parallel(_judged, pieces, processes), strict=True):
        wrong[before] += bad
        levels[before] += level
    return [Found(each, counts[each], wrong[each], levels[each] / max(1, counts[each] * RULES)) for each in counts]


def _judged(piece: Piece) -> tuple[int, float]:
    before, first, watches = piece
    policy, wrong, levels = Watchdog(rules=RULES), 0, 0.0
    for watch in range(first, first + watches):
        fired = False
        for rule in range(RULES):
            played, level = (_lingering if before.lingers else _independent)(before, watch * RULES + rule)
            levels += level
            fired = policy(played).at is not None or fired
        wrong += fired
    return wrong, levels


def _independent(before: Before, seed: int) -> tuple[Release, float]:
    """A rule's counters, drawn scrape by scrape: what one of them shows tells nothing of the next."""
    rng = np.random.default_rng(np.random.SeedSequence([zlib.crc32(before.name.encode()), seed]))
    phase = round(float(rng.uniform(0.0, _SCRAPE)), 3)
    old = np.arange(phase - _SCRAPE - BASELINE, 0.0, _SCRAPE)
    new = np.arange(phase, BAKE + _SCRAPE, _SCRAPE)
    played = Release(
        world=f"edge: {before.name}",
        seed=seed,
        candidate=(),
        stable=(_pod(rng, before, "old", old, np.full(old.size, _SCRAPE), before.base),),
        bake=BAKE,
        scrape_interval=_SCRAPE,
        fault_at=None,
        failing=np.zeros(int(BAKE)),
        facts={"rps": float(before.rps)},
    )
    level = harmless_level(played)
    return replace(played, candidate=(_pod(rng, before, "new", new, np.diff(new, prepend=0.0), level),)), level


def _pod(rng: np.random.Generator, before: Before, name: str, at: Floats, since: Floats, rate: float) -> Scrapes:
    arrived = rng.poisson(before.rps * since)
    chance = np.full(at.size, rate)
    if before.inflation > 1.0:
        weight = (before.rps * _SCRAPE - 1.0) / (before.inflation - 1.0) - 1.0
        chance = rng.beta(rate * weight, (1.0 - rate) * weight, at.size)
    failed = rng.binomial(arrived, chance)
    born = 0.0 if name == "new" else -np.inf
    return Scrapes(name, born, np.round(at, 3), np.cumsum(arrived).astype(float), np.cumsum(failed).astype(float))


def _lingering(before: Before, seed: int) -> tuple[Release, float]:
    """The same with rates that last for 20 s."""
    weather = Weather(before.base, before.inflation)
    world = World(name=f"edge, lingering: {before.name}", rps=before.rps, weather=weather)
    played = release(world, seed)
    level = harmless_level(played)
    after = replace(world, name=f"{world.name}, after", weather=replace(weather, base=level))
    return replace(played, candidate=release(after, seed).candidate), level


def told(found: list[Found]) -> Section:
    """The section."""
    section = Section("At the null's edge")
    covered = [each for each in found if not each.before.lingers]
    runs, wrong = sum(each.watches for each in covered), sum(each.rolled_back for each in covered)
    section.say(
        f"{runs:,} watches of guards with {RULES} rules. Each rule has counters of its own, which after the switch fail "
        "exactly as often as what the judge calls harmless after that rule's own baseline; where the variance is inflated, "
        "the rate of each scrape is drawn from a beta distribution. Each rollback is a mistake."
    )
    _table(section, covered)
    section.say(
        "**Where rates linger.** The promise is of what is to be expected of a block, whatever came before it. A rate that is "
        "drawn anew each 20 s and not each scrape breaks that: after one bad block another is likely. These watches are as "
        "bad on average, but not a moment longer harmless in the sense of the promise."
    )
    _table(section, [each for each in found if each.before.lingers])
    total = share(wrong, runs)
    too_few = wrong == 0 and total.high >= BOUND
    section.claim(
        "At the null's edge, six rules in the guard: at most 0.1 % false rollbacks per watch (95 % bound under 0.2 %).",
        None if too_few else total.value <= PROMISED and total.high < BOUND,
        f"{wrong} of {runs:,}: {percent(total)}." + (" Too few runs to tell." if too_few else ""),
    )
    return section


def _table(section: Section, found: list[Found]) -> None:
    section.table(
        ["before the switch", "harmless level, on average", "watches", "rolled back"],
        [
            [each.before.name, f"{each.level:.2%}", f"{each.watches:,}", percent(share(each.rolled_back, each.watches))]
            for each in found
        ],
    )
