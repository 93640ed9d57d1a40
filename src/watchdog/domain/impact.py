"""What a release cost those who used it, and what acting saved, as far as its record can tell.

Nothing here is guessed: where the record has no counts there is nothing to say. What is reckoned rather than measured
says so, and how.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.reading import Record, Rule, broken, is_open, items, mapping, moment, real, rules_of

_FAILING = ("error", "fail", "5xx")
_FEWEST = 1.0  # requests that are worth a sentence


@dataclass(frozen=True, slots=True)
class Met:
    """Requests that people made of the candidate from the switch on, as one rule counts them."""

    rule: str
    bad: float
    total: float
    until: datetime
    failing: bool  # whether a bad request is a failed one, by its metric's name
    over: float | None = None  # a bad request is one that took longer than so many seconds

    @property
    def sentence(self) -> str:
        """`612 of 1,530 requests failed from the switch to 03:02:15 UTC (rule error-rate)`."""
        how = "failed" if self.failing else "were bad"
        if self.over is not None:
            how = f"were slow (over {number(self.over, Dimension.SECONDS)})"
        return (
            f"{self.bad:,.0f} of {self.total:,.0f} requests {how} from the switch to {self.until:%H:%M:%S} UTC"
            f" (rule {self.rule})"
        )


@dataclass(frozen=True, slots=True)
class Saved:
    """What would have been bad as well, had the candidate served to the end of its bake as it did at the breach."""

    rule: str
    bad: float
    rate: float  # bad requests per second, over those that stable has
    usual: float  # those of stable, per second
    until: datetime
    longer: timedelta
    failing: bool
    over: float | None = None  # as in `Met`

    @property
    def sentence(self) -> str:
        """How many, and how that was reckoned."""
        how = "failed" if self.failing else "been bad" if self.over is None else "been slow"
        usual = f", less the {_rate(self.usual)} a second that stable has" if self.usual > 0.0 else ""
        return (
            f"about {_about(self.bad)} more requests would have {how}, had it served {span(self.longer)} longer, to "
            f"the end of its bake at {self.until:%H:%M:%S} UTC: {_rate(self.rate + self.usual)} a second when rule "
            f"{self.rule} was breached{usual}"
        )


@dataclass(frozen=True, slots=True)
class Impact:
    """Each part that can be told; all of them may be missing."""

    met: tuple[Met, ...] = ()
    served: str = ""
    saved: Saved | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same for people."""
        told = [one.sentence for one in self.met]
        told += [self.served] if self.served else []
        return (*told, *([f"Saved by acting: {self.saved.sentence}"] if self.saved is not None else []))


def impact_of(record: Record) -> Impact:
    """The impact of one watch, open or ended."""
    breached = broken(record)
    rules = {rule.name: rule for rule in rules_of(record)}
    # What was breached comes first: of a slow release few failures are not the story.
    named = dict.fromkeys([*(name for name in breached if name in rules), *rules])
    counted = [one for name in named if (one := _met(rules[name])) is not None]
    told = [one for one in counted if one.rule in breached or one.failing]
    asked = [str(name) for name in items(record.get("breached")) if str(name) in rules]
    saved = next((found for name in asked if (found := _saved(record, rules[name])) is not None), None)
    return Impact(tuple(told), _served(record), saved)


def _met(rule: Rule) -> Met | None:
    found = mapping(rule.all.get("met"))
    bad, total, until = real(found.get("bad")), real(found.get("total")), moment(found.get("until"))
    if bad is None or total is None or until is None or total < _FEWEST:
        return None
    over = real(found.get("over"))
    return Met(rule.name, bad, total, until, over is None and _fails(found.get("metric")), over)


def _fails(metric: object) -> bool:
    return any(part in str(metric).lower() for part in _FAILING)


def _served(record: Record) -> str:
    """How long the candidate had traffic while a rule was broken."""
    breached, acted = moment(record.get("breached_at")), moment(record.get("acted_at"))
    since = min(_sinces(record), default=breached)
    if since is None:
        return ""
    if acted is not None:
        end = moment(record.get("put_back_complete_at")) or acted
        until = f"until traffic was back at {end:%H:%M:%S} UTC"
        return f"It was bad for {span(end - since)}: from {since:%H:%M:%S} UTC {until}"
    ended = moment(record.get("ended_at"))
    if is_open(record) or ended is None:
        return f"It has been bad since {since:%H:%M:%S} UTC, and serves"
    return f"It was bad from {since:%H:%M:%S} UTC on, and served on when its watch ended at {ended:%H:%M:%S} UTC"


def _sinces(record: Record) -> Iterator[datetime]:
    for rule in rules_of(record):
        since = moment(rule.all.get("since"))
        if since is not None and rule.finding == "breach":
            yield since


def _saved(record: Record, rule: Rule) -> Saved | None:
    """None unless traffic was put back before the bake's end, by a rule that counts requests."""
    acted, until = moment(record.get("acted_at")), moment(record.get("bake_until"))
    begin, end = moment(rule.all.get("window_from")), moment(rule.all.get("window_to"))
    met = mapping(rule.all.get("met"))
    if not met:
        return None  # what it measures is no number of requests
    over = real(met.get("over"))
    counted = rule.all.get("bad") if over is None else met.get("in_window")
    share = rule.all.get("baseline") if over is None else met.get("usual")
    bad, total = real(counted), real(rule.all.get("total"))
    if acted is None or until is None or begin is None or end is None or bad is None or total is None:
        return None
    seconds = (end - begin).total_seconds()
    longer = until - (moment(record.get("put_back_complete_at")) or acted)
    if seconds <= 0.0 or longer <= timedelta(0):
        return None
    usual = min(bad, max(real(share) or 0.0, 0.0) * total) / seconds
    rate = bad / seconds - usual
    more = rate * longer.total_seconds()
    if more < _FEWEST:
        return None
    return Saved(rule.name, more, rate, usual, until, longer, over is None and _fails(met.get("metric")), over)


def _about(count: float) -> str:
    """Two digits are all that such a reckoning has."""
    digits = max(0, len(f"{count:.0f}") - 2)
    return f"{round(count, -digits):,.0f}"


def _rate(rate: float) -> str:
    return f"{rate:.2g}" if rate < 10 else f"{rate:,.0f}"
