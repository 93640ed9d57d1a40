"""A backtest as the comment of a pull request: GitHub's markdown, the difference first, within GitHub's limit."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from watchdog.replay.rendering.marking import header, name, plain, row
from watchdog.replay.rendering.wording import (
    Standing,
    amount,
    by_relevance,
    change_words,
    decision,
    differences_by_relevance,
    duration,
    headline,
    interval_words,
    is_worse,
    label_words,
    moment,
    nearest,
    per_100,
    plural,
    report_of,
    saved,
    standing,
    what_it_is,
)
from watchdog.replay.report import Change, Comparison, Difference, Note, Report, Severity, SwitchReplay, Totals

MARKER = "<!-- rollback-watchdog -->"
"""The first line: by it a job finds its own comment and updates it."""

LIMIT = 65_536
"""Characters that GitHub takes as one comment; bytes are counted here, which are no fewer."""

_SPARE = 1_500  # for the words that say what was cut
_NOTES = 12

_MARKS = {
    Standing.MISSED: "**missed**",
    Standing.FALSE_ALARM: "**false alarm**",
    Standing.CAUGHT: "caught",
    Standing.CUT_SHORT: "cut short",
    Standing.UNLABELLED: "unlabelled",
    Standing.TOLD: "unlabelled",
    Standing.PASSED: "passed",
}

T = TypeVar("T")


def markdown(found: Report | Comparison, *, limit: int = LIMIT) -> str:
    """The comment. What does not fit is left out from its end, the least relevant switches first, and that is said."""
    report = report_of(found)
    lines = [
        MARKER,
        f"### Rollback watchdog: backtest of {name(report.rules_file)}",
        "",
        f"**{plain(headline(report), 400)}**",
        "",
    ]
    lines += _warnings(report)
    closing = _measured(report)
    left = limit - _SPARE - _size(lines) - _size(closing)
    if isinstance(found, Comparison):
        section = _against(found, left * 2 // 3)
        left -= _size(section)
        lines += section
    rules = _rules(report, left * 2 // 3)
    lines += rules
    lines += _switches(report, left - _size(rules))
    return "\n".join([*lines, *closing]) + "\n"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _warnings(report: Report) -> list[str]:
    lines = ["> [!WARNING]"]
    warnings = [note for note in report.notes if note.severity is Severity.WARNING]
    lines += [f"> {_note(note, 300)}  " for note in warnings[:_NOTES]]
    if len(warnings) > _NOTES:
        lines.append(f"> and {plural(len(warnings) - _NOTES, 'more warning')}  ")
    return [*lines, ""] if warnings else []


def _note(note: Note, most: int) -> str:
    return f"{name(note.target)}: {plain(note.text, most)}" if note.target else plain(note.text, most)


def _filled(items: Sequence[T], line: Callable[[T], str], room: int) -> tuple[list[str], int]:
    """As many rows as there is room for, and how many items are left out."""
    rows: list[str] = []
    for item in items:
        one = line(item)
        room -= len(one.encode()) + 1
        if room < 0:
            break
        rows.append(one)
    return rows, len(items) - len(rows)


def _against(comparison: Comparison, room: int) -> list[str]:
    lines = [f"#### Against {name(comparison.old_name)}: {plain(comparison.summary, 300)}", ""]
    if not comparison.differences:
        return [*lines, "No switch is decided otherwise.", ""]
    lines += header("", "switch", "at (UTC)", "label", "before", "now", "difference")
    rows, out = _filled(differences_by_relevance(comparison), _difference, room - _size(lines))
    cut = [f"\nand {plural(out, 'difference')} more, of less weight"] if out else []
    return [*lines, *rows, *cut, ""]


def _difference(difference: Difference) -> str:
    mark = {True: "**worse**", False: "better", None: ""}[is_worse(difference)]
    old = _side(difference.old_outcome, difference.old_rule, decided=difference.old_decided_at is not None)
    new = _side(difference.new_outcome, difference.new_rule, decided=difference.new_decided_at is not None)
    if difference.change is Change.ONLY_NEW:
        old = "not guarded"
    if difference.change is Change.ONLY_OLD:
        new = "not guarded"
    label = "placebo" if difference.placebo else plain(difference.label)
    return row(mark, name(difference.target), moment(difference.at), label, old, new, plain(change_words(difference)))


def _side(outcome: str, rule: str, *, decided: bool) -> str:
    return f"{plain(outcome)} by {name(rule)}" if decided and rule else plain(outcome)


def _rules(report: Report, room: int) -> list[str]:
    lines = ["#### Rules", ""]
    lines += header(
        "rule",
        "caught:",
        "first:",
        "false alarms per 100 (95 %):",
        "median time:",
        "9 of 10 within:",
        "requests saved:",
    )
    rows, out = _filled([report.overall, *report.totals], _totals, room - _size(lines))
    cut = [f"\nand {plural(out, 'rule')} more"] if out else []
    blind = [
        f"- {name(each.rule)} on {plural(each.not_replayable, 'switch', 'switches')}: "
        + plain(each.why_not_replayable or "no source", 200)
        for each in report.totals
        if each.not_replayable
    ]
    if blind:
        cut += ["", "<details><summary>Not replayable</summary>", "", *blind[:40], "", "</details>"]
    held = "A rule's line counts all its breaches; one that is held, since others fail alike, is no false alarm of all."
    return [*lines, *rows, "", held, *cut, ""]


def _totals(totals: Totals) -> str:
    rule = name(totals.rule) if totals.rule else "**all together**"
    caught = f"{totals.caught} of {totals.bad}" if totals.bad else "-"
    alarms = f"{per_100(totals)} ({interval_words(totals)}); {totals.false_alarms} of {totals.clean}"
    first = str(totals.first) if totals.rule and totals.bad else ""
    times = duration(totals.time_median), duration(totals.time_p90)
    return row(rule, caught, first, alarms if totals.clean else "-", *times, amount(totals.saved_requests))


def _switches(report: Report, room: int) -> list[str]:
    # A quiet moment at which nothing happened says nothing by itself: the totals count it.
    shown = [
        switch
        for switch in by_relevance(report.switches)
        if not switch.placebo or standing(switch) not in (Standing.PASSED, Standing.OTHER)
    ]
    quiet = len(report.switches) - len(shown)
    lines = [f"<details><summary>Every switch ({len(shown)})</summary>", ""]
    lines += header("", "switch", "at (UTC)", "label", "decision", "saved:", "why")
    rows, out = _filled(shown, _switch, room - _size(lines))
    after = []
    if out:
        left: dict[Standing, int] = {}
        for switch in shown[len(rows) :]:
            left[standing(switch)] = left.get(standing(switch), 0) + 1
        kinds = ", ".join(f"{count} {kind}" for kind, count in left.items())
        after.append(f"Cut to what a comment may hold: {plural(out, 'switch', 'switches')} more ({kinds}).")
    if quiet:
        after.append(
            f"{plural(quiet, 'placebo', 'placebos')} at which nothing was decided are counted above and not listed."
        )
    return [*lines, *rows, "", *after, "", "</details>", ""]


def _switch(switch: SwitchReplay) -> str:
    rule = nearest(switch)
    why = rule.sentence if rule is not None and rule.sentence else switch.reason
    kind = " (placebo)" if switch.placebo else f" ({what_it_is(switch)})" if switch.kind != "rollout" else ""
    mark = _MARKS.get(standing(switch), plain(switch.outcome))
    said = plain(label_words(switch), 60), plain(decision(switch), 120), saved(switch), plain(why, 140)
    return row(mark, name(switch.target) + kind, moment(switch.at), *said)


def _measured(report: Report) -> list[str]:
    spent = report.spent
    counts = f"{plural(len(report.real), 'switch', 'switches')} and {plural(len(report.placebos), 'placebo')}"
    cost = f"{plural(spent.queries, 'query', 'queries')} ({spent.from_cache} from the cache), {spent.samples:,} samples"
    lines = [
        "<details><summary>How it was measured</summary>",
        "",
        f"- {name(report.prometheus, 200)}, {moment(report.since)} to {moment(report.until)} UTC",
        f"- {counts} (quiet moments, replayed as if something had been switched), judged by the code that judges live",
        f"- rules {name(report.digest[:12])}, replayed {moment(report.replayed_at)} UTC: {cost}",
        "- intervals are Clopper-Pearson at 95 %; a switch that nobody labelled counts neither way",
    ]
    notes = [note for note in report.notes if note.severity is Severity.INFO]
    lines += [f"- {_note(note, 200)}" for note in notes[:_NOTES]]
    if len(notes) > _NOTES:
        lines.append(f"- and {plural(len(notes) - _NOTES, 'note')} more")
    return [*lines, "", "</details>"]
