"""What was decided and why: the checks before acting, the peers, what a dry run would have sent, who was told."""

from watchdog.adapters.web.pages.markup import badge, pre, said, table, time
from watchdog.domain.checks import Answer
from watchdog.domain.reading import Record, items, mapping, moment

_SHOWN = {
    Answer.PASSED.value: ("good", "✓"),
    Answer.REFUSED.value: ("bad", "✕"),
    Answer.PASSED_OVER.value: ("doubt", "»"),
    Answer.NOT_REACHED.value: ("none", "·"),
}


def changed(record: Record) -> str:
    """What differs between stable and the candidate, where that is known."""
    lines = "".join(f"<li>{said(line)}</li>" for line in items(record.get("changes")))
    link = _commits(record.get("commits"))
    if not lines and not link:
        return ""
    body = f'<ul class="plain">{lines}</ul>' if lines else ""
    return f'<section aria-labelledby="changed"><h2 id="changed">What changed</h2>{body}{link}</section>'


def _commits(address: object) -> str:
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        return ""
    return f'<p><a href="{said(address, 2000)}" rel="noreferrer">The commits in between</a></p>'


def section(record: Record) -> str:
    """May it act? Each check, in the order in which it was asked."""
    checks = [mapping(one) for one in items(record.get("checks"))]
    body = f"<p>{said(_verdict(record, bool(checks)))}</p>"
    if checks:
        body += '<ul class="plain">' + "".join(map(_check, checks)) + "</ul>"
    left = mapping(record.get("left"))
    body += "".join(
        f'<p class="note">Service {said(service)} could not be put back: {said(why)}</p>'
        for service, why in left.items()
    )
    return f'<section aria-labelledby="checks"><h2 id="checks">Checked before acting</h2>{body}</section>'


def _verdict(record: Record, checked: bool) -> str:
    if record.get("acted_at"):
        hand = " A person asked for it." if record.get("by_hand") else ""
        return f"The act was allowed, and done.{hand}"
    if record.get("outcome") == "would-roll-back":
        return "The act was allowed, and withheld: this is a dry run."
    if record.get("refusal"):
        return "The act was refused. The reasons are checked again until the bake ends."
    if checked:
        return "The act was allowed."
    if record.get("notify_only"):
        return f"Nothing was checked: this watch only tells ({record['notify_only']})."
    if items(record.get("breached")):
        return "Not checked yet." if record.get("outcome") is None else "Nothing was checked."
    return "Nothing was checked: no rule asked for a rollback."


def _check(check: object) -> str:
    one = mapping(check)
    answer = str(one.get("answer", ""))
    tone, sign = _SHOWN.get(answer, ("none", "·"))
    why = f" <b>{said(one.get('why'))}</b>" if one.get("why") else ""
    spoken = answer if answer != Answer.REFUSED.value else "refused, it does not hold"
    return (
        f'<li class="b-{tone}"><span class="tone" aria-hidden="true">{sign}</span> '
        f'<span class="quiet">{said(spoken)}: </span>{said(one.get("holds"))}'
        + (f' <span class="faint">({said(answer)})</span>' if tone in ("none", "doubt") else "")
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
