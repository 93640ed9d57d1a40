"""A watch as an incident document in Markdown: what people paste, and then write on in.

What others wrote stays text: no name becomes a link, a heading or a call, and no query ends its own block.
"""

import re
from collections.abc import Iterator, Sequence

from watchdog.adapters.links import prometheus_link, single_queries
from watchdog.domain.account import Account, Check, account_of
from watchdog.domain.next_steps import NextStep
from watchdog.domain.reading import Record, Rule, items, mapping, moment, rules_of
from watchdog.domain.text import printable
from watchdog.replay.rendering.marking import header, plain, row

_LONGEST = 2000  # characters of a sentence
_QUERY = 20_000
_TICKS = re.compile(r"`+")


def markdown(record: Record, prometheus: str | None = None) -> str:
    """The whole document. `prometheus`: where people reach it, for links."""
    return "\n".join(_document(record, account_of(record), prometheus)) + "\n"


def _document(record: Record, account: Account, prometheus: str | None) -> Iterator[str]:
    yield f"# {_text(record.get('target') or '?')}: {_text(account.state)}"
    yield from ("", f"**{_text(account.headline)}**")
    if account.mark:
        yield from ("", f"> {_text(account.mark)}")
    if record.get("dry_run"):
        yield from ("", "A dry run: nothing was written.")
    yield ""
    for name in ("watch", "guard", "candidate", "stable", "by_hand", "notify_only"):
        if record.get(name):
            yield f"- {name.replace('_', ' ')}: {_text(record[name])}"
    yield from _timeline(record, account)
    yield from _listed("Impact", account.impact.sentences)
    yield from _listed("Where it hurts", account.hurts)
    changed = [_text(line) for line in account.changed]
    if account.commits:
        changed.append(f"[The commits in between]({_address(account.commits)})")
    yield from _section("What changed", [f"- {line}" for line in changed])
    yield from _evidence(record, prometheus)
    yield from _section("Decision", [_text(account.decision), "", *map(_check, account.checks)])
    yield from _peers(record)
    yield from _section("Told", list(_notices(record)))
    yield from _section("What to look at next", [line for one in account.next for line in _step(one, prometheus)])


def _timeline(record: Record, account: Account) -> Iterator[str]:
    switched = moment(record.get("switched_at"))
    day = f" on {switched:%Y-%m-%d}" if switched else ""
    rows = [row(f"{one.at:%H:%M:%S}", _text(one.after), _text(one.sentence)) for one in account.timeline]
    yield from _section(f"What happened{day}", [*header("UTC", "after the switch", "what"), *rows] if rows else [])


def _evidence(record: Record, prometheus: str | None) -> Iterator[str]:
    rules = rules_of(record)
    cells = [row(*map(_text, _cells(rule))) for rule in rules]
    heads = header("rule", "verdict", "measured:", "limit:", "stable before:", "bad of all:", "evidence")
    yield from _section("Evidence", [*heads, *cells] if cells else [])
    for rule in rules:
        if rule.finding == "breach":
            yield from ("", f"**{_text(rule.name)}**: {_text(rule.sentence)}", *_asked(rule, prometheus))


def _cells(rule: Rule) -> list[str]:
    numbers = [rule.shown(field) for field in ("value", "limit", "baseline")]
    return [rule.name, rule.finding, *numbers, dict(rule.numbers()).get("bad of all", "-"), rule.stands() or "-"]


def _asked(rule: Rule, prometheus: str | None) -> Iterator[str]:
    if not rule.query:
        return
    yield from ("", *_fenced(rule.query))
    for query in single_queries(rule.query) if rule.all.get("asks") == "prometheus" else ():
        link = prometheus_link(prometheus, query, moment(rule.all.get("at")))
        if link:
            yield from ("", f"[Open in Prometheus]({_address(link)})")


def _check(one: Check) -> str:
    why = f": {_text(one.why)}" if one.why else ""
    return f"- {_text(one.spoken)}: {_text(one.holds)}{why}"


def _peers(record: Record) -> Iterator[str]:
    lines = []
    for one in map(mapping, items(record.get("peers"))):
        said = one.get("why") or ("they fail alike: a shared cause" if one.get("shared") else "they do not fail alike")
        lines.append(f"- {_text(one.get('rule'))}: {_text(said)}")
        for peer in map(mapping, items(one.get("peers"))):
            fared = "not usable" if not peer.get("usable") else "alike" if peer.get("alike") else "not alike"
            lines.append(f"  - {_text(peer.get('target'))}, {fared}: {_text(peer.get('sentence'))}")
    yield from _section("Peers", lines)


def _notices(record: Record) -> Iterator[str]:
    for notice in map(mapping, items(record.get("notices"))):
        states = [f"{channel}: {state}" for channel, state in mapping(notice.get("deliveries")).items()]
        at = moment(notice.get("at"))
        when = f"{at:%H:%M:%S} " if at else ""
        yield f"- {when}{_text(notice.get('title'))} ({_text(', '.join(states) or 'no channel wants it')})"


def _step(one: NextStep, prometheus: str | None) -> Iterator[str]:
    links = [link for query in single_queries(one.query) if (link := prometheus_link(prometheus, query, one.at))]
    if one.query and not links:
        return  # the query stands with the rule
    yield f"- {_text(one.what)}" + "".join(f" ([in Prometheus]({_address(link)}))" for link in links)
    if one.command:
        yield from ("", *(f"  {line}" for line in _fenced(one.command, "sh")), "")


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    return _section(title, [f"- {_text(line)}" for line in lines])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"## {title}", "", *lines)


def _fenced(text: str, language: str = "") -> list[str]:
    """A block that nothing within it ends."""
    shown = printable(text[:_QUERY])
    fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(shown)), 3)
    return [fence + language, shown, fence]


def _address(link: str) -> str:
    """An address within round brackets."""
    return re.sub(r"[\s()<>\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), link)


def _text(value: object) -> str:
    return plain("" if value is None else str(value), _LONGEST)
