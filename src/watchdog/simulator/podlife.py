"""One pod's life on its node: its container starts, gets ready, crashes, is restarted, and ends."""

from collections.abc import Sequence
from typing import Any

from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object, condition_of, fnv1a, key_of, replaced, timestamp
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import PODS
from watchdog.simulator.timeline import Job, Timeline, Timer

KUBELET = Writer("kubelet", "status")

# The kubelet looks at its containers each second; it waits 10 s, 20 s, 40 s ... 300 s between restarts, and
# forgets that a container crashed after it has run for ten minutes.
_RELIST, _FIRST_WAIT, _LONGEST_WAIT, _FORGIVEN = 1.0, 10.0, 300.0, 600.0


class PodLife:
    """What the kubelet knows of one pod. The first container behaves as told, the others simply run."""

    def __init__(self, registry: Registry, timeline: Timeline, pod: Object, behaviour: PodBehaviour, ip: str) -> None:
        self._registry = registry
        self._timeline = timeline
        self._key = key_of(pod)
        self._uid = pod["metadata"]["uid"]
        self._containers: Sequence[Object] = pod["spec"]["containers"]
        self._behaviour = behaviour
        self._ip = ip
        self._timers: list[Timer] = []
        self._state: Object = {"waiting": {"reason": "ContainerCreating"}}
        self._last: Object = {}
        self._restarts = 0
        self._exits = 0
        self._wait = 0.0
        self._started_at = 0.0
        self._ready = False
        self._ended = False

    def begin(self) -> None:
        """The pod was put on the node."""
        behaviour = self._behaviour
        if behaviour.evicted_after is not None:
            self._after(behaviour.evicted_after, self.evict)
        if behaviour.image_pull_fails:
            self._after(behaviour.starts_after, self._fail_to_pull)
        elif behaviour.starts_after > 0:
            self._report()
            self._after(behaviour.starts_after, self._run)
        else:
            self._timeline.soon(("run", self._uid), self._run)

    def _after(self, seconds: float, job: Job) -> None:
        self._timers = [timer for timer in self._timers if not timer.over]
        self._timers.append(self._timeline.after(seconds, job))

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # Running and readiness

    def _run(self) -> None:
        if self._ended:
            return
        self._state = {"running": {"startedAt": self._now()}}
        self._started_at = self._timeline.seconds()
        behaviour = self._behaviour
        self._ready = behaviour.ready_after is not None and behaviour.ready_after <= 0
        self._report()
        if self._ready:
            self._plan_unreadiness()
        elif behaviour.ready_after is not None:
            self._after(behaviour.ready_after, lambda: self.set_ready(ready=True))
        crashes = behaviour.exits is None or self._exits < behaviour.exits
        if behaviour.exits_after is not None and crashes:
            self._after(behaviour.exits_after, lambda: self.exit(behaviour.exit_code, behaviour.exit_reason))

    def set_ready(self, *, ready: bool) -> None:
        """What the readiness probe says from now on."""
        if self._ended or "running" not in self._state or self._ready == ready:
            return
        self._ready = ready
        self._report()
        if ready:
            self._plan_unreadiness()
        elif self._behaviour.ready_again_after is not None:
            self._after(self._behaviour.ready_again_after, lambda: self.set_ready(ready=True))

    def _plan_unreadiness(self) -> None:
        if self._behaviour.unready_after is not None:
            self._after(self._behaviour.unready_after, lambda: self.set_ready(ready=False))

    # Crashing and restarting

    def exit(self, code: int, reason: str) -> None:
        """The container ends; it is started again, later each time."""
        if self._ended or "running" not in self._state:
            return
        self._stop_timers()
        ran = self._timeline.seconds() - self._started_at
        started = self._state["running"]["startedAt"]
        ended = {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": self._now()}
        self._state = {"terminated": {**ended, "containerID": self._container_id()}}
        self._ready = False
        self._exits += 1
        self._report()
        if ran >= _FORGIVEN:
            self._wait = 0.0
        if self._wait == 0.0:
            self._wait = _FIRST_WAIT
            self._after(_RELIST, self._restart)
        else:
            self._after(_RELIST, self._back_off)

    def _back_off(self) -> None:
        container, wait = self._containers[0]["name"], self._wait
        namespace, name = self._key
        pod = f"{name}_{namespace}({self._uid})"
        message = f"back-off {_duration(wait)} restarting failed container={container} pod={pod}"
        self._last = self._state
        self._state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        self._report()
        self._wait = min(2 * wait, _LONGEST_WAIT)
        self._after(wait, self._restart)

    def _restart(self) -> None:
        if "terminated" in self._state:
            self._last = self._state
        self._restarts += 1
        self._run()

    def _fail_to_pull(self) -> None:
        image = self._containers[0]["image"]
        problem = f'failed to pull and unpack image "{image}": failed to resolve reference: not found'
        self._state = {"waiting": {"reason": "ErrImagePull", "message": problem}}
        self._report()
        self._after(2 * _RELIST, self._wait_for_pull)

    def _wait_for_pull(self) -> None:
        image = self._containers[0]["image"]
        message = f'Back-off pulling image "{image}": ErrImagePull: not found'
        self._state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
        self._report()
        self._wait = min(max(_FIRST_WAIT, 2 * self._wait), _LONGEST_WAIT)
        self._after(self._wait, self._fail_to_pull)

    # The end

    def evict(self, message: str = "The node was low on resource: memory.") -> None:
        """The kubelet puts the pod out; the object stays, failed, until someone deletes it."""
        if self._ended:
            return
        self._stop()
        self._state = {"terminated": {"exitCode": 137, "reason": "Error", "finishedAt": self._now()}}
        disruption = ("DisruptionTarget", "True", "TerminationByKubelet", message)
        self._report(phase="Failed", reason="Evicted", message=message, extra=[disruption])

    def terminate(self, grace: float) -> None:
        """The pod was deleted: give it the time it takes, never more than its grace."""
        if not self._ended:
            self._stop()
            self._timeline.after(min(self._behaviour.shutdown, grace), self._gone)

    def _gone(self) -> None:
        if (pod := self._pod()) is not None and not pod["metadata"].get("finalizers"):
            self._registry.store.remove(PODS, *self._key)

    def abandon(self) -> None:
        """Nobody reports on this pod any more: it was removed, or its node is lost."""
        self._stop()

    def _stop(self) -> None:
        self._ended = True
        self._ready = False
        self._stop_timers()

    # Status

    def _now(self) -> str:
        return timestamp(self._registry.now())

    def _pod(self) -> Object | None:
        pod = self._registry.store.get(PODS, *self._key)
        return pod if pod is not None and pod["metadata"]["uid"] == self._uid else None

    def _container_id(self, name: str = "") -> str:
        return f"containerd://{fnv1a(f'{self._uid}/{name}/{self._restarts}'.encode()):064x}"

    def _report(self, phase: str = "", extra: Sequence[tuple[str, str, str, str]] = (), **parts: str) -> None:
        pod = self._pod()
        if pod is None:
            return
        created = "waiting" in self._state and not self._restarts and not self._last
        status = {
            **pod["status"],
            "phase": phase or ("Pending" if created else "Running"),
            **self._address(),
            "containerStatuses": [self._container(i, c) for i, c in enumerate(self._containers)],
            "conditions": self._conditions(pod, extra),
            **parts,
        }
        status.setdefault("startTime", self._now())
        if status != pod["status"]:
            self._registry.update(PODS, *self._key, replaced(pod, status=status), KUBELET)

    def _address(self) -> Object:
        """A pod gets its address before its first container starts, not before its image is asked for."""
        if self._state.get("waiting", {}).get("reason") == "ContainerCreating":
            return {}
        return {"podIP": self._ip, "podIPs": [{"ip": self._ip}]}

    def _container(self, number: int, container: Object) -> Object:
        first = number == 0
        running: Object = {"running": {"startedAt": self._now()}}
        state = self._state if first or self._ended or "waiting" in self._state else running
        ready = self._ready if first else "running" in state
        status: dict[str, Any] = {
            "name": container["name"],
            "image": container["image"],
            "imageID": "" if self._behaviour.image_pull_fails else container["image"],
            "lastState": self._last if first else {},
            "ready": ready,
            "restartCount": self._restarts if first else 0,
            "started": "running" in state,
            "state": state if first else self._kept_state(number, state),
        }
        if not self._behaviour.image_pull_fails and "ContainerCreating" not in str(state):
            status["containerID"] = self._container_id(container["name"])
        return status

    def _kept_state(self, number: int, state: Object) -> Object:
        """A second container that ran before has run since then."""
        pod = self._pod()
        known = (pod["status"].get("containerStatuses") or []) if pod else []
        if "running" in state and number < len(known) and "running" in known[number]["state"]:
            return dict(known[number]["state"])
        return state

    def _conditions(self, pod: Object, extra: Sequence[tuple[str, str, str, str]]) -> list[Object]:
        unready = "" if self._ready else f"containers with unready status: [{self._containers[0]['name']}]"
        why = "" if self._ready else "ContainersNotReady"
        ready = "True" if self._ready else "False"
        said = [
            ("Initialized", "True", "", ""),
            ("PodScheduled", "True", "", ""),
            ("ContainersReady", ready, why, unready),
            ("Ready", ready, why, unready),
            *extra,
        ]
        return [condition(pod, *each, now=self._now()) for each in said]


def condition(pod: Object, kind: str, status: str, reason: str, message: str, *, now: str) -> Object:
    """A pod's condition; it keeps the time of its last change if this is none."""
    old = condition_of(pod, kind)
    since = old["lastTransitionTime"] if old is not None and old["status"] == status else now
    result = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    return {**result, **{k: v for k, v in (("reason", reason), ("message", message)) if v}}


def _duration(seconds: float) -> str:
    """Go's way of writing a duration."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
