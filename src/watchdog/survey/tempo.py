"""The tempo that fits a target's traffic: how long a block, how long a bake, and what they are then worth."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchdog.domain.conditions import Absolute, Op, Statistic, Threshold
from watchdog.domain.judge.harmless import harmless_of
from watchdog.domain.judge.proving import pace_of, time_to_prove
from watchdog.domain.measurement import Baseline, Counts, PodCount
from watchdog.survey.hearing import Heard
from watchdog.survey.latencies import LOOK_BACK

LIMIT = 0.05
_FAULT = 1.6  # times the limit: the fault that a bake must have time to prove; 8 % at a limit of 5 %
_HALF_SPENT = 0.5  # of the limit: stable that fails so often needs a higher one
_HIGHEST = 0.5
_CHANCE = 0.001  # a guard's confidence of 99.9 %
_MIN_REQUESTS, _FEW_REQUESTS = 20, 10
_ROOM = 1.5  # times the proof: a fault may begin late
_WARMUP = timedelta(seconds=30)
_INTERVALS = tuple(map(float, (5, 10, 15, 20, 30, 60, 120, 300)))
_USUAL_INTERVAL = 15.0
_BAKES = tuple(timedelta(minutes=count) for count in (10, 15, 20, 30, 45, 60))
_BAKE_OF_THE_THIN = timedelta(minutes=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tempo:
    """`limit`: of the error rate. `fault`: a share of bad requests, and how long it takes to `prove` (None: too long).

    `thin`: no bake of an hour would do, so that a watch must be able to pass without.
    """

    interval: timedelta
    bake: timedelta
    limit: float = LIMIT
    fault: float = LIMIT * _FAULT
    proof: timedelta | None = None
    thin: bool = False
    min_requests: int = _MIN_REQUESTS


def tempo_of(heard: Heard, weighed: int) -> Tempo:
    """What fits; `weighed` is how many rules share the guard's confidence."""
    seconds = next((one for one in _INTERVALS if one >= (heard.scrape or _USUAL_INTERVAL)), _INTERVALS[-1])
    interval = timedelta(seconds=seconds)
    if heard.spelling is None:
        return Tempo(interval, _BAKES[0])
    limit = LIMIT
    if heard.error_share >= _HALF_SPENT * LIMIT:
        limit = min(_HIGHEST, math.ceil(200 * heard.error_share) / 100)
    fault = min(0.99, _FAULT * limit)
    proof = _proof(heard, limit, fault, seconds, weighed)
    bake = None if proof is None else next((one for one in _BAKES if one >= _ROOM * proof + _WARMUP), None)
    if bake is None:
        return Tempo(interval, _BAKE_OF_THE_THIN, limit, fault, proof, thin=True, min_requests=_FEW_REQUESTS)
    return Tempo(interval, bake, limit, fault, proof)


def _proof(heard: Heard, limit: float, fault: float, interval: float, weighed: int) -> timedelta | None:
    """How long that fault takes to be proven at the target's traffic; None where it never is."""
    rate = heard.per_second
    if rate <= 0 or heard.spelling is None:
        return None
    baseline = _even(rate, heard.error_share, min(heard.over, LOOK_BACK), interval)
    threshold = Threshold(heard.spelling.error_rate, Statistic.VALUE, Op.ABOVE, Absolute(limit), "")
    harmless = harmless_of(threshold, baseline)
    pace = pace_of(baseline, harmless) if harmless is not None else None
    if harmless is None or pace is None:
        return None
    takes = time_to_prove(fault, harmless.level, math.log(max(1, weighed) / _CHANCE), pace)
    return None if takes is None else max(takes, timedelta(seconds=_MIN_REQUESTS / rate))


def _even(rate: float, errors: float, stretch: timedelta, interval: float) -> Baseline:
    """What stable measures at an even rate: its requests come in each block, or one by one where there are fewer."""
    requests = max(1.0, rate * interval)
    total = rate * stretch.total_seconds()
    blocks = ((errors * requests, requests),) * max(1, round(total / requests))
    # The time of day does not matter to a share.
    return Baseline(_EPOCH, _EPOCH + stretch, Counts({"": PodCount(errors * total, total, 2)}), blocks=blocks)
