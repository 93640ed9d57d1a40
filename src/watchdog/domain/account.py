"""One watch as people are told of it, wherever they look: page, terminal, incident document and Event say this.

All of it comes from the record. It is plain text: who writes it into HTML, Markdown or a terminal escapes it there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchdog.domain.checks import Answer
from watchdog.domain.impact import Impact, impact_of
from watchdog.domain.judge.verdict import span
from watchdog.domain.marks import mark_of
from watchdog.domain.next_steps import NextStep, next_steps
from watchdog.domain.part import of_traffic
from watchdog.domain.reading import Record, is_open, items, mapping, moment, rules_of, state_of
from watchdog.domain.telling import UNDECIDED

_TOLD_FIRST = ("rolled-back", "would-roll-back", "failed", "held", "breach", "passed")


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the timeline. `tone`: good, bad, doubt, live, none. `after`: how long after the switch."""

    at: datetime
    tone: str
    what: str
    why: str = ""
    after: str = ""

    @property
    def sentence(self) -> str:
        """What happened and why, on one line."""
        return f"{self.what}: {self.why}" if self.why else self.what


@dataclass(frozen=True, slots=True)
class Check:
    """One check before the act; `answer` as `domain.checks.Answer` has it."""

    answer: str
    holds: str
    why: str

    @property
    def spoken(self) -> str:
        """The answer in words that cannot be misread."""
        return self.answer if self.answer != Answer.REFUSED.value else "refused, it does not hold"


@dataclass(frozen=True, slots=True)
class Account:
    """The whole story of one watch, part by part; what is not known is empty."""

    headline: str
    state: str  # the outcome with the recovery, or the phase
    mark: str  # a person's judgement of the outcome
    timeline: tuple[Happening, ...]
    impact: Impact
    changed: tuple[str, ...]
    commits: str  # a web address
    hurts: tuple[str, ...]  # which slices of the traffic carry the breach
    decision: str
    checks: tuple[Check, ...]
    next: tuple[NextStep, ...]


def account_of(record: Record) -> Account:
    """What is told of the watch of this record, whoever wrote it."""
    checks = tuple(_check(mapping(one)) for one in items(record.get("checks")))
    commits = record.get("commits")
    mark = mark_of(record)
    return Account(
        headline=headline_of(record),
        state=full_state(record),
        mark="" if mark is None else mark.sentence,
        timeline=tuple(sorted(_happenings(record), key=lambda one: one.at)),
        impact=impact_of(record),
        changed=tuple(str(line) for line in items(record.get("changes"))),
        commits=commits if isinstance(commits, str) and commits.startswith(("https://", "http://")) else "",
        hurts=tuple(str(line) for line in items(record.get("slices"))),
        decision=decision_of(record),
        checks=checks,
        next=next_steps(record),
    )


def headline_of(record: Record) -> str:
    """The whole story in one line: what people were told last of what matters most, else how it stands."""
    told: dict[str, str] = {}
    for notice in map(mapping, items(record.get("notices"))):
        _, _, topic = str(notice.get("id", "")).partition("/")
        told[topic.partition("/")[0]] = str(notice.get("title", ""))
    outcome = str(record.get("outcome") or "")
    for topic in (outcome, *_TOLD_FIRST):
        if told.get(topic) and (topic != "passed" or outcome == "passed"):
            return _decided(told[topic], record) if topic == "breach" else told[topic]
    if record.get("reason"):
        return str(record["reason"])
    return "No rule is breached so far." if is_open(record) else ""


def _decided(breach: str, record: Record) -> str:
    """The title of a breach, with why nothing was done: what a brake holds is told in one notice for all of it."""
    open_question, why = f"; {UNDECIDED}", record.get("reason")
    if not record.get("refusal") or not why or not breach.endswith(open_question):
        return breach
    return f"{breach.removesuffix(open_question)}, but nothing was done: {why}"


def full_state(record: Record) -> str:
    """`rolled-back, recovered`; the phase of an open watch."""
    recovery = f", {record['recovery']}" if record.get("recovery") and not is_open(record) else ""
    return state_of(record) + recovery


def decision_of(record: Record) -> str:
    """Whether it might act, and did."""
    if record.get("acted_at"):
        return "The act was allowed, and done." + (" A person asked for it." if record.get("by_hand") else "")
    if record.get("outcome") == "would-roll-back":
        return "The act was allowed, and withheld: this is a dry run."
    if record.get("refusal"):
        again = " The reasons are checked again until the bake ends." if is_open(record) else ""
        return f"The act was refused.{again}"
    if items(record.get("checks")):
        return "The act was allowed."
    if record.get("notify_only"):
        return f"Nothing was checked: this watch only tells ({record['notify_only']})."
    if items(record.get("breached")):
        return "Not checked yet." if is_open(record) else "Nothing was checked."
    outlook = "".join(f" {line}." for line in items(record.get("outlook")))
    return f"Nothing was checked: no rule asked for a rollback.{outlook}"


def _check(one: Record) -> Check:
    return Check(str(one.get("answer", "")), str(one.get("holds", "")), str(one.get("why") or ""))


def _happenings(record: Record) -> Iterator[Happening]:
    switched = moment(record.get("switched_at"))
    for at, tone, what, why in _moments(record):
        happened = moment(at)
        if happened is not None:
            after = f"+{span(happened - switched)}" if switched is not None and happened > switched else ""
            yield Happening(happened, tone, what, why, after)


_HOW = {
    "selector": "the selector was flipped",
    "route": "it was given traffic",
    "config": "its configuration changed",
}


def _moments(record: Record) -> Sequence[tuple[object, str, str, str]]:
    """When, its tone, what happened, and why; what has no moment is left out later."""
    by = f" by {record['switched_by']}" if record.get("switched_by") else ""
    rules = rules_of(record)
    stable = next((mapping(rule.all.get("stable")) for rule in rules if rule.all.get("stable")), {})
    how = _HOW.get(str(record.get("kind")), "rolled out")
    if isinstance(part := record.get("part"), float | int):
        how = f"it was given {of_traffic(part)}"
    complete = record.get("bake_from") if how == "rolled out" else None
    ready = record.get("ready_at") if moment(record.get("ready_at")) != moment(record.get("switched_at")) else None
    found = [
        (stable.get("from"), "none", "the baseline begins", "what stable was measured by"),
        (record.get("switched_at"), "live", how, f"{record.get('candidate')}{by}"),
        (ready, "none", "its first pod was ready", ""),
        (complete, "none", "the rollout was complete; the bake began", ""),
        *((one.get("at"), "none", str(one.get("what")), "") for one in map(mapping, items(record.get("steps")))),
        *((rule.all.get("breached_at"), "bad", f"rule {rule.name} was breached", rule.sentence) for rule in rules),
        *(
            (one.get("at"), "doubt", "the write met another", str(one.get("what")))
            for one in map(mapping, items(record.get("conflicts")))
        ),
        (record.get("acted_at"), "bad", f"traffic was put back to {record.get('put_back_to')}", ""),
        (record.get("put_back_complete_at"), "none", "the put-back was complete; does it help?", ""),
    ]
    if not is_open(record):
        good = record.get("outcome") == "passed" or record.get("recovery") == "recovered"
        tone = "good" if good else "doubt"
        found.append((record.get("ended_at"), tone, full_state(record), str(record.get("reason") or "")))
    mark = mark_of(record)
    if mark is not None:
        found.append((mark.at.isoformat(), "none", f"{mark.by or 'somebody'} marked it {mark.told}", mark.reason))
    return found
