"""What was decided and why: the checks before acting, the peers, what a dry run would have sent, who was told."""

from collections.abc import Sequence

from watchdog.adapters.links import prometheus_link, single_queries
from watchdog.adapters.web.pages.markup import badge, pre, said, table, time
from watchdog.domain.account import Account, Check
from watchdog.domain.checks import Answer
from watchdog.domain.next_steps import NextStep
from watchdog.domain.reading import Record, items, mapping, moment

_SHOWN = {
    Answer.PASSED.value: ("good", "✓"),
    Answer.REFUSED.value: ("bad", "✕"),
    Answer.PASSED_OVER.value: ("doubt", "»"),
    Answer.NOT_REACHED.value: ("none", "·"),
}


def changed(account: Account) -> str:
    """What differs between stable and the candidate, where that is known."""
    link = (
        f'<p><a href="{said(account.commits, 2000)}" rel="noreferrer">The commits in between</a></p>'
        if account.commits
        else ""
    )
    if not account.changed and not link:
        return ""
    return _listed("changed", "What changed", account.changed, link)


def hurts(account: Account) -> str:
    """Which slices of the traffic carry the breach, where that was found."""
    return _listed("hurts", "Where it hurts", account.hurts) if account.hurts else ""


def impact(account: Account) -> str:
    """What it cost, and what acting saved, where that is known."""
    sentences = account.impact.sentences
    return _listed("impact", "Impact", sentences) if sentences else ""


def marked(account: Account) -> str:
    """What a person said of the outcome."""
    return f'<p class="note">{said(account.mark)}</p>' if account.mark else ""


def next_steps(account: Account, prometheus: str | None) -> str:
    """What to look at, and how to go on."""
    shown = "".join(_step(one, prometheus) for one in account.next)
    head = '<section aria-labelledby="next"><h2 id="next">What to look at next</h2>'
    return f'{head}<ul class="plain">{shown}</ul></section>' if shown else ""


def _step(one: NextStep, prometheus: str | None) -> str:
    if not one.query:
        return f"<li>{said(one.what)}{pre(one.command) if one.command else ''}</li>"
    links = [prometheus_link(prometheus, query, one.at) for query in single_queries(one.query)]
    found = ", ".join(f'<a href="{said(link, 20_000)}" rel="noreferrer">in Prometheus</a>' for link in links if link)
    return f"<li>{said(one.what)}: {found}</li>" if found else ""


def _listed(key: str, title: str, lines: Sequence[str], more: str = "") -> str:
    body = "".join(f"<li>{said(line)}</li>" for line in lines)
    body = f'<ul class="plain">{body}</ul>' if body else ""
    return f'<section aria-labelledby="{key}"><h2 id="{key}">{title}</h2>{body}{more}</section>'


def section(record: Record, account: Account) -> str:
    """May it act? Each check, in the order in which it was asked."""
    body = f"<p>{said(account.decision)}</p>"
    if account.checks:
        body += '<ul class="plain">' + "".join(map(_check, account.checks)) + "</ul>"
    left = mapping(record.get("left"))
    body += "".join(
        f'<p class="note">Service {said(service)} could not be put back: {said(why)}</p>'
        for service, why in left.items()
    )
    return f'<section aria-labelledby="checks"><h2 id="checks">Checked before acting</h2>{body}</section>'


def _check(one: Check) -> str:
    tone, sign = _SHOWN.get(one.answer, ("none", "·"))
    why = f" <b>{said(one.why)}</b>" if one.why else ""
    return (
        f'<li class="b-{tone}"><span class="tone" aria-hidden="true">{sign}</span> '
        f'<span class="quiet">{said(one.spoken)}: </span>{said(one.holds)}'
        + (f' <span class="faint">({said(one.answer)})</span>' if tone in ("none", "doubt") else "")
        + f"{why}</li>"
    )


def peers(record: Record) -> str:
    """How untouched peers fared in the same stretch, where that was asked."""
    compared = [mapping(one) for one in items(record.get("peers"))]
    if not compared:
        return ""
    parts = []
    for one in compared:
        rule = said(one.get("rule"))
        verdict = one.get("why") or (
            "they fail alike: a shared cause" if one.get("shared") else "they do not fail alike"
        )
        stretch = f"{time(moment(one.get('from')), day=False)} to {time(moment(one.get('to')), day=False)}"
        parts.append(f"<h3>{rule}</h3><p>{said(verdict)}, {stretch}</p>")
        rows = [
            (
                said(peer.get("target")),
                "not usable" if not peer.get("usable") else "alike" if peer.get("alike") else "not alike",
                said(peer.get("sentence")),
            )
            for peer in map(mapping, items(one.get("peers")))
        ]
        if rows:
            parts.append(table(f"Peers by {one.get('rule')}", ("peer", "fared", "measured"), rows))
    head = '<section aria-labelledby="peers"><h2 id="peers">Peers compared</h2>'
    return f"{head}{''.join(parts)}</section>"


def unsent(record: Record) -> str:
    """What a dry run would have sent."""
    writes = [mapping(one) for one in items(record.get("would_send"))]
    if not writes:
        return ""
    parts = "".join(
        f"<p><b>{said(one.get('method'))}</b> <code>{said(one.get('path'))}</code> "
        f'<span class="faint">{said(one.get("content_type"))}</span></p>{pre(one.get("body"))}'
        for one in writes
    )
    head = '<section aria-labelledby="unsent"><h2 id="unsent">Would have been sent</h2>'
    return f"{head}{parts}</section>"


def notices(record: Record) -> str:
    """Who was told what, and whether it arrived."""
    told = [mapping(one) for one in items(record.get("notices"))]
    head = '<section aria-labelledby="told"><h2 id="told">Notices</h2>'
    if not told:
        return f'{head}<p class="faint">nobody was told anything yet</p></section>'
    rows = [
        (time(moment(one.get("at")), day=False), said(one.get("title"), 400), _deliveries(one.get("deliveries")))
        for one in told
    ]
    return f"{head}{table('Notices', ('at', 'what', 'delivered'), rows)}</section>"


def _deliveries(deliveries: object) -> str:
    found = mapping(deliveries)
    if not found:
        return '<span class="faint">no channel wants it</span>'
    return "<br>".join(f"{said(channel)} {badge(state)}" for channel, state in found.items())
