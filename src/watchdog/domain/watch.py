"""`advance(watch, event, now) -> Step`: the only place where a watch changes its phase.

Pure and total: any event in any phase gives a step. Terminal phases absorb: they take note of deliveries of
their notices, of where it hurt, and of nothing else.
"""

from datetime import datetime, timedelta
from typing import assert_never

from watchdog.domain.channels import Topic
from watchdog.domain.concluding import conclude_bake, conclude_recovery, end, recovered
from watchdog.domain.copies import with_fields
from watchdog.domain.deciding import decide, held, hold, only_tell, put_back, put_back_answered
from watchdog.domain.effects import DeliveryState, Effect, Emit, Judgement, Look, PutBack, Record, Remember, Tell
from watchdog.domain.events import (
    BaselineMeasured,
    DeliveryMoved,
    Described,
    Event,
    Joined,
    Looked,
    LookFailed,
    Measured,
    Probed,
    PutBackAnswered,
    RecoveryMeasured,
    Resumed,
    RightEnded,
    Sliced,
    Stepped,
    Superseded,
    Ticked,
)
from watchdog.domain.hurting import with_slices
from watchdog.domain.joining import joined, stepped
from watchdog.domain.judge.verdict import span
from watchdog.domain.measuring import with_baselines, with_measured, with_recovery_measured, with_signs
from watchdog.domain.outlook import is_due
from watchdog.domain.recovering import looked_recovering
from watchdog.domain.reminding import reminder
from watchdog.domain.rules import Action, Probe
from watchdog.domain.state import (
    RETRY,
    SETTLE,
    Phase,
    Recovery,
    Refusal,
    RefusalReason,
    Track,
    Watch,
    open_watch,
)
from watchdog.domain.step import Step
from watchdog.domain.superseding import took_over
from watchdog.domain.telling import delivered, name_of, notice
from watchdog.domain.tracking import looked, replaced, with_round

__all__ = ["Phase", "Step", "Watch", "advance", "open_watch", "opening"]

_PATIENCE_TO_LOOK = timedelta(seconds=60)


def opening(watch: Watch, now: datetime) -> Step:
    """The first step of a new watch, which is in the journal already: it is told."""
    note = f"{name_of(watch.switch.candidate)} is watched for {span(watch.guard.bake)} by guard {watch.guard.name}"
    return Step(watch, (Tell(notice(watch, Topic.SWITCH, now)), Emit("WatchOpened", note)))


def advance(watch: Watch, event: Event, now: datetime) -> Step:
    """What follows from `event` at `now`."""
    if isinstance(event, DeliveryMoved):
        return _delivered(watch, event)
    if isinstance(event, Sliced):
        return Step(with_slices(watch, event.slices))
    if watch.phase.terminal:
        return Step(watch)
    match event:
        case Looked():
            return _looked(watch, event, now)
        case LookFailed(detail):
            return _look_failed(watch, detail, now)
        case Measured():
            step = _judged(with_measured(watch, event), now)
            return with_fields(step, effects=(*step.effects, Record())) if is_due(watch, step.watch) else step
        case RecoveryMeasured():
            return recovered(with_recovery_measured(watch, event), now)
        case BaselineMeasured(baselines):
            return _judged(with_baselines(watch, baselines), now)
        case Described(changes):
            return Step(with_fields(watch, changes=changes))
        case Probed():
            return _probed(watch, event, now)
        case PutBackAnswered(answer):
            return put_back_answered(watch, answer, now)
        case Superseded():
            return _superseded(watch, event, now)
        case Joined():
            return joined(watch, event)
        case Stepped():
            return stepped(watch, event)
        case RightEnded(why):
            return _right_ended(watch, why, now)
        case Resumed():
            return _resumed(watch, now)
        case Ticked(measured):
            return _ticked(watch, now, measured=measured)
        case _:
            assert_never(event)


def _probed(watch: Watch, event: Probed, now: datetime) -> Step:
    recovering = watch.phase is Phase.RECOVERING
    tracks = watch.recovery_tracks if recovering else watch.tracks
    pods = watch.recovery_pods if recovering else watch.pods
    track = next((track for track in tracks if track.rule.name == event.rule), None)
    if track is None or not isinstance(track.rule.check, Probe) or pods is None:
        return Step(watch)
    warm = [pod.name for pod in pods.pods if pod.warm_from is not None and pod.warm_from <= event.round.at]
    after = with_round(track, track.rule.check, event.round, warm)
    changed = replaced(tracks, {event.rule: after})
    if recovering:
        return recovered(with_fields(watch, recovery_tracks=changed), now)
    step = _judged(with_fields(watch, tracks=changed), now)
    if _is_armed(after) and not _is_armed(track):
        # Prometheus does not remember it, and after a restart there may be nobody left to answer as expected.
        return with_fields(step, effects=(*step.effects, Record()))
    return step


