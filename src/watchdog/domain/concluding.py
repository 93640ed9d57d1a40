"""How a watch ends: its outcome, its reason, and what is remembered of it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain.channels import Topic
from watchdog.domain.conditions import Dimension
from watchdog.domain.effects import Effect, Emit, Judgement, Record, Remember, Tell
from watchdog.domain.judge import Finding
from watchdog.domain.judge.history import RECENT
from watchdog.domain.judge.verdict import number
from watchdog.domain.judge.weighing import too_coarse
from watchdog.domain.state import SETTLE, Phase, Recovery, Track, Watch
from watchdog.domain.step import Step
from watchdog.domain.telling import name_of, notice
from watchdog.domain.tracking import could_have_fired

_TOPICS: Mapping[Phase, Topic] = {
    Phase.PASSED: Topic.PASSED,
    Phase.HELD: Topic.HELD,
    Phase.NOTIFIED: Topic.NOTIFIED,
    Phase.WOULD_ROLL_BACK: Topic.WOULD_ROLL_BACK,
    Phase.SUPERSEDED: Topic.SUPERSEDED,
    Phase.INCONCLUSIVE: Topic.INCONCLUSIVE,
    Phase.FAILED: Topic.FAILED,
}
_EVENTS: Mapping[Phase, str] = {
    Phase.PASSED: "WatchPassed",
    Phase.ROLLED_BACK: "WatchEnded",
    Phase.HELD: "WatchHeld",
    Phase.NOTIFIED: "WatchNotified",
    Phase.WOULD_ROLL_BACK: "WouldRollBack",
    Phase.SUPERSEDED: "WatchSuperseded",
    Phase.INCONCLUSIVE: "WatchInconclusive",
    Phase.FAILED: "RollbackFailed",
}
_LEARNT: Mapping[Phase, Judgement] = {
    Phase.PASSED: Judgement.PASSED,
    Phase.HELD: Judgement.DOUBTED,
    Phase.NOTIFIED: Judgement.DOUBTED,
    Phase.WOULD_ROLL_BACK: Judgement.DOUBTED,  # it serves on: nothing is known bad that was not put back
    Phase.FAILED: Judgement.DOUBTED,
}
_STUCK = timedelta(seconds=30)
"""How long a put-back may want for pods: where those that end are in the way, the controller tries again soon."""


def end(watch: Watch, outcome: Phase, reason: str, now: datetime) -> Step:
    """End the watch: what was learnt first, then the record, then the people."""
    ended = replace(watch, phase=outcome, reason=reason, ended_at=now)
    effects: list[Effect] = []
    learnt = _LEARNT.get(outcome)
    if outcome is Phase.INCONCLUSIVE and watch.bake_end is not None:
        learnt = Judgement.SERVED
    if learnt is not None and watch.switch.kind.returns:
        effects.append(Remember(learnt, watch.switch.candidate))
    effects.append(Record())
    topic = _TOPICS.get(outcome)
    if outcome is Phase.HELD and watch.refusal is not None and not watch.refusal.told:
        topic = None
    if outcome is Phase.ROLLED_BACK:
        topic = {Recovery.RECOVERED: Topic.RECOVERED, Recovery.NOT_RECOVERED: Topic.NOT_RECOVERED}.get(
            watch.recovery or Recovery.UNKNOWN
        )
        if topic is None:
            effects.append(Tell(notice(ended, Topic.NOT_RECOVERED, now, note=f"recovery unknown: {reason}")))
    note = reason
    if topic is not None:
        told = notice(ended, topic, now)
        effects.append(Tell(told))
        # kubectl describe says what the channels were told; what a title leaves out stands behind it.
        note = told.title if reason in told.title else f"{told.title}: {reason}"
    effects.append(Emit(_EVENTS[outcome], note, warning=outcome not in (Phase.PASSED, Phase.SUPERSEDED)))
    return Step(ended, tuple(effects))


def conclude_bake(watch: Watch, now: datetime) -> Step:
    """The bake is over and nothing asked for a rollback."""
    if watch.noted:
        return end(watch, Phase.NOTIFIED, f"{', '.join(watch.noted)} breached; told only", now)
    if watch.bake_end is None:
        return end(watch, Phase.INCONCLUSIVE, "the rollout never completed", now)
    blind = [track for track in watch.tracks if track.rule.required and not could_have_fired(track)]
    if blind:
        return end(watch, Phase.INCONCLUSIVE, "; ".join(_blindness(track) for track in blind), now)
    unproven = [track for track in watch.tracks if track.breach is None and track.history.blocks_over]
    often = [track for track in unproven if 2 * track.history.blocks_over >= track.history.blocks_judged]
    if any(track.rule.required for track in often):
        return end(watch, Phase.INCONCLUSIVE, "; ".join(f"{_over(track)}, and never proven" for track in often), now)
    kept = f"{name_of(watch.switch.candidate)} kept all its rules"
    if unproven:
        kept += f", but for moments that prove nothing: {'; '.join(_over(track) for track in unproven)}"
    return end(watch, Phase.PASSED, kept, now)


def _over(track: Track) -> str:
    history = track.history
    return f"{track.rule.name} was over its limit at {history.blocks_over} of {history.blocks_judged} looks"


def _blindness(track: Track) -> str:
    if too_coarse(track.history) and track.history.harmless is not None:
        asked, bound = track.history.harmless.asked, track.history.bound
        end = bound is None or math.isinf(bound)
        where = "end there or below" if end else f"have none nearer than {number(bound, Dimension.SECONDS)}"
        limit = number(asked, Dimension.SECONDS)
        return f"rule {track.rule.name} could not have fired (limit {limit}: the histogram's buckets {where})"
    last = f" ({track.verdict.sentence})" if track.verdict is not None else ""
    return f"rule {track.rule.name} could not have fired{last}"


def recovered(watch: Watch, now: datetime) -> Step:
    """Whether the put-back helped, as soon as that can be said; nothing in any phase but `RECOVERING`."""
    if watch.phase is not Phase.RECOVERING or watch.recovery_from is None:
        return Step(watch)
    if not all(_below(watch, track, now) for track in watch.recovery_tracks):
        return Step(watch)
    helped = replace(watch, recovery=Recovery.RECOVERED)
    return end(helped, Phase.ROLLED_BACK, "put back, and each breached rule is kept again", now)


def conclude_recovery(watch: Watch, now: datetime) -> Step:
    """The last word on the recovery, once its time is over. Only for a tick: then all that is due was measured."""
    step = recovered(watch, now)
    over = watch.recovery_end
    if step.watch.phase is not Phase.RECOVERING or over is None or now < over + SETTLE:
        return step.then(_stuck(step.watch, now))
    worse = [track for track in watch.recovery_tracks if track.verdict is not None and track.verdict.literal]
    if worse:
        why = "; ".join(f"{track.rule.name}: {track.verdict.sentence}" for track in worse if track.verdict)
        return end(replace(watch, recovery=Recovery.NOT_RECOVERED), Phase.ROLLED_BACK, why, now)
    if watch.recovery_from is None and watch.blocked:
        stuck = replace(watch, recovery=Recovery.NOT_RECOVERED)
        return end(stuck, Phase.ROLLED_BACK, f"the put-back never completed: {watch.blocked}", now)
    why = "the put-back never completed" if watch.recovery_from is None else _unknown(watch)
    return end(replace(watch, recovery=Recovery.UNKNOWN), Phase.ROLLED_BACK, why, now)


def _stuck(watch: Watch, now: datetime) -> Step:
    """A put-back that gets no pods leaves the bad ones serving: people are told long before it is given up."""
    if watch.phase is not Phase.RECOVERING or watch.blocked_since is None or now - watch.blocked_since < _STUCK:
        return Step(watch)
    if any(telling.notice.topic is Topic.NOT_RECOVERED for telling in watch.tellings):
        return Step(watch)
    note = f"the put-back does not get on: {watch.blocked}"
    return Step(watch, (Tell(notice(watch, Topic.NOT_RECOVERED, now, note=note)), Record()))


def _unknown(watch: Watch) -> str:
    silent = [f"{track.rule.name}: {track.verdict.sentence}" for track in watch.recovery_tracks if track.verdict]
    return "; ".join(silent) or "nothing was measured"


def _below(watch: Watch, track: Track, now: datetime) -> bool:
    """Whether the rule is kept over a window wholly after the put-back."""
    if track.verdict is None or track.verdict.finding is not Finding.PASS or watch.recovery_from is None:
        return False
    if track.threshold is not None:
        window = math.ceil(RECENT / watch.guard.interval)
        whole = max(1, math.floor(watch.guard.recovery / watch.guard.interval))
        return track.history.last_index >= min(window, whole)
    patience: timedelta = min(RECENT, watch.guard.recovery)
    return now - watch.recovery_from >= patience
