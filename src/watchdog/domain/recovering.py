"""What a look at the target says after the act."""

from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain.concluding import end, recovered
from watchdog.domain.effects import Judgement, Look, Remember
from watchdog.domain.judge.verdict import no_pods
from watchdog.domain.live import Live
from watchdog.domain.measuring import with_signs
from watchdog.domain.state import Phase, Recovery, Watch
from watchdog.domain.step import Step
from watchdog.domain.telling import name_of
from watchdog.domain.tracking import looked

_UNHEARD = timedelta(seconds=15)
"""How long after a put-back nobody wonders that a cache still shows what was before."""


def looked_recovering(watch: Watch, live: Live, now: datetime) -> Step:
    """The target was looked at after the act: it gets on, is stuck, or somebody brought back what was put back."""
    to = watch.remedy.to if watch.remedy is not None else None
    if watch.recovery_from is None and live.complete and live.serving == to:
        watch = replace(watch, recovery_from=max(live.completed_at or now, watch.acted_at or now))
    if seems_reverted(watch, live, now):
        if not live.fresh:
            return Step(watch, (Look(),))  # a cache may show what was before the put-back for as long as it is silent
        who = next(iter(live.managers), "somebody")
        why = f"reverted by {who}: {name_of(watch.switch.candidate)} serves again"
        step = end(replace(watch, recovery=Recovery.NOT_RECOVERED), Phase.ROLLED_BACK, why, now)
        return Step(step.watch, (Remember(Judgement.REVERTED, watch.switch.candidate), *step.effects))
    begun = watch.recovery_from
    if begun is None:
        why = live.stuck or (no_pods(live.blocked) if live.blocked else "")
        return Step(replace(watch, blocked=why, blocked_since=(watch.blocked_since or now) if why else None))
    pods = looked(
        watch.recovery_pods,
        live,
        live.stable_pods,
        counted_from=begun,
        warmup=watch.guard.warmup,
        containers=watch.guard.containers,
    )
    tracks = with_signs(watch.recovery_tracks, pods)
    return recovered(replace(watch, recovery_pods=pods, recovery_tracks=tracks), now)


def seems_reverted(watch: Watch, live: Live, now: datetime) -> bool:
    """Whether what was put back serves again. Right after the act a cache has not heard of it yet."""
    if watch.acted_at is None or watch.left or live.serving != watch.switch.candidate:
        return False
    return live.fresh or now - watch.acted_at > _UNHEARD
