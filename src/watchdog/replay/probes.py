"""Probes of the past: rounds made again of what the watchdog exported of them while it watched."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from watchdog.domain.measurement import ProbeOutcome, ProbeResult, ProbeRound, Series
from watchdog.domain.rollout import Target
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import by_name, moment, samples

FAILURES = "watchdog_probe_failures"
FAILING_SINCE = "watchdog_probe_failing_since_timestamp_seconds"
ROUND = "watchdog_probe_round_timestamp_seconds"

_AFTER = timedelta(minutes=2)  # a round is told of by the next scrape


async def rounds_of(
    source: MetricSource, target: Target, start: datetime, end: datetime
) -> Mapping[str, list[ProbeRound]]:
    """The rounds of each probe rule that was watched then, in order. Raises `NotAnswered`."""
    selector = f'{{__name__=~"{FAILURES}|{FAILING_SINCE}|{ROUND}", target="{target}"}}'
    series = await samples(source, selector, start, end + _AFTER)
    rules = {one.labels.get("rule", "") for one in series}
    return {
        rule: [one for one in _rounds([one for one in series if one.labels.get("rule") == rule]) if one.at > start]
        for rule in sorted(rules)
    }


def _rounds(series: Iterable[Series]) -> list[ProbeRound]:
    named = by_name(series)
    lasts = {at: value for one in named.get(ROUND, []) for at, value in one.samples}
    since = {one.labels.get("pod", ""): dict(one.samples) for one in named.get(FAILING_SINCE, [])}
    results: dict[float, dict[str, ProbeResult]] = {}
    for one in named.get(FAILURES, []):
        pod = one.labels.get("pod", "")
        told = -math.inf
        for at, count in one.samples:
            last = lasts.get(at)
            if last is None or last <= told:
                continue
            for time in _failed(int(count), since.get(pod, {}).get(at, 0.0), last):
                if time > told:
                    failed = ProbeResult(pod, ProbeOutcome.WRONG_STATUS, "as the watchdog told then")
                    results.setdefault(round(time, 3), {})[pod] = failed
            if count == 0.0:
                results.setdefault(round(last, 3), {})[pod] = ProbeResult(pod, ProbeOutcome.EXPECTED)
            told = last
    return [ProbeRound(moment(at), tuple(found.values())) for at, found in sorted(results.items())]


def _failed(count: int, first: float, last: float) -> list[float]:
    """When each of the failures in a row was: the first and the last are known, those between lie evenly apart."""
    if count <= 0:
        return []
    if count == 1 or first <= 0.0:
        return [last]
    return [first + (last - first) * k / (count - 1) for k in range(count)]
