"""How watches stand that have not ended, and what they come to together: for who asks once and goes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from watchdog.domain.judge import Finding
from watchdog.domain.rules import Probe, Signs
from watchdog.domain.state import SETTLE, Phase, Track, Watch

LATE = SETTLE + timedelta(seconds=1)
"""After so long nobody waits for a block any more: it was asked for."""

PASS, WOULD_ROLL_BACK, UNDECIDED = 0, 3, 4
"""What a dry run ends with."""


def up_to_date(watch: Watch, now: datetime) -> bool:
    """Whether each rule was asked what is due by now, and nothing that follows from it is under way."""
    if watch.phase.terminal:
        return True
    if watch.phase in (Phase.DECIDING, Phase.ACTING) or watch.pods is None:
        return False
    due = (now - LATE - watch.switch.at) // watch.guard.interval
    return all(_asked(track, due, ever_ready=watch.pods.ever_ready) for track in watch.tracks)


def _asked(track: Track, due: int, *, ever_ready: bool) -> bool:
    match track.rule.check:
        case Probe():
            return track.verdict is not None or not ever_ready  # nobody is probed before
        case Signs():
            return track.verdict is not None
        case _:
            return track.history.last_index >= due


def baselines_known(watch: Watch) -> bool:
    """Whether each rule that is compared with stable knows it: Prometheus is asked until it answers."""
    return all(track.baseline is not None or track.threshold is None for track in watch.tracks)


def exit_code(watches: Iterable[Watch]) -> int:
    """3 where one would be rolled back; 0 where there are some and all pass; 4 else.

    That is: nothing to judge, undecided, no data, held, told only. One that was superseded says nothing.
    """
    standing = [watch for watch in watches if watch.phase is not Phase.SUPERSEDED]
    if any(watch.phase is Phase.WOULD_ROLL_BACK for watch in standing):
        return WOULD_ROLL_BACK
    return PASS if standing and all(map(passes, standing)) else UNDECIDED


def passes(watch: Watch) -> bool:
    """Whether it passed, or does so as far as it went: each required rule says `pass` now, and none was breached."""
    if watch.phase is not Phase.WATCHING:
        return watch.phase is Phase.PASSED
    required = [track for track in watch.tracks if track.rule.required]
    unharmed = not (watch.noted or watch.breached)
    return unharmed and all(track.verdict is not None and track.verdict.finding is Finding.PASS for track in required)
