"""The script at a pipeline's end that blogs show: ask Prometheus, undo after some breaches in a row.

No source can be cited for the one true script; the model is what they share: `kubectl rollout status`, then a loop of
`sleep`, `curl | jq -r '.data.result[0].value[1]'`, a comparison, a counter, and `kubectl rollout undo`. They differ in
what a failed `curl` means: `|| echo 0` ignores it (and with it forgets the breaches before), `set -e` or a counter of
failed checks counts it. An empty answer is `null`, which is above no limit.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.judge.peers.alert import Pods, series_of
from benchmarks.judge.peers.chance import drawn
from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.prometheus import error_ratio
from benchmarks.judge.runs import Decision, Release

EARLIEST, LATEST = 0.2, 2.0  # from the first ready pod until `kubectl rollout status` returns


@dataclass(frozen=True, slots=True)
class Script:
    """Seconds between polls, breaches in a row that undo, polls in all (None: until the bake's end)."""

    breaches: int = 3
    interval: float = 15.0
    polls: int | None = None
    window: float = 60.0
    failed_query: Literal["ignored", "counted"] = "ignored"
    pods: Pods = "candidate"

    def __call__(self, release: Release) -> Decision:
        return self.run(release).decision(release)

    def run(self, release: Release) -> Ending:
        """The script from `kubectl rollout status` on."""
        first = drawn(release, "script", EARLIEST, LATEST) + self.interval
        at = np.arange(first, release.bake + 1e-9, self.interval)[: self.polls]
        answers = error_ratio(release, series_of(release, self.pods), at, self.window)
        breach = answers.breach(release.limit)
        if self.failed_query == "counted":
            breach = breach | answers.failed
        in_a_row = 0
        for moment, breached in zip(at.tolist(), breach.tolist(), strict=True):
            in_a_row = in_a_row + 1 if breached else 0
            if in_a_row >= self.breaches:
                return Ending("rollback", moment, f"{in_a_row} breaches in a row")
        return Ending("undecided", None, "never so many breaches in a row")
