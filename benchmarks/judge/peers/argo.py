"""Argo Rollouts 1.10.1: the AnalysisRun after a blue-green promotion (or in the background of a canary), one metric.

After analysis/analysis.go, utils/evaluate/evaluate.go and metricproviders/prometheus/prometheus.go; the times as
peer-runs/REPORT.md measured them on the real program.

- It measures at once, hundredths of a second after the first pod is ready, so each analysis begins with empty vectors.
- A measurement is an Error where the query fails or answers nothing (`result[0]` of an empty vector); an Error is
  retried after 10 s whatever the interval, and more than `consecutive_error_limit` in a row end the run (phase Error,
  the rollout aborts). Errors are not counted as measurements.
- It fails where the success condition `result[0] <= limit` is not true, at NaN too. Failures add up: more than
  `failure_limit` of them end the run. With a failure condition as well, what meets neither is inconclusive, and more
  than `inconclusive_limit` of those pause the rollout for a person (no rollback).
- The next measurement is due an interval after the last one's end, of which whole seconds are kept: from the second
  on all fall on whole seconds of the clock, and the first value decides where the grid lies.
- `count` measurements make it Successful; without a count it runs until the rollout is done.

Left out, in Argo's favour: the wait until all pods of a blue-green's new ReplicaSet are available.
"""

from dataclasses import dataclass
from math import floor, isnan
from typing import Literal

import numpy as np

from benchmarks.judge.peers.chance import drawn
from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.prometheus import Function, Query, error_ratio, store_of
from benchmarks.judge.runs import Decision, Floats, Release

RETRY = 10  # DefaultErrorRetryInterval, seconds
LATENESS = 0.002  # of a measurement after the whole second it is due in, median of the recordings
ANSWER = 0.02  # from the query to the phase that a watch sees, median of the recordings
EARLIEST_START, LATEST_START = 0.02, 0.5  # first measurement after the first ready pod: 5th and 95th percentile

Measured = Literal["successful", "failed", "inconclusive", "error"]


@dataclass(frozen=True, slots=True)
class Argo:
    """A metric of an AnalysisTemplate: seconds; the limit is the release's.

    `empty`: what an empty vector is. `error` with `result[0] <= limit`; `successful` with the condition that the
    documentation gives for it, `len(result) == 0 || result[0] <= limit`.
    `failure_above`: the failure condition, a ratio; None: what is not successful failed.
    `first_measurement` and `second` (the fraction of the clock's second that had passed at the switch) are told by a
    recording; drawn from the release's seed where they are None.
    """

    interval: int
    count: int | None
    failure_limit: int = 0
    consecutive_error_limit: int = 4
    inconclusive_limit: int = 0
    initial_delay: int = 0
    window: float = 60.0
    function: Function = "rate"
    query: Query = "successes"
    empty: Literal["error", "successful"] = "error"
    failure_above: float | None = None
    first_measurement: float | None = None
    second: float | None = None

    def __call__(self, release: Release) -> Decision:
        return self.analyse(release).decision(release)

    def analyse(self, release: Release) -> Ending:
        """The analysis up to its end, or to the end of the bake."""
        first, second = self._start(release)
        due = floor(first + second)  # in whole seconds of the clock; the switch was at `second`
        if self.initial_delay:
            due += self.initial_delay
            first = due - second + LATENESS
        run = _Run(self)
        spacing, ahead = RETRY, 1
        at = np.array([first])
        while at.size:
            for step, (moment, measured) in enumerate(zip(at.tolist(), self._measure(release, at), strict=True)):
                ending = run.take(moment + ANSWER, measured)
                if ending is not None:
                    return ending
                wait = RETRY if measured == "error" else self.interval
                if wait != spacing or step == at.size - 1:
                    due += step * spacing + wait  # the first of `at` was due at `due`
                    spacing = wait
                    break
            # What is asked beside the next one is thrown away where an answer changes the spacing.
            ahead = 4 if spacing == RETRY else 1 + int(release.bake // self.interval)
            at = due - second + LATENESS + spacing * np.arange(ahead)
            at = at[at <= release.bake]
        return Ending("undecided", None, f"{run.failed} failed measurements at the end of the bake")

    def _start(self, release: Release) -> tuple[float, float]:
        second = drawn(release, "argo second", 0.0, 1.0) if self.second is None else self.second
        if self.first_measurement is not None:
            return self.first_measurement, second
        return drawn(release, "argo", EARLIEST_START, LATEST_START), second

    def _measure(self, release: Release, at: Floats) -> list[Measured]:
        store = store_of(release.candidate)
        answers = error_ratio(release, store, at, self.window, self.query, self.function)
        told = zip(answers.value.tolist(), answers.present.tolist(), answers.failed.tolist(), strict=True)
        return [self._assess(release.limit, value, present, failed) for value, present, failed in told]

    def _assess(self, limit: float, value: float, present: bool, failed: bool) -> Measured:
        if failed:
            return "error"
        if not present:
            return self.empty
        if not isnan(value) and value <= limit:
            return "successful"
        if self.failure_above is None or (not isnan(value) and value > self.failure_above):
            return "failed"
        return "inconclusive"


class _Run:
    """The counts of one metric's result, as assessMetricStatus looks at them after each measurement."""

    def __init__(self, metric: Argo) -> None:
        self._metric = metric
        self.failed = self._inconclusive = self._errors = self._taken = 0

    def take(self, at: float, measured: Measured) -> Ending | None:
        metric = self._metric
        self._errors = self._errors + 1 if measured == "error" else 0
        self.failed += measured == "failed"
        self._inconclusive += measured == "inconclusive"
        self._taken += measured != "error"
        if self.failed > metric.failure_limit:
            return Ending("rollback", at, f"failed ({self.failed}) > failureLimit ({metric.failure_limit})")
        if self._inconclusive > metric.inconclusive_limit:
            return Ending("undecided", None, f"inconclusive ({self._inconclusive}): paused for a person")
        if self._errors > metric.consecutive_error_limit:
            limit = metric.consecutive_error_limit
            return Ending("error", at, f"consecutiveErrors ({self._errors}) > consecutiveErrorLimit ({limit})")
        if metric.count is not None and self._taken >= metric.count:
            return Ending("promoted", at, "promoted")
        return None
