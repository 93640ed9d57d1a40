"""Builds what tuning takes and runs it: backtest, search, and a whole replay of what is suggested."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchdog.domain.rollout import Target
from watchdog.replay.backtest import Backtest, Progress, Rules, Wish
from watchdog.replay.comparing import compared
from watchdog.replay.courses import Mark
from watchdog.replay.entries import BY_PERSON, BY_WATCHDOG, Entry, marks_of
from watchdog.replay.report import PUT_BACK, Comparison, Label, Report, SwitchReplay
from watchdog.replay.session import Politeness, histories_of
from watchdog.replay.tuning.observing import Observations
from watchdog.replay.tuning.patching import patched
from watchdog.replay.tuning.searching import Suggestion, count_of, search
from watchdog.replay.tuning.wording import not_confirmed
from watchdog.rulebook import read_rules
from watchdog.sources import Access

_LISTED = ("records", "list", "replicasets")  # sources of switches that only a list tells again


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning found: the backtest of the rules as they are, and what the suggestions change, replayed in full."""

    report: Report
    suggestions: tuple[Suggestion, ...]
    comparison: Comparison | None = None  # None: nothing is suggested


async def tune(
    access: Access,
    name: str,
    text: str,
    wish: Wish,
    politeness: Politeness,
    *,
    progress: Progress | None = None,
) -> Tuned:
    """Suggestions for the rules file `text`. Raises as `backtest` does."""
    told = progress or Progress()
    seen = Observations()
    async with histories_of(access, [read_rules(text)], politeness) as sources:
        # The second replay is of the very same stretch, so that its answers are known already.
        backtest = Backtest(sources, access.clock, wish, told, seen.keep)
        (report,) = await backtest.run([Rules(name, read_rules(text))])
        told.begun("trying settings", count_of(read_rules(text)))
        suggestions = await asyncio.to_thread(search, text, seen, tried=told.advanced)
        again = Backtest(sources, access.clock, replace(wish, until=report.until), told)
        for rejected in _attempts(suggestions):
            kept = tuple(each if each.rule not in rejected else replace(each, values=()) for each in suggestions)
            if not any(each.values for each in kept):
                break
            (new,) = await again.run([Rules(name, read_rules(patched(text, kept)))])
            comparison = compared(report, new, name)
            if _confirmed(report, new):
                return Tuned(report, _said(suggestions, kept), comparison)
        none = tuple(replace(each, values=()) for each in suggestions)
        return Tuned(report, _said(suggestions, none))


def _attempts(suggestions: Sequence[Suggestion]) -> list[frozenset[str]]:
    """What is left out, in turn: nothing; then one rule after the other, the last one first; then all of them."""
    changed = [each.rule for each in suggestions if each.values]
    return [frozenset(), *(frozenset(changed[index:]) for index in range(len(changed) - 1, 0, -1))]


def _confirmed(old: Report, new: Report) -> bool:
    """Whether a whole replay is no worse: as many are caught, and no more clean ones rolled back."""
    before, after = old.overall, new.overall
    # What waits for longer than was done is no gain, though nobody can call it missed.
    if sum(one.cut_short for one in new.switches) > sum(one.cut_short for one in old.switches):
        return False
    return after.bad - after.caught <= before.bad - before.caught and after.false_alarms <= before.false_alarms


def _said(suggestions: Sequence[Suggestion], kept: Sequence[Suggestion]) -> tuple[Suggestion, ...]:
    """The reasons of what was dropped say so."""
    return tuple(
        replace(now, reason=not_confirmed(was.reason)) if was.values and not now.values else now
        for was, now in zip(suggestions, kept, strict=True)
    )


def _label(switch: SwitchReplay, marks: Sequence[Mark]) -> Entry:
    """What the report says of a switch; a label that is given beside the report comes before it."""
    marked_back = (
        switch.label_source == BY_PERSON and switch.label is Label.GOOD and switch.served_until_why == PUT_BACK
    )
    entry = Entry(
        Target.parse(switch.target),
        switch.at,
        label=switch.label,
        source="list",
        said=switch.label_source,
        rolled_back=switch.cut_short or switch.label_source == BY_WATCHDOG or marked_back,
    )
    given = next((mark for mark in marks if mark.is_near(entry.target, entry.at)), None)
    if given is None:
        return entry
    back = entry.rolled_back or given.rolled_back
    return replace(entry, label=given.label, said=given.source, rolled_back=back)


def wish_of(report: Report, wish: Wish) -> Wish:
    """The past that a report is about, with what it says of its switches; else as wished.

    Raises ValueError where a target of it is none, and where its switches were listed and no list is given again: of
    weights, data and when pods were ready it tells too little to replay them.
    """
    listed = sum(1 for switch in report.real if switch.source in _LISTED)
    if listed and not wish.listed:
        raise ValueError(
            f"{listed} of its {len(report.real)} switches are from records or a list, and a report does not tell "
            "enough of those to replay them: give --records or --switches again, as for the backtest"
        )
    marks = marks_of(wish.labels)
    labels = tuple(_label(switch, marks) for switch in report.real)
    placebos = Counter(switch.target for switch in report.placebos)
    return replace(
        wish,
        span=report.until - report.since,
        until=report.until,
        placebos=max(placebos.values(), default=0),
        labels=(*labels, *wish.labels),
    )
