"""What decisions amount to: shares with Clopper-Pearson intervals, times and failed requests with bootstrap intervals.

All intervals are two-sided, 95 %. The bootstrap's randomness is seeded, so that a report is the same to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from benchmarks.judge.runs import Floats

GRACE = 2.0
"""Seconds after the bake in which a decision still counts: its last block is asked for after a settling delay."""

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one policy did in runs of one world, one entry a run; `at` is NaN where it never rolled back.

    `failed` are the requests that failed until it did, or in the whole bake. `held`: it wanted to, and refused since
    others fail in the same way.
    """

    at: Floats
    failed: Floats
    held: NDArray[np.bool_]
    rps: float
    fault_at: float | None

    @property
    def runs(self) -> int:
        """How many releases it was given."""
        return int(self.at.size)

    @property
    def rolled_back(self) -> int:
        """How many of them it rolled back, at whatever time."""
        return int(np.sum(np.isfinite(self.at)))

    @property
    def early(self) -> int:
        """Bad releases that it rolled back before they were bad."""
        return 0 if self.fault_at is None else int(np.sum(self.at < self.fault_at))

    @property
    def took(self) -> Floats:
        """Seconds from the fault's beginning to the decision, infinite for a miss; without those that were early."""
        took = self.at[~(self.at < (self.fault_at or 0.0))] - (self.fault_at or 0.0)
        return np.where(np.isnan(took), np.inf, took)

    @property
    def cost(self) -> Floats:
        """Failed requests in seconds of the whole traffic, so that worlds of different traffic can be added."""
        return self.failed / self.rps


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Runs of one world that were played in parts."""
    first = parts[0]
    return Outcomes(
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.failed for part in parts]),
        np.concatenate([part.held for part in parts]),
        first.rps,
        first.fault_at,
    )


def share(count: int, runs: int) -> Estimate:
    """`count` of `runs`, with its Clopper-Pearson interval."""
    if runs == 0:
        return Estimate(float("nan"), 0.0, 1.0)
    low = 0.0 if count == 0 else float(betaincinv(count, runs - count + 1, 0.025))
    high = 1.0 if count == runs else float(betaincinv(count + 1, runs - count, 0.975))
    return Estimate(count / runs, low, high)


def false_rollbacks(outcomes: Sequence[Outcomes]) -> Estimate:
    """Rolled back of all runs of good releases."""
    return share(sum(each.rolled_back for each in outcomes), sum(each.runs for each in outcomes))


def misses(outcomes: Sequence[Outcomes]) -> Estimate:
    """Never rolled back, of all runs of bad releases."""
    runs = sum(each.runs for each in outcomes)
    return share(runs - sum(each.rolled_back for each in outcomes), runs)


def mean(values: Floats) -> Estimate:
    """The mean."""
    return _bootstrapped(values, "mean")


def median(values: Floats) -> Estimate:
    """The median; infinite where most never decided."""
    return _bootstrapped(values, "median")


def ninetieth(values: Floats) -> Estimate:
    """The 90th percentile."""
    return _bootstrapped(values, "ninetieth")


def ratio(theirs: Floats, ours: Floats) -> Estimate:
    """How many times the mean of `theirs` is that of `ours`; the runs are resampled independently."""
    rng = np.random.default_rng(7)
    above = theirs[rng.integers(0, theirs.size, (_RESAMPLES, theirs.size))].mean(axis=1)
    below = ours[rng.integers(0, ours.size, (_RESAMPLES, ours.size))].mean(axis=1)
    low, high = np.percentile(above / np.maximum(below, 1e-9), [2.5, 97.5])
    return Estimate(float(theirs.mean() / max(float(ours.mean()), 1e-9)), float(low), float(high))


def _bootstrapped(values: Floats, what: str) -> Estimate:
    if values.size == 0:
        nan = float("nan")
        return Estimate(nan, nan, nan)
    rng = np.random.default_rng(11)
    samples = values[rng.integers(0, values.size, (_RESAMPLES, values.size))]
    if what == "mean":
        found = samples.mean(axis=1)
        value = float(values.mean())
    else:
        place = (values.size - 1) // 2 if what == "median" else int(np.ceil(0.9 * values.size)) - 1
        found = np.partition(samples, place, axis=1)[:, place]
        value = float(np.partition(values, place)[place])
    # Order statistics, not interpolated ones: between a number and infinity there is nothing.
    low, high = np.partition(found, (25, 975))[[25, 975]]
    return Estimate(value, float(low), float(high))
