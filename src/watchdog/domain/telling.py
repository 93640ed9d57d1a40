"""What people are told of a watch: one line that is the whole story, then what, why, since when and what was done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from watchdog.domain.channels import QUIET_TOPICS, Topic
from watchdog.domain.effects import Delivery, DeliveryState, Notice, Severity
from watchdog.domain.judge import Verdict
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.owners import Owner, Tool, resuming
from watchdog.domain.part import of_traffic
from watchdog.domain.rollout import Revision, SwitchKind
from watchdog.domain.shared_cause import told_of
from watchdog.domain.state import Recovery, Telling, Watch

_SEVERITY: Mapping[Topic, Severity] = {
    Topic.SWITCH: Severity.INFO,
    Topic.PASSED: Severity.SUCCESS,
    Topic.BREACH: Severity.WARNING,
    Topic.ROLLED_BACK: Severity.CRITICAL,
    Topic.WOULD_ROLL_BACK: Severity.WARNING,
    Topic.RECOVERED: Severity.SUCCESS,
    Topic.NOT_RECOVERED: Severity.CRITICAL,
    Topic.HELD: Severity.CRITICAL,
    Topic.FAILED: Severity.CRITICAL,
    Topic.NOTIFIED: Severity.WARNING,
    Topic.INCONCLUSIVE: Severity.WARNING,
    Topic.SUPERSEDED: Severity.INFO,
    Topic.RULES_INVALID: Severity.WARNING,
    Topic.UNGUARDED: Severity.WARNING,
}
_HOW = {SwitchKind.SELECTOR: "flipped", SwitchKind.ROUTE: "given traffic"}
_LONGEST_TITLE = 300

UNDECIDED = "may it be put back?"
"""The end of the title of a breach of which nothing is decided yet."""


def name_of(revision: Revision | None) -> str:
    """A revision as people know it: its Deployment and image tags."""
    return "nothing known" if revision is None else str(revision)


def notice(watch: Watch, topic: Topic, now: datetime, *, rule: str = "", note: str = "") -> Notice:
    """The notice of `topic`. Its id is the same whenever the same thing is told."""
    title, part = _title(watch, topic, rule, note), f"/{rule}" if rule else ""
    lines = _lines(watch, topic, rule, note, now)
    if topic is Topic.HELD and watch.refusal is not None and headline(title) != _one_line(title):
        lines.insert(0, watch.refusal.sentence)  # a command that is cut off is of no use
    if topic is Topic.BREACH and rule not in watch.noted:
        part += "/deciding"  # told again, as told only, should the right to act end
    if topic is Topic.HELD and watch.refusal is not None:
        part = f"/{watch.refusal.reason}"
    return Notice(
        id=f"{watch.id}/{topic}{part}",
        topic=topic,
        severity=Severity.WARNING if watch.recovery is Recovery.UNKNOWN else _SEVERITY[topic],
        watch=watch.id,
        target=str(watch.switch.target),
        title=headline(title),
        lines=tuple(map(_one_line, lines)),
        at=now,
        facts=_facts(watch, rule),
    )


def headline(text: str) -> str:
    """A title as it may be told: one line, not too long."""
    return _one_line(text)[:_LONGEST_TITLE]


def _one_line(text: str) -> str:
    """Without line ends and control characters: reasons and errors are other people's text."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _title(watch: Watch, topic: Topic, rule: str, note: str) -> str:
    target = str(watch.switch.target)
    candidate = name_of(watch.switch.candidate)
    why = _why(watch, rule)
    match topic:
        case Topic.SWITCH:
            if watch.switch.configs:
                return f"{target}: {watch.switch.reconfigured} changed; watching it for {span(watch.guard.bake)}"
            return f"{target} switched to {candidate}; watching it for {span(watch.guard.bake)}"
        case Topic.PASSED:
            return f"{target}: {candidate} passed its watch"
        case Topic.BREACH:
            then = "told only, nothing was done" if rule in watch.noted else UNDECIDED
            return f"{target}: {candidate} breaks {why}; {then}"
        case Topic.ROLLED_BACK:
            to = name_of(watch.remedy.to if watch.remedy else None)
            return f"{target} was put back from {candidate} to {to}: {why}"
        case Topic.WOULD_ROLL_BACK:
            to = name_of(watch.remedy.to if watch.remedy else None)
            return f"{target} would be put back from {candidate} to {to}, and was not: {why}"
        case Topic.HELD:
            reason = watch.refusal.sentence if watch.refusal else watch.reason
            return f"{target}: {candidate} breaks {why}, but nothing was done: {reason}"
        case Topic.FAILED:
            return f"{target}: {candidate} breaks {why}, and putting it back failed: {watch.reason}"
        case Topic.RECOVERED:
            return f"{target} recovered after it was put back"
        case Topic.NOT_RECOVERED if watch.recovery is Recovery.UNKNOWN:
            return f"{target} was put back; whether it recovered is not known: {watch.reason}"
        case Topic.NOT_RECOVERED:
            return f"{target} did not recover after it was put back: {note or watch.reason}"
        case _:
            return f"{target}: {candidate} {topic}: {note or watch.reason}"


