"""A plain Prometheus alert: `expr > limit`, evaluated each interval, `for` so long; something acts when it fires.

After rules/alerting.go and rules/manager.go of Prometheus 2.42: an alert becomes pending at the first evaluation that
answers, fires at the first one that is at least `for` later if every one between answered too, and is forgotten at the
first that does not answer (NaN and an empty vector do not). A Prometheus that was away restores the state of alerts
with a `for` above 10 min alone (`--rules.alert.for-grace-period`), so the others begin again.

An alert that fires already when the release comes is none of its doing and does not fire anew.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.judge.peers.chance import drawn
from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.prometheus import Query, Store, error_ratio, store_of
from benchmarks.judge.runs import Decision, Release

GRACE = 600.0

Pods = Literal["candidate", "service"]


def series_of(release: Release, pods: Pods) -> Store:
    """What a query matches: the series of a revision that it names, or all of a service's (both revisions)."""
    return store_of(release.candidate) if pods == "candidate" else store_of(release.candidate, release.stable)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule: seconds; the limit is the release's. `group_wait`: what Alertmanager adds before it tells."""

    window: float
    held: float
    evaluation: float = 15.0
    pods: Pods = "candidate"
    group_wait: float = 0.0
    query: Query = "errors"

    def __call__(self, release: Release) -> Decision:
        return self.watch(release).decision(release)

    def watch(self, release: Release) -> Ending:
        """The first firing after the switch."""
        phase = drawn(release, "alert", 0.0, 1.0) * self.evaluation
        before = np.ceil(max(self.held, 120.0) / self.evaluation + 1) * self.evaluation
        at = np.arange(phase - before, release.bake + 1e-9, self.evaluation)
        answers = error_ratio(release, series_of(release, self.pods), at, self.window, self.query)
        breach, failed = answers.breach(release.limit).tolist(), answers.failed.tolist()
        since: float | None = None
        firing = False
        for moment, active, away in zip(at.tolist(), breach, failed, strict=True):
            if away and self.held > GRACE:
                continue
            if not active or away:
                since, firing = None, False
                continue
            since = moment if since is None else since
            if not firing and moment - since >= self.held - 1e-9:
                firing = True
                if moment >= 0:
                    return Ending("rollback", moment + self.group_wait, f"firing since {moment:.0f} s")
        return Ending("undecided", None, "did not fire")
