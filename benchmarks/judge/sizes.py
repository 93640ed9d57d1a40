"""How many runs each part of the bench plays."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Runs per world: of good and of bad releases in the mixtures, and in each of the other parts."""

    tuning_good: int
    tuning_bad: int
    good: int
    bad: int
    bursty_good: int
    bursty_bad: int
    harmless: int
    edge: int
    shared: int
    bursting_peers: int
    habits_good: int
    habits_bad: int
    traces: int
    weighted_good: int
    weighted_bad: int


FULL = Sizes(
    tuning_good=60,
    tuning_bad=10,
    good=120,
    bad=16,
    bursty_good=80,
    bursty_bad=16,
    harmless=150,
    edge=12_000,
    shared=150,
    bursting_peers=400,
    habits_good=60,
    habits_bad=10,
    traces=400,
    weighted_good=400,
    weighted_bad=200,
)

QUICK = Sizes(
    tuning_good=4,
    tuning_bad=2,
    good=6,
    bad=2,
    bursty_good=4,
    bursty_bad=3,
    harmless=6,
    edge=120,
    shared=6,
    bursting_peers=10,
    habits_good=3,
    habits_bad=2,
    traces=20,
    weighted_good=4,
    weighted_bad=3,
)