def _verdict(watch: Watch, rule: str) -> Verdict | None:
    name = rule or next(iter((*watch.breached, *watch.noted)), "")
    track = watch.track(name)
    return None if track is None else track.breach or track.verdict


def _why(watch: Watch, rule: str) -> str:
    if watch.by_hand and not rule:
        return f"by hand, {watch.by_hand}"
    verdict = _verdict(watch, rule)
    if verdict is None:
        return "its rules"
    # The title tells the whole story in one line: what was measured; the lines below it say how sure that is.
    return f"{verdict.rule}: {verdict.sentence.split('; ')[0]}"


def _lines(watch: Watch, topic: Topic, rule: str, note: str, now: datetime) -> list[str]:
    lines = [f"Candidate {name_of(watch.switch.candidate)}, stable {_stable(watch)}"]
    by = f" by {watch.switch.by}" if watch.switch.by else ""
    part = watch.switch.part
    how = _HOW.get(watch.switch.kind, "rolled out") if part is None else f"given {of_traffic(part)}"
    if watch.switch.configs:
        how = f"configured anew, {watch.switch.reconfigured},"
    lines.append(f"It was {how} at {_clock(watch.switch.at)}{by}, {span(now - watch.switch.at)} ago")
    rules = (rule,) if rule else (*watch.breached, *watch.noted)
    for name in rules if topic is not Topic.PASSED else ():
        verdict = _verdict(watch, name)
        if verdict is not None:
            since = f", since {_clock(verdict.evidence.since)}" if verdict.evidence.since else ""
            lines.append(f"Rule {name}: {verdict.sentence}{since}")
    if topic not in QUIET_TOPICS and not rule:
        lines += [f"Where it hurts: {sentence}" for sentence in watch.hurts]
    if watch.comparison is not None and topic in (Topic.HELD, Topic.ROLLED_BACK, Topic.WOULD_ROLL_BACK):
        lines += told_of(watch, watch.comparison)
    if watch.acted_at is not None and watch.remedy is not None:
        lines.append(f"Traffic was put back to {name_of(watch.remedy.to)} at {_clock(watch.acted_at)}")
    if topic is Topic.WOULD_ROLL_BACK:
        lines.append(f"Nothing was done: {name_of(watch.switch.candidate)} serves on")
    if topic is Topic.ROLLED_BACK and watch.remedy is not None and watch.remedy.owner is not None:
        lines += _owner(watch.remedy.owner, suspended=watch.remedy.suspends)
    if topic is Topic.ROLLED_BACK and watch.switch.target.kind.aborts:
        lines.append("It was aborted: its template is still the bad one, so deploy another to go on from here")
    lines.extend(f"Service {service} could not be put back: {why}" for service, why in watch.left.items())
    if topic is Topic.HELD and not watch.phase.terminal and watch.switch.kind.returns:
        lines.append("It is checked again until the bake ends, and acted on when the reason is gone")
    if watch.notify_only and watch.acted_at is None:
        lines.append(f"This watch only tells: {watch.notify_only}")
    if note:
        lines.append(note)
    if topic not in QUIET_TOPICS:
        lines.append(f"The whole story: watchdog explain {watch.id}")
    return lines


