"""What Prometheus 2.42 answers at a moment: `sum(rate(errors[w])) / sum(rate(requests[w]))` and its relatives.

After `extrapolatedRate` and `instantValue` of promql/functions.go, v2.42.0:

- The window is closed on both sides, [t - w, t], in whole milliseconds (it became left-open in 3.0).
- A series needs two samples in it. One that has fewer is left out; a sum of nothing is an empty vector, and so is a
  ratio of which either side is empty.
- The increase between the first and the last sample (resets added back) is stretched to the window's edges: up to the
  edge where that is nearer than 1.1 times the average distance of samples, else by half that distance; at the start no
  further than to where the counter would cross zero. Here 2.42 differs from today's code: the zero is looked for
  before the edge is compared with the threshold, not after.
- Each series is stretched by itself. Requests are two series a pod, failed ones and the others.
- 0/0 is NaN, which is an answer. A Prometheus that is away refuses the connection at once.

A dead pod's samples stay in the window. Stale markers change nothing for a range, so they are not modelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.runs import Floats, Release, Scrapes

Bools = NDArray[np.bool_]
Millis = NDArray[np.int64]
Function = Literal["rate", "irate"]
Query = Literal["errors", "successes"]

_POD = 1 << 40  # milliseconds between one series and the next in the common time line: 34 years


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer per moment. `value` means something only where it is `present`; NaN is then what Prometheus said.

    Neither `present` nor `failed`: an empty vector.
    """

    value: Floats
    present: Bools
    failed: Bools

    def breach(self, limit: float) -> Bools:
        """Where an answer above the limit was given (NaN never is)."""
        return self.present & (np.where(self.present, self.value, 0.0) > limit)


