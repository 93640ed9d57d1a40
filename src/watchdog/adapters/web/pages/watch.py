"""The page of one watch, open or ended, and the same as a file of its own: a short incident report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from watchdog.adapters.links import prometheus_link, single_queries
from watchdog.adapters.web.pages import decision
from watchdog.adapters.web.pages.filters import namespace_of
from watchdog.adapters.web.pages.health import Health, alarms
from watchdog.adapters.web.pages.markup import badge, document, facts, name, pre, said, time
from watchdog.adapters.web.pages.overview import bar_of_time, evidence, header, outcome, put_back, sides
from watchdog.adapters.web.pages.plots import figure_of
from watchdog.adapters.web.pages.timeline import timeline
from watchdog.domain.account import Account, account_of
from watchdog.domain.judge.verdict import span
from watchdog.domain.reading import Record, Rule, is_open, items, mapping, moment, rules_of, seconds
from watchdog.drawing import in_page


@dataclass(frozen=True, slots=True)
class Setting:
    """What the page stands in. Without `health` it is a file of its own, which links to nothing of the watchdog's."""

    now: datetime
    health: Health | None = None
    prometheus: str | None = None  # where people reach Prometheus
    dry_run: bool = False
    sources: Mapping[str, str | None] = field(default_factory=dict)  # and those that rules.toml names

    def of(self, record: Record) -> "Setting":
        """With the Prometheus that the record's guard asked; None where nobody knows its address."""
        source = str(record.get("source") or "")
        return replace(self, prometheus=self.sources.get(source)) if source else self

    @property
    def alone(self) -> bool:
        return self.health is None


def watch_page(record: Record, setting: Setting) -> str:
    """The page at `/watches/ID`, or a file."""
    setting = setting.of(record)
    target = str(record.get("target", "?"))
    live = ' data-live=""' if is_open(record) else ""
    dry_run = setting.dry_run or bool(record.get("dry_run"))
    account = account_of(record)
    steps = decision.next_steps(account, setting.prometheus)
    body = (
        header(setting.health, dry_run=dry_run)
        + f'<main id="main"{live}>'
        + (alarms(setting.health) if setting.health is not None else "")
        + _head(record, target, account, setting, jumps=_jumps(record, steps=bool(steps)))
        + decision.impact(account)
        + decision.hurts(account)
        + decision.changed(account)
        + timeline(record, account)
        + _rules(record, setting)
        + decision.section(record, account)
        + decision.peers(record)
        + decision.unsent(record)
        + decision.notices(record)
        + steps
        + _whole(record, setting)
        + f"</main><footer><p>As of {time(setting.now)}. Watch {said(record.get('watch'))}.</p></footer>"
    )
    return document(f"{target} · {record.get('outcome') or record.get('phase')}", body, alone=setting.alone)


def _head(record: Record, target: str, account: Account, setting: Setting, *, jumps: str) -> str:
    crumb = (
        "" if setting.alone else f'<p><a href="/?namespace={said(namespace_of(record))}" id="up">All watches</a></p>'
    )
    left = put_back(record) + bar_of_time(record, setting.now) if is_open(record) else ""
    return (
        f'{crumb}<div class="row"><h1>{name(target)}</h1><span>{outcome(record)}</span></div>'
        f'<p class="lead">{said(account.headline)}</p>{decision.marked(account)}{jumps}{sides(record)}{left}'
        + facts(
            [
                ("services", said(", ".join(map(str, items(record.get("services")))))),
                ("by hand", said(record.get("by_hand"))),
                ("only tells", said(record.get("notify_only"))),
                ("bake", said(span(seconds(record, "bake"))) if seconds(record, "bake") else ""),
            ]
        )
    )


def _jumps(record: Record, *, steps: bool) -> str:
    """The questions of someone who was just woken, each a step away."""
    asked = {*items(record.get("breached")), *items(record.get("noted"))}
    broken = next((f"r{index}-name" for index, rule in enumerate(rules_of(record)) if rule.name in asked), "")
    links = [
        (broken or "rules", "Was it right?" if broken else "How its rules stand"),
        ("checks" if record.get("refusal") else "", "Why was it not put back?"),
        ("timeline", "What happened"),
        ("next" if steps else "", "What to do next"),
    ]
    shown = "".join(f'<a href="#{place}">{question}</a>' for place, question in links if place)
    return f'<nav class="jump" aria-label="On this page">{shown}</nav>'


