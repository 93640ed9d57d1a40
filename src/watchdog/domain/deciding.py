"""From a breach to an act or to being held, and what the answer to the act means."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from watchdog.domain.channels import Topic
from watchdog.domain.concluding import end
from watchdog.domain.effects import (
    Emit,
    Judgement,
    Look,
    PutBack,
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    PutBackWithheld,
    Record,
    Remedy,
    Remember,
    Tell,
)
from watchdog.domain.judge import History
from watchdog.domain.judge.history import RECENT
from watchdog.domain.live import Live
from watchdog.domain.remedy import plan
from watchdog.domain.shared_cause import shared_until, uncompared
from watchdog.domain.state import RETRY, Phase, Refusal, RefusalReason, Track, Watch
from watchdog.domain.step import Step
from watchdog.domain.telling import name_of, notice

_CONFLICTS_KEPT = 5


def decide(watch: Watch, live: Live, now: datetime) -> Step:
    """Act, or hold and say why, or see that it is no longer ours. `live` is a fresh look."""
    if not watch.may_act:
        return _right_ended(watch, live, now)
    if watch.phase is Phase.HOLDING and not still_holds(watch, now):
        return Step(watch)
    answer = plan(watch, live)
    if isinstance(answer, Remedy) and uncompared(watch):
        return Step(watch, (Look(),))
    if isinstance(answer, Remedy):
        acting = replace(
            watch,
            phase=Phase.ACTING,
            remedy=answer,
            refusal=None,
            attempts=watch.attempts + 1,
            first_attempt_at=watch.first_attempt_at or now,
        )
        return Step(acting, (PutBack(answer),))
    if watch.left:
        # Part of the traffic is back already, and more cannot be done now.
        left = {service: why for service, why in watch.left.items() if live.services.get(service, ("", "", False))[2]}
        return put_back(watch, left, now)
    if answer.reason is RefusalReason.SUPERSEDED:
        return end(watch, Phase.SUPERSEDED, answer.sentence, now)
    if answer.reason is RefusalReason.SHARED_CAUSE:
        watch = replace(watch, shared_until=shared_until(watch))
    return hold(watch, answer, now)


def still_holds(watch: Watch, now: datetime) -> bool:
    """Whether one of the breached rules, as written, holds at this moment; what was judged long ago says nothing."""
    verdicts = [track.verdict for name in watch.breached if (track := watch.track(name)) is not None]
    oldest = now - watch.guard.interval - RECENT
    return any(verdict is not None and verdict.literal and verdict.at >= oldest for verdict in verdicts)


def _right_ended(watch: Watch, live: Live, now: datetime) -> Step:
    """The right to act ended while an act was under way: was it done?"""
    if watch.left:
        return put_back(watch, watch.left, now)
    answer = plan(watch, live)
    if isinstance(answer, Remedy) or answer.reason is not RefusalReason.SUPERSEDED:
        return only_tell(watch, watch.notify_only, now)
    conflicted = watch.refusal is not None and watch.refusal.reason is RefusalReason.CONFLICT
    scaled = watch.remedy is not None and watch.remedy.scale_to is not None
    if watch.remedy is not None and live.serving == watch.remedy.to and not (conflicted or scaled):
        return put_back(watch, {}, now)
    return end(watch, Phase.SUPERSEDED, answer.sentence, now)


def only_tell(watch: Watch, why: str, now: datetime) -> Step:
    """From now on the watch may only tell; what has breached is told as such."""
    told = [Tell(notice(watch, Topic.BREACH, now, rule=name)) for name in watch.breached]
    watch = replace(
        watch,
        notify_only=why,
        phase=Phase.WATCHING,
        noted=(*watch.noted, *watch.breached),
        breached=(),
        refusal=None,
        first_attempt_at=None,
        conflict_since=None,
    )
    return Step(watch, (Record(), *told))


def hold(watch: Watch, refusal: Refusal, now: datetime) -> Step:
    """Hold, and tell it where the reason is a new one. Where part was put back already, that is what is told."""
    if watch.left:
        return put_back(watch, watch.left, now)
    news = watch.phase is not Phase.HOLDING or watch.refusal is None or watch.refusal.reason is not refusal.reason
    holding = replace(watch, phase=Phase.HOLDING, refusal=refusal, first_attempt_at=None, conflict_since=None)
    if not news:
        return Step(holding)
    said = notice(holding, Topic.HELD, now)
    told = (Tell(said),) if refusal.told else ()
    return Step(holding, (Record(), *told, Emit("RollbackHeld", said.title, warning=True)))


def held(watch: Watch, now: datetime) -> Step:
    """The bake ended while acting was refused."""
    sentence = watch.refusal.sentence if watch.refusal else "acting was refused"
    return end(watch, Phase.HELD, sentence, now)


def put_back_answered(watch: Watch, answer: PutBackAnswer, now: datetime) -> Step:
    """What the answer to an act means. In any phase but `ACTING` it comes too late to mean anything."""
    if watch.phase is not Phase.ACTING or watch.remedy is None:
        return Step(watch)
    match answer:
        case PutBackDone(_, left):
            if watch.remedy.scale_to is not None:
                scaling = Refusal(
                    RefusalReason.DESTINATION_NOT_READY,
                    f"{watch.remedy.to.workload} was scaled up to {watch.remedy.scale_to} and is not ready yet",
                )
                holding = replace(watch, scaled_up=True, phase=Phase.HOLDING, refusal=scaling)
                scaled = replace(holding, first_attempt_at=None, conflict_since=None)
                return Step(scaled, (Record(), Emit("DestinationScaledUp", scaling.sentence)))
            return put_back(watch, left, now)
        case PutBackConflicted(_, detail):
            met = replace(watch, conflicts=(*watch.conflicts, answer)[-_CONFLICTS_KEPT:])
            return _look_again(met, Refusal(RefusalReason.CONFLICT, detail), now)
        case PutBackRefused(_, detail):
            return put_back(watch, watch.left, now) if watch.left else end(watch, Phase.FAILED, detail, now)
        case PutBackWithheld():
            return _withheld(watch, watch.remedy, answer, now)
        case PutBackUnsure(_, detail) if not watch.may_act:
            return _look_again(watch, Refusal(RefusalReason.OUT_OF_REACH, detail), now)
        case PutBackUnsure():
            # Only the cluster knows whether it was done; the same act again finds out, and does it if not.
            return Step(watch, (PutBack(watch.remedy),))
        case _:
            assert_never(answer)


def _withheld(watch: Watch, remedy: Remedy, answer: PutBackWithheld, now: datetime) -> Step:
    """The end of a dry run's watch: from here on it and the world of a real run go apart."""
    would = f"would be put back to {name_of(remedy.to)}"
    if remedy.scale_to is not None:
        would = f"{remedy.to.workload} would be scaled up to {remedy.scale_to}, and once it is ready {would}"
    left = "".join(f"; Service {service} would be left: {why}" for service, why in answer.left.items())
    withheld = replace(watch, withheld=answer.writes, refusal=None)
    unasked = f"; {answer.detail}" if answer.detail else ""
    return end(withheld, Phase.WOULD_ROLL_BACK, f"{would}; nothing was done{left}{unasked}", now)


