"""A backtest as one HTML file: nothing is fetched, nothing runs, and its own stylesheet alone may style it."""

import base64
import hashlib
from collections.abc import Sequence

from watchdog.drawing.elements import words
from watchdog.drawing.meters import estimate
from watchdog.replay.rendering import pictures
from watchdog.replay.rendering.curves import curves
from watchdog.replay.rendering.html_switches import Places, switch_groups
from watchdog.replay.rendering.html_text import fact, figure, table
from watchdog.replay.rendering.style import page_style
from watchdog.replay.rendering.wording import (
    amount,
    change_words,
    differences_by_relevance,
    duration,
    headline,
    interval_words,
    is_worse,
    moment,
    per_100,
    plural,
    report_of,
)
from watchdog.replay.report import Comparison, Difference, Report, Severity, Totals

_ROWS = 40  # of the timeline; more targets than that are no picture any more


def html(found: Report | Comparison) -> str:
    """The whole file."""
    report = report_of(found)
    places = Places.of(report)
    style = page_style(len(places.targets))
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    body = "\n".join(
        [
            _top(report),
            _cards(report.overall, report),
            *([_against(found, places)] if isinstance(found, Comparison) else []),
            _rules(report),
            _timeline(report, places),
            _trade_off(report),
            switch_groups(report, places),
            _measured(report),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{allowed}'; "
        "base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{words(f'Backtest of {report.rules_file}')}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _top(report: Report) -> str:
    notes = [note for note in report.notes if note.severity is Severity.WARNING]
    said = "".join(
        f'<p class="note"><b>{words(note.target) + ": " if note.target else "Partial: "}</b>{words(note.text, 500)}</p>'
        for note in notes[:50]
    )
    more = f'<p class="note">and {plural(len(notes) - 50, "more warning")}</p>' if len(notes) > 50 else ""
    span = f"{moment(report.since)} to {moment(report.until)} UTC"
    return (
        f"<h1>Backtest of <code>{words(report.rules_file)}</code></h1>"
        f'<p class="faint">{span}, from <code>{words(report.prometheus)}</code></p>'
        f'<p class="lead">{words(headline(report), 500)}</p>{said}{more}'
    )


def _cards(overall: Totals, report: Report) -> str:
    caught = f"{overall.caught} of {overall.bad}" if overall.bad else "-"
    cards = [
        (caught, "bad releases caught" if overall.bad else "no switch is known to have been bad"),
        (per_100(overall), f"false alarms per 100 clean deploys (95 %: {interval_words(overall)})"),
        (duration(overall.time_median), "median time from a bad switch to the decision"),
        (amount(overall.saved_requests), "failed requests saved"),
        (f"{len(report.real):,}", f"switches found; {plural(len(report.placebos), 'placebo')} beside them"),
    ]
    return (
        '<ul class="cards">' + "".join(f"<li><b>{words(b)}</b><span>{words(s)}</span></li>" for b, s in cards) + "</ul>"
    )


def _against(comparison: Comparison, places: Places) -> str:
    title = f"<h2>Against <code>{words(comparison.old_name)}</code></h2><p>{words(comparison.summary, 500)}</p>"
    if not comparison.differences:
        return title + "<p>No switch is decided otherwise.</p>"
    rows = [_difference(each, places) for each in differences_by_relevance(comparison)]
    heads = ["", "switch", "at (UTC)", "label", "before", "now", "difference"]
    return title + table("Switches that the two rule files decide otherwise", heads, rows)


def _difference(difference: Difference, places: Places) -> list[str]:
    worse = is_worse(difference)
    mark = {True: '<b class="breach">worse</b>', False: '<b class="good">better</b>', None: ""}[worse]
    old, new = (
        words(outcome) + (f" by <code>{words(rule)}</code>" if rule and decided else "")
        for outcome, rule, decided in (
            (difference.old_outcome, difference.old_rule, difference.old_decided_at),
            (difference.new_outcome, difference.new_rule, difference.new_decided_at),
        )
    )
    label = "placebo" if difference.placebo else words(difference.label)
    name = places.link(difference.switch, words(difference.target))
    return [mark, name, moment(difference.at), label, old, new, words(change_words(difference))]


def _rules(report: Report) -> str:
    most = max((each.false_alarm_interval.high for each in report.totals if each.clean), default=1.0)
    rows = [_totals(each, most) for each in [*report.totals, report.overall]]
    heads = ["rule", "caught|n", "first|n", "false alarms per 100 (95 % interval)", "median time|n",
             "9 of 10 within|n", "requests saved|n", "not labelled|n"]  # fmt: skip
    below = (
        '<p class="faint">"first": bad releases that this rule was the first to catch. "not labelled": breaches on '
        "switches of which nobody said whether they were bad; they count neither way.</p>"
    )
    return "<h2>Rules</h2>" + table("What each rule would have done", heads, rows) + below


def _totals(totals: Totals, most: float) -> list[str]:
    rule = f"<code>{words(totals.rule)}</code>" if totals.rule else "<b>all together</b>"
    if totals.not_replayable:
        why = totals.why_not_replayable or "no source"
        rule += f'<br><span class="faint">not replayable on {totals.not_replayable}: {words(why)}</span>'
    alarms = "-"
    if totals.clean:
        share, interval = totals.false_alarms / totals.clean, totals.false_alarm_interval
        said = f"{per_100(totals)} ({interval_words(totals)})"
        picture = estimate(interval.low, share, interval.high, most, said)
        alarms = f"{picture}<br>{said}; {totals.false_alarms} of {totals.clean}"
    caught = f"{totals.caught} of {totals.bad}" if totals.bad else "-"
    first = str(totals.first) if totals.rule and totals.bad else ""
    times = duration(totals.time_median), duration(totals.time_p90)
    return [rule, caught, first, alarms, *times, amount(totals.saved_requests), str(totals.unknown)]


def _timeline(report: Report, places: Places) -> str:
    if not report.real:
        return ""
    picture = pictures.timeline(report, places.anchors, _ROWS)
    left_out = len(places.targets) - _ROWS
    more = f'<p class="faint">{plural(left_out, "more target")} are listed below.</p>' if left_out > 0 else ""
    said = (
        '<p class="faint">A stem shows how near a switch came to a decision: of the value against its limit and the '
        "evidence against what was needed, the one that was further away. Each mark leads to its switch below.</p>"
    )
    return "<h2>Every switch</h2>" + said + figure(picture.svg(alone=False), "Timeline of every switch") + more


def _trade_off(report: Report) -> str:
    found = curves(report)
    picture = pictures.trade_off(found)
    if picture is None:
        return ""
    rows = [
        [f"<code>{words(curve.rule)}</code>", words(pictures.factor_words(each)), f"{each.caught} of {each.bad}",
         f"{each.false_alarms} of {each.clean}", duration(each.time_median)]
        for curve in found for each in curve.settings
    ]  # fmt: skip
    numbers = table(
        "The same as numbers", ["rule", "odds asked for", "caught|n", "false alarms|n", "median time|n"], rows
    )
    said = (
        '<p class="faint">Each rule with other odds than it needed: to the left it decides sooner, further down it is '
        "wrong less often. Read off the replayed paths; <code>watchdog tune</code> judges again, and tries limits as "
        "well.</p>"
    )
    return (
        "<h2>What more or less evidence would have given</h2>" + said
        + figure(picture.svg(alone=False), "False alarms against time")
        + f"<details><summary>The same as numbers</summary>{numbers}</details>"
    )  # fmt: skip


def _measured(report: Report) -> str:
    spent = report.spent
    asked = plural(spent.queries, "query", "queries")
    notes = [note for note in report.notes if note.severity is Severity.INFO]
    facts: Sequence[tuple[str, str]] = [
        ("rules", f"{report.rules_file}, SHA-256 {report.digest}"),
        ("Prometheus", report.prometheus),
        ("replayed", f"{moment(report.replayed_at)} UTC, in {duration(spent.seconds)}"),
        ("asked", f"{asked}, {spent.from_cache} from the cache; {spent.samples:,} samples"),
        ("intervals", "Clopper-Pearson at 95 %"),
        *((note.target or "note", note.text) for note in notes[:100]),
    ]  # fmt: skip
    return "<h2>How it was measured</h2><dl>" + "".join(fact(name, text) for name, text in facts) + "</dl>"