class Counters:
    """Many pods' series of one counter on one time line, so that one binary search serves them all."""

    def __init__(self, series: Sequence[tuple[Floats, Floats]]) -> None:
        kept = [(at, value) for at, value in series if at.size]
        self.count = len(kept)
        self._offset: Millis = np.arange(self.count, dtype=np.int64)[:, None] * _POD
        if not kept:
            return
        at = [np.rint(times * 1000).astype(np.int64) + i * _POD for i, (times, _) in enumerate(kept)]
        self._at: Millis = np.concatenate(at)
        self._value: Floats = np.concatenate([value for _, value in kept])
        before = np.concatenate([np.concatenate(([value[0]], value[:-1])) for _, value in kept])
        self._given_back: Floats = np.cumsum(np.where(self._value < before, before, 0.0))
        self._begins: Millis = np.searchsorted(self._at, self._offset[:, 0] - _POD // 2)

    def rate(self, at: Millis, window: int, function: Function = "rate") -> tuple[Floats, Bools]:
        """The sum over all series of what the function answers, and whether any series answered at all."""
        if not self.count:
            return np.zeros(at.size), np.zeros(at.size, dtype=np.bool_)
        start = at - window
        first = np.searchsorted(self._at, start + self._offset, side="left")
        last = np.searchsorted(self._at, at + self._offset, side="right") - 1
        enough = last > first
        first, last = np.where(enough, first, 0), np.where(enough, last, 1 if self._at.size > 1 else 0)
        if function == "irate":
            first = np.where(enough, last - 1, first)
        increase = self._value[last] - self._value[first] + self._given_back[last] - self._given_back[first]
        sampled = (self._at[last] - self._at[first]) / 1000
        if function == "irate":
            answer = increase / np.where(enough, sampled, 1.0)
        else:
            to_start = (self._at[first] - self._offset - start) / 1000
            to_end = (at - self._at[last] + self._offset) / 1000
            answer = self._stretched(increase, first, last, np.where(enough, sampled, 1.0), to_start, to_end)
            answer = answer / (window / 1000)
        answered: Bools = np.any(enough, axis=0)
        return _summed(answer, enough), answered

    def reached(self, at: Millis) -> Floats:
        """The sum over all series of their latest samples' values, resets added back; 0 before a series begins."""
        if not self.count:
            return np.zeros(at.size)
        latest = np.searchsorted(self._at, at + self._offset, side="right") - 1
        begun = latest >= self._begins[:, None]
        held = self._value[latest] + self._given_back[latest] - self._given_back[self._begins][:, None]
        return _summed(held, begun)

    def _stretched(
        self, increase: Floats, first: Millis, last: Millis, sampled: Floats, to_start: Floats, to_end: Floats
    ) -> Floats:
        average = sampled / np.maximum(last - first, 1)
        rising = increase > 0
        to_zero = np.where(rising, sampled * self._value[first] / np.where(rising, increase, 1.0), np.inf)
        to_start = np.minimum(to_start, to_zero)
        threshold = average * 1.1
        head = np.where(to_start < threshold, to_start, average / 2)
        tail = np.where(to_end < threshold, to_end, average / 2)
        stretched: Floats = increase * ((sampled + head + tail) / sampled)
        return stretched


def _summed(values: Floats, counted: Bools) -> Floats:
    """The sum over the series (first axis) of those values that count."""
    total: Floats = np.sum(np.where(counted, values, 0.0), axis=0)
    return total


@dataclass(frozen=True, slots=True)
class Store:
    """The counters of some pods: failed requests and the others (that Prometheus knows as two series of one name).

    `asked`: what was answered before, since most settings of a peer ask the same questions at the same moments.
    """

    failed: Counters
    served: Counters
    asked: dict[tuple[object, ...], Answers] = field(default_factory=dict)


def store(pods: Sequence[Scrapes]) -> Store:
    """The pods' series. Samples before a pod's first error (NaN) do not exist in the series of failed requests."""
    failed = [(pod.at[seen], pod.bad[seen]) for pod in pods for seen in (~np.isnan(pod.bad),)]
    served = [(pod.at, pod.total - np.where(np.isnan(pod.bad), 0.0, pod.bad)) for pod in pods]
    return Store(Counters(failed), Counters(served))


Groups = tuple[tuple[Scrapes, ...], ...]

_kept: dict[tuple[int, ...], tuple[Groups, Store]] = {}


def store_of(*groups: tuple[Scrapes, ...]) -> Store:
    """`store` of all pods in the groups, remembered for the latest: hundreds of settings judge a release in turn."""
    key = tuple(map(id, groups))
    known = _kept.get(key)
    if known is not None:
        return known[1]
    while len(_kept) >= 4:
        del _kept[next(iter(_kept))]
    built = store([pod for group in groups for pod in group])
    _kept[key] = (groups, built)  # the groups are kept with it, so that their identities stay theirs
    return built


def away(outages: tuple[tuple[float, float], ...], at: Floats) -> Bools:
    """At which of the moments Prometheus does not answer."""
    gone = np.zeros(at.size, dtype=np.bool_)
    for start, end in outages:
        gone |= (at >= start) & (at < end)
    return gone


def error_ratio(
    release: Release,
    pods: Store,
    at: Floats,
    window: float,
    query: Query = "errors",
    function: Function = "rate",
    live: bool = True,
) -> Answers:
    """The share of failed requests at the moments.

    `errors` asks failed / all: empty until an error has been scraped twice. `successes` asks 1 - served / all,
    as Flagger's and Argo Rollouts' documentation does: the same number, but 0 where there never was an error.
    Not `live`: the moments are steps of a range that is queried later, so it matters only what was scraped.
    """
    outages = release.outages if live else ()
    question = (at.tobytes(), window, query, function, outages)
    known = pods.asked.get(question)
    if known is None:
        known = pods.asked[question] = _asked(pods, at, window, query, function, outages)
    return known


def _asked(
    pods: Store, at: Floats, window: float, query: Query, function: Function, outages: tuple[tuple[float, float], ...]
) -> Answers:
    when = np.rint(at * 1000).astype(np.int64)
    span = round(window * 1000)
    failed, any_failed = pods.failed.rate(when, span, function)
    served, any_served = pods.served.rate(when, span, function)
    requests = failed + served
    gone = away(outages, at)
    present = (any_failed if query == "errors" else any_served) & ~gone
    value = np.full(at.size, np.nan)
    np.divide(failed, requests, out=value, where=present & (requests > 0))
    return Answers(value, present, gone)
