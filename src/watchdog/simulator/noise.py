"""Random counts, by the generator that is handed in: the same seed gives the same traffic."""

import math
from random import Random

_LARGE = 30.0


def poisson(random: Random, mean: float) -> int:
    """How many of many independent, rare things happen, `mean` of them on average."""
    if mean <= 0:
        return 0
    if mean >= _LARGE:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def binomial(random: Random, trials: int, probability: float) -> int:
    """How many of `trials` succeed."""
    if probability <= 0 or trials <= 0:
        return 0
    if probability >= 1:
        return trials
    if probability > 0.5:
        return trials - binomial(random, trials, 1 - probability)
    if trials * probability >= _LARGE:
        deviation = math.sqrt(trials * probability * (1 - probability))
        return min(trials, max(0, round(random.gauss(trials * probability, deviation))))
    # From success to success: few steps where successes are few, however many the trials.
    step, at, count = math.log1p(-probability), 0, 0
    while True:
        at += int(math.log(1.0 - random.random()) / step) + 1
        if at > trials:
            return count
        count += 1


def multinomial(random: Random, trials: int, shares: list[float]) -> list[int]:
    """`trials` thrown into cells with these shares, which add up to 1."""
    counts = []
    left, share_left = trials, 1.0
    for share in shares:
        count = binomial(random, left, share / share_left) if share_left > 0 else left
        counts.append(count)
        left -= count
        share_left -= share
    counts[-1] += left
    return counts