def _is_armed(track: Track) -> bool:
    return track.history.probes is not None and track.history.probes.armed


def _looked(watch: Watch, event: Looked, now: datetime) -> Step:
    live = event.live
    gone = live.unweighed if live.exists else "the target was deleted"
    if gone and watch.phase is not Phase.RECOVERING:
        return end(watch, Phase.SUPERSEDED, gone, now)
    if watch.phase is Phase.RECOVERING:
        return looked_recovering(watch, live, now)
    pods = looked(
        watch.pods,
        live,
        live.candidate_pods,
        counted_from=watch.counted_from,
        warmup=watch.guard.warmup,
        containers=watch.guard.containers,
    )
    first_ready = min((pod.first_ready for pod in pods.pods if pod.first_ready), default=None)
    watch = with_fields(
        watch,
        pods=pods,
        ready_from=watch.ready_from or first_ready,
        progress_deadline=timedelta(seconds=live.progress_deadline),
        tracks=with_signs(watch.tracks, pods),
    )
    if watch.bake_from is None and live.complete and live.serving == watch.switch.candidate:
        watch = with_fields(watch, bake_from=max(live.completed_at or now, watch.switch.at))
    step = _judged(watch, now)
    if live.fresh and step.watch.phase in (Phase.DECIDING, Phase.HOLDING):
        return step.then(decide(_compared(step.watch, event), live, now))
    return step


def _compared(watch: Watch, event: Looked) -> Watch:
    """With how the peers fare. What was compared last stays on record while nothing asks for an act."""
    return watch if event.compared is None else with_fields(watch, comparison=event.compared)


def _judged(watch: Watch, now: datetime) -> Step:
    """Take note of rules that have newly breached."""
    breached = [track for track in watch.tracks if track.breach is not None]
    fresh = [track for track in breached if track.rule.name not in (*watch.breached, *watch.noted)]
    if not fresh:
        return Step(watch)
    acting = tuple(
        track.rule.name for track in fresh if watch.may_act and watch.guard.action_of(track.rule) is not Action.NOTIFY
    )
    noted = tuple(track.rule.name for track in fresh if track.rule.name not in acting)
    watch = with_fields(
        watch,
        breached=(*watch.breached, *acting),
        noted=(*watch.noted, *noted),
        breached_at=watch.breached_at or now,
    )
    effects: list[Effect] = [Tell(notice(watch, Topic.BREACH, now, rule=name)) for name in noted]
    effects += [Tell(notice(watch, Topic.BREACH, now, rule=name), unless=Topic.ROLLED_BACK) for name in acting]
    effects += [_breach_event(watch, name) for name in (*acting, *noted)]
    if noted:
        effects.insert(0, Record())
    if acting and watch.phase is Phase.WATCHING:
        return Step(with_fields(watch, phase=Phase.DECIDING), (Look(), *effects))
    return Step(watch, tuple(effects))


def _breach_event(watch: Watch, name: str) -> Emit:
    track = watch.track(name)
    sentence = track.breach.sentence if track is not None and track.breach is not None else ""
    return Emit("RuleBreached", f"{name}: {sentence}", warning=True)


def _look_failed(watch: Watch, detail: str, now: datetime) -> Step:
    """Keep looking: the caller waits between looks. What lasts is held and told, like any other reason."""
    if watch.phase is not Phase.DECIDING:
        return Step(watch)
    refusal = Refusal(RefusalReason.OUT_OF_REACH, detail)
    lasts = watch.breached_at is not None and now - watch.breached_at > RETRY
    if lasts and watch.may_act and not watch.left:
        return hold(watch, refusal, now)
    return Step(with_fields(watch, refusal=refusal), (Look(),))


