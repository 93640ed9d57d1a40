"""What is kept of a backtest for tuning: each switch's measurements, so that a changed rule can judge them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watchdog.domain.judge.history import BLOCKS_KEPT
from watchdog.domain.rules import Rule
from watchdog.domain.state import Track
from watchdog.domain.tracking import under_rule
from watchdog.replay.cases import Marked
from watchdog.replay.replaying import Replayed
from watchdog.replay.report import Label

RuleKey = tuple[str, str]
"""A guard's name and a rule's: one rule means different things under two guards."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One replayed switch of which somebody said whether it was bad."""

    id: str
    at: datetime
    bad: bool
    guard: str
    tracks: Mapping[str, Track]  # by rule; those that could be replayed
    ended: datetime  # until when it was followed
    held: bool = False  # a breach was not acted on, as when others fail alike: no other limit makes it an act

    def breach(self, rule: str) -> datetime | None:
        """When that rule breached as it is written."""
        track = self.tracks.get(rule)
        return track.breach.at if track is not None and track.breach is not None else None


@dataclass(slots=True)
class Observations:
    """Collects what a backtest replays; `keep` is handed to it."""

    seen: list[Observed] = field(default_factory=list)
    blind: dict[RuleKey, str] = field(default_factory=dict)  # why a rule could not be replayed somewhere

    def keep(self, marked: Marked, replayed: Replayed) -> None:
        """One more replayed switch. What nobody labelled teaches nothing."""
        guard = marked.case.guard.name
        for rule, why in replayed.not_replayable.items():
            self.blind.setdefault((guard, rule), why)
        if marked.label is Label.UNKNOWN:
            return
        tracks = {
            track.rule.name: track
            for track in replayed.watch.tracks
            if track.rule.name not in replayed.not_replayable or track.breach is not None
        }
        held = replayed.decided_at is None and replayed.watch.refusal is not None
        bad, at = marked.label is Label.BAD, marked.case.switch.at
        self.seen.append(Observed(marked.id, at, bad, guard, tracks, replayed.ended, held))


def forgets(observed: Sequence[Observed], rule: str) -> bool:
    """Whether some watch was longer than its history remembers, so that it cannot be judged again from its start."""
    return any(
        track.history.blocks_seen > min(len(track.history.blocks), BLOCKS_KEPT)
        for each in observed
        if (track := each.tracks.get(rule)) is not None
    )


def breaches_under(
    observed: Sequence[Observed], rules: Mapping[RuleKey, Rule], name: str
) -> dict[str, datetime | None]:
    """When a rule would have breached on each switch as `rules` have it: by the switch's id."""
    found: dict[str, datetime | None] = {}
    for each in observed:
        track, rule = each.tracks.get(name), rules.get((each.guard, name))
        if track is not None and rule is not None:
            breach = under_rule(track, rule).breach
            found[each.id] = breach.at if breach is not None else None
    return found
