"""The sentences with which a watch ends because something else happened to its target, and what they tell later."""

from watchdog.domain.rollout import Revision
from watchdog.domain.state import Phase, Watch
from watchdog.domain.telling import name_of

_NOTHING = "all its weights are 0"


def took_over(by: Revision, who: str) -> str:
    """Another revision serves; `who` did that, where it is known."""
    return f"{name_of(by)} took over{f' by {who}' if who else ''}"


def nobody_serves(who: str) -> str:
    """A route gives traffic to nobody."""
    return f"{_NOTHING}{f', by {who}' if who else ''}: the candidate has no traffic any more"


def taken_back_to(watch: Watch, revision: Revision) -> bool:
    """Whether the watch ended because this took over, or because nobody was to serve."""
    if watch.outcome is not Phase.SUPERSEDED:
        return False
    return watch.reason.startswith((took_over(revision, ""), _NOTHING))
