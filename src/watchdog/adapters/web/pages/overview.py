"""The status page: open watches first, then the last outcomes, then the watchdog itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchdog.adapters.web.pages import filters, health
from watchdog.adapters.web.pages.filters import Filter
from watchdog.adapters.web.pages.health import Health
from watchdog.adapters.web.pages.markup import MARK, ago, badge, document, name, said, table, time, watch_link
from watchdog.domain.marks import mark_of
from watchdog.domain.part import part_told
from watchdog.domain.reading import (
    Record,
    Rule,
    image_tags,
    is_open,
    moment,
    rules_of,
    state_of,
)
from watchdog.domain.time_left import time_left
from watchdog.drawing import Tone
from watchdog.drawing.meters import meter, progress

_MARK = f'<svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">{MARK}</svg>'
OUTCOMES_SHOWN = 50
_IN_FULL = 12  # open watches that are shown with all their rules; further ones in a line each
_IN_LINES = 200  # of these; where there are more than fit on a page, they are counted
_TONES = {"watching": "live", "recovering": "doubt", "deciding": "doubt", "holding": "doubt", "acting": "bad"}


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page is made of: records, newest first, as the journal and `record_of` have them."""

    open: Sequence[Record]
    ended: Sequence[Record]
    health: Health
    now: datetime
    dry_run: bool = False


def status_page(view: Overview, chosen: Filter) -> str:
    """The page at `/`."""
    shown = [record for record in view.open if chosen.lets(record)]
    ended = [record for record in view.ended if chosen.lets(record)]
    body = (
        header(view.health, dry_run=view.dry_run)
        + '<main id="main" data-live="">'
        + health.alarms(view.health)
        + _open(shown, len(view.open), view.now, filters.form(chosen, [*view.open, *view.ended]))
        + _ended(ended, view.now, filtered=chosen.asks)
        + health.section(view.health)
        + f"</main><footer><p>As of {time(view.now)}. This page only shows; it can change nothing.</p></footer>"
    )
    many = f"{len(view.open)} open" if view.open else "nothing open"
    return document(f"{many} · rollback watchdog", body)


def header(state: Health | None, *, dry_run: bool = False) -> str:
    """The head of every page; without a state that of a file that is passed on."""
    strip = "" if state is None else health.strip(state)
    if dry_run:
        strip = f'<span class="badge b-doubt">dry run: it writes nothing</span>{strip}'
    home = f'<a href="/" id="home">{_MARK}rollback watchdog</a>' if state is not None else f"{_MARK}rollback watchdog"
    return f'<header class="top"><span class="name">{home}</span><span class="strip">{strip}</span></header>'


def _open(records: Sequence[Record], all_open: int, now: datetime, form: str) -> str:
    head = f'<section aria-labelledby="open"><h1 id="open">{_counted(len(records))} open</h1>{form}'
    if not records:
        why = "no open watch is among those that are asked for" if all_open else "no release is being watched now"
        return f'{head}<p class="faint">{why}</p></section>'
    records = sorted(records, key=_calm)
    full = "".join(_card(record, now) for record in records[:_IN_FULL])
    rest = records[_IN_FULL:]
    if rest:
        rows = [
            (watch_link(record.get("watch"), name(record.get("target"))), badge(state_of(record)), _worst(record),
             said(time_left(record, now).short))
            for record in rest[:_IN_LINES]
        ]  # fmt: skip
        full += table("Further open watches", ("target", "state", "what its rules say", "time left"), rows)
    if len(rest) > _IN_LINES:
        many = f"{len(rest) - _IN_LINES} more are open, none of them nearer to a breach"
        full += f'<p class="note">{many}: filter, or <code>watchdog status</code></p>'
    return f"{head}{full}</section>"


def _calm(record: Record) -> tuple[bool, float]:
    """What may need a person comes first: a breach, then the most evidence; else the newest, as they came."""
    shares = [rule.evidence / rule.needed for rule in rules_of(record) if rule.evidence is not None and rule.needed]
    return state_of(record) == "watching", -max(0.0, *shares, 0.0)


def _counted(count: int) -> str:
    return "Nothing" if not count else "1 watch" if count == 1 else f"{count} watches"


def _card(record: Record, now: datetime) -> str:
    state = state_of(record)
    link = watch_link(record.get("watch"), name(record.get("target")))
    reason = f'<p class="note">{said(record.get("reason"))}</p>' if record.get("reason") else ""
    return (
        f'<article class="card t-{_TONES.get(state, "none")}"><div class="row"><h2>{link}</h2> {badge(state)}</div>'
        f"{sides(record)}{put_back(record)}{bar_of_time(record, now)}{reason}{rules_table(record)}</article>"
    )


