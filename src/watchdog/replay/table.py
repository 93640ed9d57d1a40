"""The report for a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from watchdog.domain.judge.verdict import span
from watchdog.replay.comparing import at_least
from watchdog.replay.report import Comparison, Difference, Label, Note, Report, Severity, SwitchReplay, Totals

_COLOURS = {"rolled-back": "red", "held": "yellow", "notified": "yellow", "passed": "green"}


def show(report: Report, console: Console) -> None:
    """The switches, how the rules did, what is missing."""
    console.print(
        f"{escape(report.rules_file)}: {len(report.real)} switches and {len(report.placebos)} quiet windows in "
        f"{span(report.until - report.since)}, {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC",
        highlight=False,
    )
    if report.switches:
        console.print(_switches(report))
        console.print(_rules(report))
    _notes(report.notes, console)
    spent = report.spent
    console.print(
        f"{spent.queries} queries ({spent.from_cache} more from the cache), {spent.samples} samples, "
        f"{spent.seconds:.1f} s",
        style="dim",
        highlight=False,
    )


def show_comparison(both: Comparison, console: Console) -> None:
    """What changes against the old file, then the new report."""
    console.print(f"Against {escape(both.old_name)}: [bold]{escape(both.summary)}[/]", highlight=False)
    if both.differences:
        table = Table("when (UTC)", "target", "was", "before", "now", "change", box=None, header_style="bold")
        for one in both.differences:
            table.add_row(
                f"{one.at:%m-%d %H:%M}",
                escape(one.target) + (" (quiet)" if one.placebo else ""),
                str(one.label),
                _decision(one.old_outcome, one.old_rule),
                _decision(one.new_outcome, one.new_rule),
                _change(one),
            )
        console.print(table)
    show(both.new, console)


def _decision(outcome: str, rule: str) -> str:
    return escape(f"{outcome} by {rule}" if rule else outcome or "not guarded")


def _change(one: Difference) -> str:
    if one.seconds and one.at_least:
        return f"{at_least(abs(one.seconds))}{one.change}"
    return f"{abs(one.seconds):.0f} s {one.change}" if one.seconds else str(one.change).replace("-", " ")


def _switches(report: Report) -> Table:
    table = Table("when (UTC)", "target", "was", "outcome", "after", "by", "saved", box=None, header_style="bold")
    shown = [one for one in report.switches if not one.placebo or one.decided_at is not None]
    for one in shown:
        colour = _COLOURS.get(one.outcome, "dim")
        table.add_row(
            f"{one.at:%m-%d %H:%M:%S}",
            escape(one.target),
            "quiet" if one.placebo else str(one.label),
            f"[{colour}]{escape(one.outcome)}[/]",
            "" if one.decided_in is None else _seconds(one.decided_in),
            escape(one.first_rule),
            _saved(one),
        )
    return table


def _saved(one: SwitchReplay) -> str:
    if one.saved_requests is None or one.label is not Label.BAD:
        return ""
    return f"{'>' if one.saved_bound else ''}{one.saved_requests:.0f} bad requests"


def _rules(report: Report) -> Table:
    table = Table("rule", "caught", "first", "false alarms", "per 100 (95 %)", "median", "p90", box=None)
    table.header_style = "bold"
    many = len({total.guard for total in report.totals}) > 1
    for total in report.totals:
        name = f"{total.guard}/{total.rule}" if many else total.rule
        table.add_row(escape(name), *_cells(total))
    table.add_row("[bold]all together[/]", *_cells(report.overall))
    return table


def _cells(total: Totals) -> Iterable[str]:
    if not total.bad and not total.clean:
        why = total.why_not_replayable or "no switch"
        return (f"[dim]not replayable: {escape(why)}[/]", "", "", "", "", "")
    interval = total.false_alarm_interval
    rate = total.false_alarms_per_100
    return (
        f"{total.caught} of {total.bad}",
        str(total.first),
        f"{total.false_alarms} of {total.clean}",
        "" if rate is None else f"{rate:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})",
        _seconds(total.time_median),
        _seconds(total.time_p90),
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} s"


def _notes(notes: Iterable[Note], console: Console) -> None:
    for note in notes:
        mark = "[yellow]warning[/]: " if note.severity is Severity.WARNING else "note: "
        whom = f"{note.target}: " if note.target else ""
        console.print(f"{mark}{escape(whom + note.text)}", highlight=False, soft_wrap=True)