def _owner(owner: Owner, *, suspended: bool) -> list[str]:
    """What people must do about who reconciles the object."""
    if suspended:
        return [
            f"{owner} was suspended, or it would have reverted this. Take the bad version out of git, then resume it:"
            f" {resuming(owner)}"
        ]
    if owner.tool is Tool.HELM:
        return [f"{owner} still records the bad version: the next helm upgrade starts from there"]
    return [f"{owner} does not revert this by itself, and shows it as drift until the bad version is out of git"]


def _stable(watch: Watch) -> str:
    return name_of(watch.stable.revision) if watch.stable else "none known"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _facts(watch: Watch, rule: str) -> dict[str, str]:
    facts = {
        "watch": watch.id,
        "target": str(watch.switch.target),
        "guard": watch.guard.name,
        **({"source": watch.guard.source} if watch.guard.source else {}),
        "candidate": name_of(watch.switch.candidate),
        "stable": _stable(watch),
        "phase": str(watch.phase),
        "switched": watch.switch.at.isoformat(),
    }
    verdict = _verdict(watch, rule)
    if verdict is not None:
        evidence = verdict.evidence
        facts |= {
            "rule": verdict.rule,
            "value": number(evidence.value, evidence.dimension),
            "limit": number(evidence.limit, evidence.dimension),
            "why": verdict.sentence,
        }
        if evidence.total is not None:
            facts["requests"] = f"{evidence.total:.0f}"
        if evidence.query:
            facts["query"] = evidence.query
    if watch.refusal is not None:
        facts["refusal"] = str(watch.refusal.reason)
    if watch.guard.runbook:
        facts["runbook"] = watch.guard.runbook
    if watch.recovery is not None:
        facts["recovery"] = str(watch.recovery)
    return facts


def with_telling(
    watch_tellings: tuple[Telling, ...], notice_: Notice, channels: tuple[str, ...]
) -> tuple[Telling, ...]:
    """The tellings with one more, to these channels; a notice that is there already is not told again."""
    if any(telling.notice.id == notice_.id for telling in watch_tellings):
        return watch_tellings
    return (*watch_tellings, Telling(notice_, tuple(Delivery(channel) for channel in channels)))


def undelivered(tellings: tuple[Telling, ...]) -> tuple[tuple[Notice, Delivery], ...]:
    """What still has to be sent, oldest first. A delivery that was under way may repeat what was sent."""
    return tuple(
        (telling.notice, delivery)
        for telling in tellings
        for delivery in telling.deliveries
        if delivery.state in (DeliveryState.PENDING, DeliveryState.SENDING)
    )


def delivered(
    watch_tellings: tuple[Telling, ...], notice_id: str, channel: str, state: DeliveryState, detail: str
) -> tuple[Telling, ...]:
    """The tellings after a notice got further with one channel, or did not; a `detail` says why, and is an attempt."""
    return tuple(
        replace(
            telling,
            deliveries=tuple(
                replace(
                    delivery,
                    state=state,
                    attempts=delivery.attempts + (1 if detail else 0),
                    detail=detail or delivery.detail,
                )
                if delivery.channel == channel
                else delivery
                for delivery in telling.deliveries
            ),
        )
        if telling.notice.id == notice_id
        else telling
        for telling in watch_tellings
    )
