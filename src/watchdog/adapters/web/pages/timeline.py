"""What happened when, from the baseline through the switch to the outcome, as a list in the order of time."""

from datetime import datetime

from watchdog.adapters.web.pages.markup import said, time
from watchdog.domain.judge.verdict import span
from watchdog.domain.reading import Record, is_open, mapping, moment, rules_of

Happening = tuple[datetime, str, str]  # when, its tone, what as markup


def timeline(record: Record) -> str:
    """The section. Each entry says how long after the switch it was."""
    switched = moment(record.get("switched_at"))
    entries = "".join(
        f'<li class="b-{tone}"><span class="when">{time(at, day=False)}{_after(at, switched)}</span> {what}</li>'
        for at, tone, what in sorted(_happenings(record), key=lambda each: each[0])
    )
    day = f" on {switched:%Y-%m-%d}" if switched else ""
    return (
        f'<section aria-labelledby="timeline"><h2 id="timeline">What happened{day}</h2>'
        f'<ol class="line">{entries}</ol></section>'
    )


def _after(at: datetime, switched: datetime | None) -> str:
    if switched is None or at <= switched:
        return ""
    return f" +{span(at - switched)}"


def _happenings(record: Record) -> list[Happening]:
    found: list[Happening] = []

    def add(at: object, tone: str, what: str) -> None:
        happened = moment(at)
        if happened is not None:
            found.append((happened, tone, what))

    by = f" by {said(record.get('switched_by'))}" if record.get("switched_by") else ""
    stable = next((mapping(rule.all.get("stable")) for rule in rules_of(record) if rule.all.get("stable")), {})
    how = "the selector was flipped" if record.get("kind") == "selector" else "rolled out"
    add(stable.get("from"), "none", "the baseline begins: what stable was measured by")
    add(record.get("switched_at"), "live", f"{how}: {said(record.get('candidate'))}{by}")
    ready = moment(record.get("ready_at"))
    if ready != moment(record.get("switched_at")):
        add(record.get("ready_at"), "none", "its first pod was ready")
    if record.get("kind") != "selector":
        add(record.get("bake_from"), "none", "the rollout was complete; the bake began")
    for rule in rules_of(record):
        add(rule.all.get("breached_at"), "bad", f"rule <b>{said(rule.name)}</b> was breached: {said(rule.sentence)}")
    add(record.get("acted_at"), "bad", f"traffic was put back to {said(record.get('put_back_to'))}")
    add(record.get("put_back_complete_at"), "none", "the put-back was complete; does it help?")
    if not is_open(record):
        recovery = f", {said(record.get('recovery'))}" if record.get("recovery") else ""
        tone = "good" if record.get("outcome") == "passed" or record.get("recovery") == "recovered" else "doubt"
        why = f": {said(record.get('reason'))}" if record.get("reason") else ""
        add(record.get("ended_at"), tone, f"<b>{said(record.get('outcome'))}{recovery}</b>{why}")
    return found