def _rules(record: Record, setting: Setting) -> str:
    parts = "".join(_rule(record, rule, f"r{index}", setting) for index, rule in enumerate(rules_of(record)))
    none = '<p class="faint">no rule was judged</p>'
    return f'<section aria-labelledby="rules"><h2 id="rules">Rules</h2>{parts or none}</section>'


def _rule(record: Record, rule: Rule, key: str, setting: Setting) -> str:
    picture = _pictures(record, rule, key)
    tone = {"breach": "bad", "undecided": "doubt", "pass": "good"}.get(rule.finding, "none")
    numbers = facts(
        [
            *((named, said(shown)) for named, shown in rule.numbers()),
            ("since", time(moment(rule.all.get("since"))) if rule.all.get("since") else ""),
            ("evidence", evidence(rule) if rule.by_evidence else ""),
            ("its habits", said(mapping(rule.all.get("calibration")).get("sentence"))),
        ]
    )
    return (
        f'<article class="card t-{tone}" aria-labelledby="{key}-name"><div class="row">'
        f'<h3 id="{key}-name">{said(rule.name)}</h3> {badge(rule.finding)}</div>'
        f'<p class="faint">{said(rule.text)}</p><p>{said(rule.sentence)}</p>{picture}'
        f"{_details(key, numbers, rule, setting)}</article>"
    )


def _pictures(record: Record, rule: Rule, key: str) -> str:
    """The plot, and the same for a narrow screen; the stylesheet shows one of them."""
    wide, narrow = (figure_of(record, rule, key, narrow=narrow) for narrow in (False, True))
    if wide is None or narrow is None:
        return ""
    return (
        f'<div class="wide only-broad" role="region" aria-label="{said(f"Plot of {rule.name}")}" tabindex="0">'
        f'{in_page(wide, key)}</div><div class="only-narrow">{in_page(narrow, f"{key}-narrow")}</div>'
    )


def _details(key: str, numbers: str, rule: Rule, setting: Setting) -> str:
    stable = mapping(rule.all.get("stable"))
    query = _asked("asked as", rule, rule.query, moment(rule.all.get("at")), setting)
    query += _asked("and of stable, before the switch", rule, stable.get("query"), moment(stable.get("to")), setting)
    opened_by_itself = " open" if rule.finding == "breach" else ""
    return f'<details id="{key}-more"{opened_by_itself}><summary>Numbers and query</summary>{numbers}{query}</details>'


def _asked(label: str, rule: Rule, query: object, at: datetime | None, setting: Setting) -> str:
    """The queries as they were sent, one below the other."""
    if not query:
        return ""
    if rule.all.get("asks") != "prometheus":
        return f'<p class="label">{label}</p>{pre(query)}'
    parts = []
    for one in single_queries(str(query)):
        link = prometheus_link(setting.prometheus, one, at)
        opened = f'<p><a href="{said(link, 20_000)}" rel="noreferrer">Open in Prometheus</a></p>' if link else ""
        parts.append(pre(one) + opened)
    return f'<p class="label">{label}</p>{"".join(parts)}'


def _whole(record: Record, setting: Setting) -> str:
    head = '<section aria-labelledby="record"><h2 id="record">The record</h2>'
    watch = said(record.get("watch"))
    command = f"<p>In a terminal: <code>watchdog explain {watch}</code></p>"
    if setting.alone:
        kept = {name: value for name, value in record.items() if name != "state"}
        text = json.dumps(kept, indent=1, ensure_ascii=True)
        return f'{head}{command}<details id="json"><summary>As JSON</summary>{pre(text)}</details></section>'
    return f'{head}{command}<p><a href="/api/watches/{watch}" id="json">As JSON</a></p></section>'
