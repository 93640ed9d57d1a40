"""Wald's sequential probability ratio test (Annals of Mathematical Statistics 16, 1945), each request a coin toss.

H0: a request fails with probability p0; H1: with p1. After each poll the log likelihood ratio of the new requests is
added; above log((1 - beta) / alpha) the release is rolled back, below log(beta / (1 - alpha)) H0 is accepted, and the
test ends or begins anew. It supposes that requests fail independently of each other, which traffic in bursts does not.

It reads counters itself: what the candidate's pods have counted since the switch, as of their latest scrapes. A query
that fails adds nothing; the next one finds what was missed.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np

from benchmarks.judge.peers.chance import drawn
from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.prometheus import away, store_of
from benchmarks.judge.runs import Decision, Release


@dataclass(frozen=True, slots=True)
class Sprt:
    """`good` and `bad`: p0 and p1 as multiples of the release's limit."""

    good: float
    bad: float
    alpha: float = 0.001
    beta: float = 0.1
    interval: float = 15.0
    accepted: Literal["ends", "begins anew"] = "begins anew"

    def __call__(self, release: Release) -> Decision:
        return self.watch(release).decision(release)

    def watch(self, release: Release) -> Ending:
        """The test over the bake, one look per interval."""
        p0, p1 = self.good * release.limit, self.bad * release.limit
        per_failed, per_served = log(p1 / p0), log((1 - p1) / (1 - p0))
        upper, lower = log((1 - self.beta) / self.alpha), log(self.beta / (1 - self.alpha))
        at = np.arange(drawn(release, "sprt", 0.0, 1.0) * self.interval, release.bake + 1e-9, self.interval)
        at = at[~away(release.outages, at)]
        when = np.concatenate(([0], np.rint(at * 1000).astype(np.int64)))
        store = store_of(release.candidate)
        added = np.diff(store.failed.reached(when)) * per_failed + np.diff(store.served.reached(when)) * per_served
        ratio = 0.0
        for moment, more in zip(at.tolist(), added.tolist(), strict=True):
            ratio += more
            if ratio >= upper:
                return Ending("rollback", moment, f"log likelihood ratio {ratio:.1f} >= {upper:.1f}")
            if ratio <= lower:
                if self.accepted == "ends":
                    return Ending("promoted", moment, f"log likelihood ratio {ratio:.1f} <= {lower:.1f}")
                ratio = 0.0
        return Ending("undecided", None, "neither bound was reached")
