"""Flagger 1.36.1, the Blue/Green analysis of its `kubernetes` provider.

After advanceCanary, runBlueGreen and rollback in pkg/controller/scheduler.go and the Prometheus provider in
pkg/metrics/providers/prometheus.go; the times as peer-runs/REPORT.md measured them on the real program.

- One tick an interval. The first scales up (the pod is ready about a second later), the second starts the analysis
  and checks no metric, from the third on each tick is a check.
- A check fails above the limit, at NaN, at an empty vector ("no values found") and when the query fails. Failed checks
  add up and are never taken back; a failed check is no iteration, so it lengthens the analysis by an interval.
- The rollback is carried out on the tick after the threshold was reached, before any check: (threshold + 2) intervals.
- `iterations` + 1 good checks promote.

Left out, each in Flagger's favour: the wait for the first tick after the Deployment was changed (up to an interval;
time begins when the first pod is ready), the wait for all pods of a rolling update, its slowness with hundreds of
Canaries, old pods that its query matches when two releases follow each other within a window.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.judge.peers.chance import drawn
from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.prometheus import Query, error_ratio, store_of
from benchmarks.judge.runs import Decision, Floats, Release

# First check after the second interval, relative to the first ready pod: 5th and 95th percentile of 399 recorded runs.
EARLIEST_CHECK, LATEST_CHECK = -2.2, -0.1


@dataclass(frozen=True, slots=True)
class Flagger:
    """`spec.analysis`: seconds; the limit is the release's. `window` is the metric's own `interval`.

    `first_check`: when the first check came, where a recording tells; drawn from the release's seed where it is None.
    """

    interval: float
    threshold: int
    iterations: int
    window: float = 60.0
    query: Query = "successes"
    first_check: float | None = None

    def __call__(self, release: Release) -> Decision:
        return self.analyse(release).decision(release)

    def analyse(self, release: Release) -> Ending:
        """The analysis up to its end, or to the end of the bake."""
        ticks = self._ticks(release)
        answers = error_ratio(release, store_of(release.candidate), ticks, self.window, self.query)
        good = (answers.present & ~answers.breach(release.limit) & ~np.isnan(answers.value)).tolist()
        failed, iteration = 0, 1  # the tick that started the analysis was the first iteration
        for at, passed in zip(ticks.tolist(), good, strict=True):
            if failed >= self.threshold:
                return Ending("rollback", at, f"failed checks threshold reached {failed}")
            if not passed:
                failed += 1
            elif iteration > self.iterations:
                return Ending("promoted", at, "promoted")
            else:
                iteration += 1
        return Ending("undecided", None, f"{failed} failed checks at the end of the bake")

    def _ticks(self, release: Release) -> Floats:
        first = self.first_check
        if first is None:
            first = 2 * self.interval + drawn(release, "flagger", EARLIEST_CHECK, LATEST_CHECK)
        return np.arange(first, release.bake + 1e-9, self.interval)