def sides(record: Record) -> str:
    """Candidate and stable, by their images' tags."""
    by = f" by {said(record.get('switched_by'))}" if record.get("switched_by") else ""
    part = f" <strong>{said(part_told(record))}</strong>" if is_open(record) and part_told(record) else ""
    return (
        '<div class="sides">'
        f"<p><b>candidate</b>{_revision(record, 'candidate')}{part}"
        f' <span class="why">since {time(moment(record.get("switched_at")))}{by}</span></p>'
        f"<p><b>stable</b>{_revision(record, 'stable')}"
        f' <span class="why">guard {said(record.get("guard"))}</span></p></div>'
    )


def _revision(record: Record, side: str) -> str:
    written, tags = record.get(side), image_tags(record, side)
    if not written:
        return "none known: nothing to go back to"
    if tags:
        # The written name repeats the tags in brackets.
        return f'<strong>{said(tags)}</strong> <span class="faint">{said(str(written).split(" (")[0])}</span>'
    return said(written)


def bar_of_time(record: Record, now: datetime) -> str:
    """How much of the bake (or of the look at the recovery) is left, as a bar and in words."""
    time_ = time_left(record, now)
    if time_.share is None or time_.ends is None:
        return f'<p class="faint">{said(time_.sentence)}</p>'
    words = f'<span class="why">{said(time_.sentence)}; it ends {time(time_.ends)}</span>'
    return f"<div>{progress(time_.share, time_.sentence)} {words}</div>"


def put_back(record: Record) -> str:
    """What serves again while it is not known yet whether that helps."""
    acted = moment(record.get("acted_at"))
    if acted is None or not is_open(record):
        return ""
    where = f"Traffic was put back to <strong>{said(record.get('put_back_to'))}</strong> at {time(acted)}."
    return f'<p class="note">{where} Whether that helps is not known yet; the rules below judged the candidate.</p>'


def _worst(record: Record) -> str:
    rules = rules_of(record)
    return f"{badge(rules[0].finding)} {said(rules[0].name)}" if rules else "-"


def rules_table(record: Record) -> str:
    """Every rule with its value, limit and evidence."""
    rows = [
        (
            f'{said(rule.name)} <span class="why">{said(rule.text)}</span>',
            badge(rule.finding) + f' <span class="why">{said(_brief(rule))}</span>',
            _number(rule.shown("value")),
            _number(rule.shown("limit")),
            evidence(rule),
        )
        for rule in rules_of(record)
    ]
    return table("Rules", ("rule", "verdict", "value", "limit", "evidence against a harmless release"), rows)


def _number(shown: str) -> str:
    return shown if shown == "-" else f'<span class="nowrap">{said(shown)}</span>'


def _brief(rule: Rule) -> str:
    """The part of the sentence that the columns beside it do not show."""
    return rule.sentence if rule.finding != "pass" or rule.shown("value") == "-" else ""


def evidence(rule: Rule) -> str:
    """How far the evidence is from what is needed, as a bar and as odds."""
    if rule.evidence is None or not rule.needed:
        return '<span class="faint">needs none</span>' if rule.shown("value") != "-" else "-"
    share = rule.evidence / rule.needed
    tone = Tone.BREACH if share >= 1.0 else Tone.EVIDENCE
    return f'{meter(share, f"{rule.name}: {rule.stands()}", tone=tone)} <span class="why">{said(rule.stands())}</span>'


def _ended(records: Sequence[Record], now: datetime, *, filtered: bool) -> str:
    head = '<section aria-labelledby="ended"><h2 id="ended">Last outcomes</h2>'
    if not records:
        none = "none of those asked for" if filtered else "no watch has ended yet"
        return f'{head}<p class="faint">{none}</p></section>'
    rows = [
        (
            watch_link(record.get("watch"), name(record.get("target")))
            + f' <span class="why">{said(image_tags(record, "candidate") or record.get("candidate"))}</span>',
            outcome(record),
            _why(record),
            time(ended) + f' <span class="why">{ago(ended, now)}</span>',
        )
        for record, ended in ((one, moment(one.get("ended_at"))) for one in records[:OUTCOMES_SHOWN])
    ]
    more = len(records) - OUTCOMES_SHOWN
    rest = f'<p class="faint">{more} more: <code>watchdog history</code></p>' if more > 0 else ""
    return f"{head}{table('Last outcomes', ('target', 'outcome', 'why', 'ended'), rows)}{rest}</section>"


def _why(record: Record) -> str:
    mark = mark_of(record)
    marked = "" if mark is None else f' <span class="why">{said(mark.sentence, 400)}</span>'
    return said(record.get("headline") or record.get("reason"), 400) + marked


def outcome(record: Record) -> str:
    """The outcome (or phase), whether a put-back helped, and what a person says of it."""
    recovery, mark = record.get("recovery"), mark_of(record)
    beside = f" {badge(recovery)}" if recovery and not is_open(record) else ""
    marked = "" if mark is None else f" {badge(f'marked {mark.what}')}"
    return badge(state_of(record)) + beside + marked
