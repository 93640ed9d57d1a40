"""How much of an open watch's time is left, as page and terminal say and draw it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.judge.verdict import span
from watchdog.domain.reading import Record, items, moment, seconds, state_of


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """`share` is what is left of the whole, from 1 to 0; None while nothing is counted yet."""

    sentence: str
    share: float | None = None
    ends: datetime | None = None
    short: str = ""


def time_left(record: Record, now: datetime) -> TimeLeft:
    """Of the bake; of the look at the recovery once something was put back."""
    recovering = state_of(record) == "recovering"
    if recovering and moment(record.get("put_back_complete_at")) is None:
        said = "the put-back is under way; the recovery is counted from its completion"
        return TimeLeft(said, short="the put-back is under way")
    ends = moment(record.get("recovery_until" if recovering else "bake_until"))
    whole = seconds(record, "recovery" if recovering else "bake")
    if ends is None or not whole:
        return TimeLeft("the bake begins when the rollout is complete", short="the rollout is not complete")
    left = min(max(ends - now, timedelta(0)), whole)
    what = "of the look at the recovery" if recovering else "of the bake"
    thin = "".join(f"; {line}" for line in items(record.get("outlook"))[:1])
    return TimeLeft(f"{span(left)} {what} left, of {span(whole)}{thin}", left / whole, ends, span(left))