def _look_again(watch: Watch, refusal: Refusal, now: datetime) -> Step:
    since = watch.conflict_since or now
    if now - since > RETRY and watch.may_act:
        return hold(replace(watch, phase=Phase.DECIDING), refusal, now)
    return Step(replace(watch, phase=Phase.DECIDING, refusal=refusal, conflict_since=since), (Look(),))


def put_back(watch: Watch, left: Mapping[str, str], now: datetime) -> Step:
    """The traffic is back, but for the Services that are `left`; whether it helps is watched from now on."""
    first_try = watch.first_attempt_at or now
    if left and watch.may_act and now - first_try <= RETRY and any(service not in watch.left for service in left):
        # What is left is tried once more on a fresh look; then the put-back is reported as partial.
        return Step(replace(watch, phase=Phase.DECIDING, left=left), (Look(),))
    watch = replace(
        watch,
        phase=Phase.RECOVERING,
        acted_at=now,
        left=left,
        refusal=None,
        conflict_since=None,
        # A selector or weights take effect at once; a Deployment must first roll out what it went back to.
        recovery_from=now if watch.switch.kind.at_once else None,
        recovery_tracks=tuple(
            Track(track.rule, History(watch.guard.interval, bake=watch.guard.bake), baseline=track.baseline)
            for track in watch.tracks
            # What was put back by hand is held to all its rules, for no rule asked for it.
            if watch.by_hand or track.rule.name in watch.breached
        ),
    )
    told = notice(watch, Topic.ROLLED_BACK, now)
    return Step(
        watch,
        (
            Remember(Judgement.BAD, watch.switch.candidate),
            Record(),
            Tell(told),
            Emit("RolledBack", told.title, warning=True),
        ),
    )
