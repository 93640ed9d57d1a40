"""What a number of ended watches amount to: how often it acted, how often wrongly, and how long that took."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import mean, median
from typing import Any

from watchdog.domain.judge.verdict import span
from watchdog.domain.marks import is_false_alarm, is_missed
from watchdog.domain.reading import Record, is_open, moment


@dataclass(frozen=True, slots=True)
class Took:
    """How long something took, over so many watches; seconds."""

    watches: int
    mean: float
    median: float

    @property
    def sentence(self) -> str:
        """`94 s at the median, 2 min 5 s on average (7 watches)`."""
        shown = [span(timedelta(seconds=each)) for each in (self.median, self.mean)]
        return (
            f"{shown[0]} at the median, {shown[1]} on average ({self.watches} watch{'es' if self.watches > 1 else ''})"
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Ended watches, counted. `false_alarms` and `missed` are those that a person marked so."""

    watches: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    recovered: int = 0
    by_hand: int = 0
    false_alarms: int = 0
    missed: int = 0
    decided: Took | None = None  # from the switch to the breach
    put_back: Took | None = None  # from the switch to the completed put-back

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same for people."""
        rolled = self.outcomes.get("rolled-back", 0)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())
        told = [f"{self.watches} watch{'' if self.watches == 1 else 'es'} ended" + (f": {counts}" if counts else "")]
        if rolled:
            hand = f", {self.by_hand} by hand" if self.by_hand else ""
            told.append(f"{rolled} rolled back{hand}: {self.recovered} recovered")
        told.append(f"marked by a person: {self.false_alarms} false alarm{_s(self.false_alarms)}, {self.missed} missed")
        if self.decided is not None:
            told.append(f"from the switch to the decision: {self.decided.sentence}")
        if self.put_back is not None:
            told.append(f"from the switch until traffic was back: {self.put_back.sentence}")
        return tuple(told)

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs; times in seconds."""
        return {
            "watches": self.watches,
            "outcomes": dict(self.outcomes),
            "recovered": self.recovered,
            "by_hand": self.by_hand,
            "false_alarms": self.false_alarms,
            "missed": self.missed,
            "switch_to_decision": _took_document(self.decided),
            "switch_to_put_back": _took_document(self.put_back),
        }


def summary_of(records: Iterable[Record]) -> Summary:
    """The ended ones among the records; open ones are passed over."""
    ended = [record for record in records if not is_open(record)]
    # A person's own rollback decided nothing by rules: its time says nothing of the watchdog's.
    judged = [record for record in ended if not record.get("by_hand")]
    return Summary(
        watches=len(ended),
        outcomes=_counted(ended),
        recovered=sum(record.get("recovery") == "recovered" for record in ended),
        by_hand=len(ended) - len(judged),
        false_alarms=sum(map(is_false_alarm, ended)),
        missed=sum(map(is_missed, ended)),
        decided=_took([_from_switch(record, moment(record.get("breached_at"))) for record in judged]),
        put_back=_took([_from_switch(record, _back(record)) for record in judged]),
    )


def _counted(ended: Iterable[Record]) -> Mapping[str, int]:
    """How many ended how, the most frequent first."""
    counts = Counter(str(record.get("outcome")) for record in ended)
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _back(record: Record) -> datetime | None:
    return moment(record.get("put_back_complete_at")) or moment(record.get("acted_at"))


def _from_switch(record: Record, at: datetime | None) -> float | None:
    switched = moment(record.get("switched_at"))
    return None if switched is None or at is None or at < switched else (at - switched).total_seconds()


def _took(seconds: Sequence[float | None]) -> Took | None:
    known = [each for each in seconds if each is not None]
    return Took(len(known), mean(known), median(known)) if known else None


def _took_document(took: Took | None) -> dict[str, float] | None:
    if took is None:
        return None
    return {"watches": took.watches, "mean": round(took.mean, 1), "median": round(took.median, 1)}


def _s(count: int) -> str:
    return "" if count == 1 else "s"
