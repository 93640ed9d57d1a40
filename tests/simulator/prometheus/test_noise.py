"""Random counts have the mean and the spread that their names promise."""

import statistics
from random import Random

import pytest

from watchdog.simulator.noise import binomial, multinomial, poisson

DRAWS = 4000


@pytest.mark.parametrize("mean", [0.0, 0.02, 1.5, 20.0, 200.0])
def test_poisson_counts_have_their_mean_as_variance(mean: float) -> None:
    random = Random(1)
    counts = [poisson(random, mean) for _ in range(DRAWS)]
    assert statistics.fmean(counts) == pytest.approx(mean, rel=0.05, abs=0.02)
    assert statistics.pvariance(counts) == pytest.approx(mean, rel=0.1, abs=0.02)


@pytest.mark.parametrize("trials", [0, 1, 10, 1000])
@pytest.mark.parametrize("probability", [0.0, 0.001, 0.08, 0.5, 0.97, 1.0])
def test_binomial_counts_have_their_mean_and_variance(trials: int, probability: float) -> None:
    random = Random(2)
    counts = [binomial(random, trials, probability) for _ in range(DRAWS)]
    assert all(0 <= count <= trials for count in counts)
    assert statistics.fmean(counts) == pytest.approx(trials * probability, rel=0.06, abs=0.02)
    variance = trials * probability * (1 - probability)
    assert statistics.pvariance(counts) == pytest.approx(variance, rel=0.15, abs=0.03)


def test_multinomial_counts_lose_nothing() -> None:
    random = Random(3)
    shares = [0.5, 0.3, 0.15, 0.05, 0.0]
    totals = [0] * len(shares)
    for _ in range(500):
        counts = multinomial(random, 40, shares)
        assert sum(counts) == 40
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    assert [total / 20_000 for total in totals] == pytest.approx(shares, abs=0.015)
