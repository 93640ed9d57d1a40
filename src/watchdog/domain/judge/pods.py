"""What is remembered of the candidate's pods between looks: since when they are warm, and since when a sign shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.domain.live import NO_LIMITS, Limits, Live, Pod
from watchdog.domain.rules import Sign

_IMAGE_PULL = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_CRASH_RESTARTS = 3
_SIGN_HOLDS: Mapping[Sign, timedelta] = {
    Sign.CRASH_LOOP: timedelta(0),
    Sign.IMAGE_PULL: timedelta(seconds=30),
    Sign.OOM_KILLED: timedelta(0),
    Sign.NOT_READY: timedelta(seconds=30),
    Sign.UNSCHEDULABLE: timedelta(seconds=60),
}
_OOM_KILLS = 2


@dataclass(frozen=True, slots=True)
class PodMemory:
    """What is remembered of one living pod of the candidate between looks."""

    name: str
    uid: str
    created: datetime
    first_ready: datetime | None
    warm_from: datetime | None  # from when its requests, probes and readiness count
    restarts_before: Mapping[str, int]  # restarts that its containers had before the switch
    restarts: int  # of its worst container, since the switch
    oom_kills: int
    last_oom: datetime | None
    since: Mapping[Sign, datetime]  # since when a sign shows, before its patience
    ready: bool
    limits: Limits = NO_LIMITS  # of its judged containers, as they are now

    def shows(self, sign: Sign, now: datetime) -> bool:
        """Whether the sign has shown for as long as it must."""
        began = self.since.get(sign)
        return began is not None and now - began >= _SIGN_HOLDS[sign]


@dataclass(frozen=True, slots=True)
class Pods:
    """The candidate's living pods at the last look, and what was seen of them since the switch."""

    at: datetime
    pods: tuple[PodMemory, ...]
    desired: int
    deadline_exceeded: bool
    ever_ready: bool
    none_ready_since: datetime | None  # since when no pod is ready, after one was
    gone: Mapping[str, datetime | None]  # pods that are gone: name to the moment from which they were warm
    gone_limits: Mapping[str, Limits] = field(default_factory=dict)  # and those of them that had any
    blocked: str = ""  # why no more of them can be made

    @staticmethod
    def after(
        before: "Pods | None",
        live: Live,
        *,
        pods: Iterable[Pod],
        counted_from: datetime,
        warmup: timedelta,
        containers: frozenset[str] | None,
    ) -> "Pods":
        """Fold one more look in. `counted_from` is the switch; warm-up runs from the later of it and readiness."""
        old = {pod.uid: pod for pod in before.pods} if before else {}
        seen = tuple(pods)
        living = tuple(
            _remember(old.get(pod.uid), pod, live.at, counted_from, warmup, containers)
            for pod in sorted(seen, key=lambda pod: pod.name)
            if not pod.gone
        )
        gone = dict(before.gone) if before else {}
        gone_limits = dict(before.gone_limits) if before else {}
        for memory in old.values():
            if all(memory.uid != pod.uid for pod in living):
                gone[memory.name] = memory.warm_from
                if memory.limits != NO_LIMITS:
                    gone_limits[memory.name] = memory.limits
        ever_ready = (before is not None and before.ever_ready) or any(pod.first_ready for pod in living)
        none_ready = ever_ready and live.desired > 0 and not any(pod.ready for pod in living)
        return Pods(
            at=live.at,
            pods=living,
            desired=live.desired,
            deadline_exceeded=live.deadline_exceeded,
            ever_ready=ever_ready,
            none_ready_since=((before and before.none_ready_since) or live.at) if none_ready else None,
            gone=gone,
            gone_limits=gone_limits,
            blocked=live.blocked,
        )

    @property
    def ripening(self) -> bool:
        """Whether time alone may bring a sign about: something shows that has not lasted long enough."""
        return not self.pods or any(pod.since or not pod.ready for pod in self.pods)

    def warm_from(self, pod: str, otherwise: datetime | None) -> datetime | None:
        """From when a pod's requests count; `otherwise` for pods never looked at (they died unseen)."""
        for memory in self.pods:
            if memory.name == pod:
                return memory.warm_from
        return self.gone.get(pod, otherwise)

    def limits(self, pod: str) -> Limits:
        """What a pod's judged containers may use; none are known of a pod that was never looked at."""
        for memory in self.pods:
            if memory.name == pod:
                return memory.limits
        return self.gone_limits.get(pod, NO_LIMITS)


def _remember(
    before: PodMemory | None,
    pod: Pod,
    at: datetime,
    counted_from: datetime,
    warmup: timedelta,
    containers: frozenset[str] | None,
) -> PodMemory:
    judged = tuple(c for c in pod.containers if containers is None or c.name in containers)
    first_ready = (before and before.first_ready) or pod.ready_since
    oom = max((c.oom_killed_at for c in judged if c.oom_killed_at), default=None)
    known_oom = before.last_oom if before else None
    new_oom = oom is not None and oom >= counted_from and (known_oom is None or oom > known_oom)
    oom_kills = (before.oom_kills if before else 0) + (1 if new_oom else 0)
    at_first = {c.name: c.restarts for c in judged} if pod.created < counted_from else {}
    restarts_before = before.restarts_before if before else at_first
    restarts = max((c.restarts - restarts_before.get(c.name, 0) for c in judged), default=0)
    warm_from = max(first_ready, counted_from) + warmup if first_ready else None
    waiting = {container.waiting for container in judged if container.waiting}
    showing = {
        Sign.CRASH_LOOP: "CrashLoopBackOff" in waiting or restarts >= _CRASH_RESTARTS,
        Sign.IMAGE_PULL: bool(waiting & _IMAGE_PULL),
        Sign.OOM_KILLED: oom_kills >= _OOM_KILLS,
        Sign.NOT_READY: warm_from is not None and at >= warm_from and not pod.ready,
        Sign.UNSCHEDULABLE: pod.unschedulable_since is not None,
    }
    hints = {Sign.NOT_READY: pod.unready_since, Sign.UNSCHEDULABLE: pod.unschedulable_since}
    began = before.since if before else {}
    since = {
        sign: began.get(sign) or max(hints.get(sign) or at, counted_from) for sign, shows in showing.items() if shows
    }
    if Sign.NOT_READY in since and warm_from is not None:
        since[Sign.NOT_READY] = max(since[Sign.NOT_READY], warm_from)
    return PodMemory(
        name=pod.name,
        uid=pod.uid,
        created=pod.created,
        first_ready=first_ready,
        warm_from=warm_from,
        restarts_before=restarts_before,
        restarts=restarts,
        oom_kills=oom_kills,
        last_oom=oom if new_oom else known_oom,
        since=since,
        ready=pod.ready,
        limits=Limits.of(judged),
    )
