"""How many requests come, and what share of them fails whatever was released."""

from dataclasses import dataclass
from math import pi

import numpy as np

from benchmarks.judge.runs import Floats

CLUMP = 20.0
"""Seconds for which an overdispersed error rate stays what it is; longer than a scrape at 15 s."""

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Bursts:
    """For `length` seconds in every `every`, at a phase that nobody knows, `level` of all requests fail."""

    length: float
    level: float
    every: float = 600.0


@dataclass(frozen=True, slots=True)
class Outage:
    """For `length` seconds `level` of all requests fail, here and, at most `lag` seconds later, at each peer."""

    level: float
    length: float
    lag: float = 0.0


@dataclass(frozen=True, slots=True)
class Weather:
    """What fails although nothing was released.

    `inflation` is the variance of the errors counted in any longer stretch, in units of what independent requests would
    have (1: independent): the rate is drawn anew from a beta distribution for each `CLUMP`. `drift`: by how much traffic
    and errors swing around their mean within a day (0.5: from half of it to one and a half).
    """

    base: float = 0.005
    inflation: float = 1.0
    bursts: Bursts | None = None
    drift: float = 0.0


def rates(weather: Weather, rng: np.random.Generator, rps: float, seconds: Floats) -> Floats:
    """Requests per second that are to be expected in each second."""
    if not weather.drift:
        return np.full(seconds.size, rps)
    return rps * (1.0 + weather.drift * np.sin(2.0 * pi * (seconds / _DAY + rng.uniform())))


def errors_anyway(
    rng: np.random.Generator, weather: Weather, rps: float, seconds: Floats, outage: Outage | None, begins: float
) -> Floats:
    """The chance of a request to fail, in each second, for reasons that are not the release's."""
    chance = np.full(seconds.size, weather.base)
    if weather.drift:
        chance = chance * (1.0 + weather.drift * np.sin(2.0 * pi * (seconds / _DAY + rng.uniform())))
    if weather.inflation > 1.0:
        chance = _inflated(rng, chance, weather.inflation, rps, seconds)
    if weather.bursts:
        phase = rng.uniform(0.0, weather.bursts.every)
        bursting = (seconds - phase) % weather.bursts.every < weather.bursts.length
        chance = np.where(bursting, 1.0 - (1.0 - chance) * (1.0 - weather.bursts.level), chance)
    if outage:
        hit = (seconds >= begins) & (seconds < begins + outage.length)
        chance = np.where(hit, 1.0 - (1.0 - chance) * (1.0 - outage.level), chance)
    return chance


def _inflated(rng: np.random.Generator, chance: Floats, inflation: float, rps: float, seconds: Floats) -> Floats:
    together = rps * CLUMP
    correlation = (inflation - 1.0) / (together - 1.0)
    if not 0.0 < correlation < 1.0:
        raise ValueError(f"{together:g} requests cannot be inflated {inflation:g} times")
    clump = np.floor((seconds - seconds[0] + rng.uniform(0.0, CLUMP)) / CLUMP).astype(int)
    first = np.unique(clump, return_index=True)[1]
    weight = 1.0 / correlation - 1.0
    drawn = rng.beta(chance[first] * weight, (1.0 - chance[first]) * weight)
    lasting: Floats = drawn[clump]
    return lasting
