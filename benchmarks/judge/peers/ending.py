"""How a competitor's analysis ends. The bench counts rollbacks; the recordings also tell an error from a promotion."""

from dataclasses import dataclass
from typing import Literal

from benchmarks.judge.runs import Decision, Release

Outcome = Literal["rollback", "error", "promoted", "undecided"]


@dataclass(frozen=True, slots=True)
class Ending:
    """`at`: seconds since the switch. An `error` (Argo's phase) puts the traffic back just as a `rollback` does."""

    outcome: Outcome
    at: float | None
    why: str = ""

    def decision(self, release: Release) -> Decision:
        """What the bench counts: the moment of putting back, if there is one within the bake."""
        if self.outcome in ("rollback", "error") and self.at is not None and self.at <= release.bake:
            return Decision(self.at, self.why)
        return Decision(None, self.why)
