"""Multi-window, multi-burn-rate alerts after the SRE workbook, chapter 5 ("Alerting on SLOs", approach 6, table 5-8).

For a 30 day budget: page where 14.4 times the budget's rate is spent over 1 h and over 5 min, or 6 times over 6 h and
over 30 min; ticket at 3 over 1 d and 2 h, 1 over 3 d and 6 h. Only pages roll back here.

Uncut, the windows reach back beyond the switch, over the series of both revisions; what lies before the first sample
that the release holds is taken to have been like the stretch before the switch. Cut at the switch, they count the
candidate alone, so early on a long window is as short as the release is old.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.judge.peers.alert import series_of
from benchmarks.judge.peers.chance import drawn
from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.prometheus import Bools, away, store_of
from benchmarks.judge.runs import Decision, Floats, Release


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows in seconds; both must spend the budget `factor` times too fast."""

    factor: float
    long: float
    short: float


PAGES = (Burn(14.4, 3600.0, 300.0), Burn(6.0, 21600.0, 1800.0))


@dataclass(frozen=True, slots=True)
class BurnRate:
    """`budget`: the share of requests that may fail (0.001: an objective of 99.9 %); None: the release's limit."""

    budget: float | None = 0.001
    burns: tuple[Burn, ...] = PAGES
    cut: bool = False
    evaluation: float = 15.0

    def __call__(self, release: Release) -> Decision:
        return self.watch(release).decision(release)

    def watch(self, release: Release) -> Ending:
        """The first page after the switch that was not there at the evaluation before it."""
        phase = drawn(release, "burn rate", 0.0, 1.0) * self.evaluation
        at = np.arange(phase - self.evaluation, release.bake + 1e-9, self.evaluation)
        budget = release.limit if self.budget is None else self.budget
        paging = np.zeros(at.size, dtype=np.bool_)
        for burn in self.burns:
            spent = [self._ratio(release, at, window) > burn.factor * budget for window in (burn.long, burn.short)]
            paging |= spent[0] & spent[1]
        began = paging & ~np.concatenate((paging[:1], paging[:-1])) & (at >= 0) & ~away(release.outages, at)
        if not began.any():
            return Ending("undecided", None, "no page")
        return Ending("rollback", float(at[int(np.argmax(began))]), "page")

    def _ratio(self, release: Release, at: Floats, window: float) -> Floats:
        store = series_of(release, "candidate" if self.cut else "service")
        when, span = np.rint(at * 1000).astype(np.int64), round(window * 1000)
        failed, _ = store.failed.rate(when, span)
        served, any_served = store.served.rate(when, span)
        failed, served = failed * window, served * window
        if not self.cut:
            before = _before(release)
            unseen = np.maximum(0.0, before.begins - (at - window))
            failed, served = failed + before.failed * unseen, served + before.served * unseen
        ratio = np.zeros(at.size)
        asked: Bools = any_served & (failed + served > 0)
        np.divide(failed, failed + served, out=ratio, where=asked)
        return ratio


@dataclass(frozen=True, slots=True)
class _Past:
    """The stable revision before the switch: when its samples begin, and what it did in a second."""

    begins: float
    failed: float = 0.0
    served: float = 0.0


def _before(release: Release) -> _Past:
    seen = [(pod, pod.at <= 0) for pod in release.stable]
    held = [(pod, inside) for pod, inside in seen if inside.sum() > 1]
    if not held:
        return _Past(float("-inf"))
    begins = min(float(pod.at[inside][0]) for pod, inside in held)
    end = max(float(pod.at[inside][-1]) for pod, inside in held)
    when = np.array([round(end * 1000)])
    span = round((end - begins) * 1000)
    store = store_of(release.stable)
    return _Past(begins, float(store.failed.rate(when, span)[0][0]), float(store.served.rate(when, span)[0][0]))