def _superseded(watch: Watch, event: Superseded, now: datetime) -> Step:
    if event.what:
        return end(watch, Phase.SUPERSEDED, event.what, now)
    if event.by == watch.switch.candidate and watch.phase is not Phase.RECOVERING:
        return Step(watch)
    who = f" by {event.who}" if event.who else ""
    if watch.phase in (Phase.ACTING, Phase.RECOVERING) and watch.remedy is not None:
        if event.by == watch.remedy.to or watch.phase is Phase.ACTING:
            return Step(watch)  # our own undo; or the answer to our write will tell who came first
        again = event.by == watch.switch.candidate
        recovery = Recovery.NOT_RECOVERED if again else Recovery.UNKNOWN
        what = f"reverted: {name_of(event.by)} serves again, deployed" if again else f"{name_of(event.by)} was deployed"
        step = end(with_fields(watch, recovery=recovery), Phase.ROLLED_BACK, f"{what}{who}", now)
        fought = (Remember(Judgement.REVERTED, watch.switch.candidate),) if again else ()
        return Step(step.watch, (*fought, *step.effects))
    if watch.left and watch.remedy is not None and event.by == watch.remedy.to:
        return Step(watch)  # our own undo, of which a part is still to be done
    return end(watch, Phase.SUPERSEDED, took_over(event.by, event.who), now)


def _right_ended(watch: Watch, why: str, now: datetime) -> Step:
    if watch.phase is Phase.RECOVERING or watch.notify_only:
        return Step(watch)
    if watch.phase is Phase.ACTING:
        # What is under way cannot be called back; its answer tells whether it was done, and it is not tried again.
        return Step(with_fields(watch, notify_only=why), (Record(),))
    if watch.left:
        return put_back(with_fields(watch, notify_only=why), watch.left, now)
    return only_tell(watch, why, now)


def _resumed(watch: Watch, now: datetime) -> Step:
    """Go on where the journal says it stood; it may hold the watch, but not yet that its opening is to be told."""
    if watch.by_hand:
        return _adopted(watch, now)
    opened = Tell(notice(watch, Topic.SWITCH, now))
    if watch.phase is Phase.ACTING and watch.remedy is not None:
        if not watch.may_act:
            return Step(with_fields(watch, phase=Phase.DECIDING), (Look(), opened))
        # The provider finds out whether it was done; its preconditions still hold only if it was not.
        return Step(with_fields(watch, first_attempt_at=now, conflict_since=None), (PutBack(watch.remedy), opened))
    if watch.phase in (Phase.DECIDING, Phase.HOLDING):
        return Step(watch, (Look(), opened))
    return Step(watch, (opened,))


def _adopted(watch: Watch, now: datetime) -> Step:
    """A rollback by hand, taken over from whoever made it: finish it, tell of it, see whether it helped."""
    if watch.phase is Phase.ACTING and watch.remedy is not None:
        return Step(with_fields(watch, first_attempt_at=now, conflict_since=None), (PutBack(watch.remedy),))
    if watch.phase is Phase.RECOVERING:
        bad = Remember(Judgement.BAD, watch.switch.candidate)
        return Step(watch, (bad, Tell(notice(watch, Topic.ROLLED_BACK, now))))
    return Step(watch)


def _ticked(watch: Watch, now: datetime, *, measured: bool) -> Step:
    over = watch.bake_end if watch.bake_end is not None else watch.patience
    match watch.phase:
        case Phase.WATCHING if measured and now >= over + SETTLE:
            return conclude_bake(watch, now)
        case Phase.DECIDING if watch.left and now - (watch.first_attempt_at or now) > RETRY:
            return put_back(watch, watch.left, now)
        case Phase.DECIDING if now >= max(over, watch.first_attempt_at or over) + SETTLE + _PATIENCE_TO_LOOK:
            refusal = watch.refusal or Refusal(RefusalReason.OUT_OF_REACH, "the API server did not answer")
            return held(with_fields(watch, refusal=refusal), now)
        case Phase.HOLDING:
            if now >= over + SETTLE:
                return held(watch, now)
            again = reminder(watch, now)
            return Step(watch, (Look(),) if again is None else (Look(), Record(), Tell(again)))
        case Phase.ACTING if now >= max(over, watch.first_attempt_at or over) + watch.progress_deadline + SETTLE:
            if watch.left:
                return put_back(watch, watch.left, now)
            return end(watch, Phase.FAILED, "the API server never said whether it was put back", now)
        case Phase.RECOVERING if measured or watch.recovery_from is None:
            return conclude_recovery(watch, now)
        case _:
            return Step(watch)


def _delivered(watch: Watch, event: DeliveryMoved) -> Step:
    tellings = delivered(watch.tellings, event.notice, event.channel, event.state, event.detail)
    arrived = event.state in (DeliveryState.SENT, DeliveryState.GAVE_UP)
    return Step(with_fields(watch, tellings=tellings), (Record(),) if arrived else ())
