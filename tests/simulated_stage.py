"""The simulated stage: a town in the tempo of seconds, told what people do and asked what came of it."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from e2e.controlplane.behaviour import GOOD, Behaviour
from stage import PART_OF, App, Colours, Record, Rollout, Story, rules_text
from town import NAMESPACE, Town, tell
from watchdog.domain.annotations import HOLD
from watchdog.simulator import behaviour as simulated
from watchdog.simulator import patches
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.pod_behaviour import PodBehaviour

MEBIBYTE = 2.0**20
REPLICAS = 2
GUARDED = {PART_OF: "e2e"}


def tell_on_the_simulator(story: Story) -> None:
    """Run the story on simulated time."""
    tell(
        lambda town: story.tell(SimulatedStage(town)),
        lambda town: SimulatedStage(town).furnish(story.scene),
        rules=rules_text(story.guard(NAMESPACE)),
        scrape_interval=1.0,
    )


class SimulatedStage:
    """`Stage`, in a town."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def furnish(self, scene: tuple[App | Colours, ...]) -> None:
        """Everything has served for an hour when the story begins."""
        for part in scene:
            if isinstance(part, Colours):
                self._colours(part)
                continue
            if part.config:
                self._town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": part.config}})
            self._deploy(part.name, "v1", part.behaviour, config=part.config, rollout=part.rollout)
            self._town.cluster.service(NAMESPACE, part.name)

    def _colours(self, part: Colours) -> None:
        for colour, version, behaviour in (("blue", "v1", GOOD), ("green", "v2", part.green)):
            pods = {"app": part.service, "colour": colour}
            self._deploy(f"{part.service}-{colour}", version, behaviour, pods=pods)
        for service in part.services:
            selector = {"app": part.service, "colour": "blue"}
            self._town.cluster.service(NAMESPACE, service, selector, labels=GUARDED)

    def _deploy(
        self,
        name: str,
        version: str,
        behaviour: Behaviour,
        *,
        config: str = "",
        pods: dict[str, str] | None = None,
        rollout: Rollout | None = None,
    ) -> None:
        image = f"{name}:{version}"
        self._town.behaviours[image] = _application(behaviour)
        self._town.lives_as(image, _life(behaviour))
        spec: dict[str, Any] = rollout.spec() if rollout else {}
        if config:
            container = {"name": "app", "image": image, "envFrom": [{"configMapRef": {"name": config}}]}
            spec |= {"template": {"spec": {"containers": [container]}}}
        new = self._town.cluster.find("deployments", NAMESPACE, name) is None
        self._town.cluster.deploy(
            NAMESPACE,
            name,
            image,
            replicas=REPLICAS if new else None,
            labels=GUARDED,
            pod_labels=pods,
            spec=spec,
        )

    # -- people --------------------------------------------------------------------------------------------------

    async def deploy(self, name: str, version: str, behaviour: Behaviour = GOOD, *, config: str = "") -> None:
        self._deploy(name, version, behaviour, config=config)

    async def rolled_out(self, name: str) -> None:
        await self._town.until(lambda: self._town.cluster.rolled_out(NAMESPACE, name))

    async def flip(self, service: str, colour: str) -> None:
        app = self._town.cluster.get("services", NAMESPACE, service)["spec"]["selector"]["app"]
        self._town.cluster.flip(NAMESPACE, service, {"app": app, "colour": colour})

    async def scale(self, name: str, replicas: int) -> None:
        self._town.cluster.scale(NAMESPACE, name, replicas)

    async def resize(self, name: str, cpu: str) -> None:
        patch = {"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]}}
        for pod in self._town.cluster.ready_pods(NAMESPACE, name):
            self._town.cluster.patch(
                "pods", NAMESPACE, pod["metadata"]["name"], patch, "vpa", content_type=patches.STRATEGIC
            )

    async def pause(self, name: str, *, paused: bool = True) -> None:
        self._town.cluster.pause(NAMESPACE, name, paused=paused)

    async def hold(self, target: str, reason: str) -> None:
        until = self._town.clock.now() + timedelta(hours=1)
        text = f"until={until.isoformat()}; {reason}" if reason else None
        self._patch(target, {"annotations": {HOLD: text}})

    async def label(self, target: str, **labels: str) -> None:
        self._patch(target, {"labels": labels})

    def _patch(self, target: str, metadata: dict[str, object]) -> None:
        kind, _, name = target.partition("/")
        self._town.cluster.patch(f"{kind}s", NAMESPACE, name, {"metadata": metadata})

    async def configmap(self, name: str, *, there: bool) -> None:
        if there:
            self._town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": name}})
        else:
            self._town.cluster.delete("configmaps", NAMESPACE, name)

    async def quota(self, pods: int | None) -> None:
        if pods is None:
            self._town.cluster.delete("resourcequotas", NAMESPACE, "pods")
            return
        body = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": str(pods)}}}
        self._town.cluster.create("resourcequotas", NAMESPACE, body)

    async def before_the_put_back(self, act: Callable[[], Awaitable[None]]) -> None:
        met: list[WriteAttempt] = []

        async def hook(attempt: WriteAttempt) -> None:
            if attempt.resource in ("deployments", "services") and not attempt.dry_run and not met:
                met.append(attempt)
                await act()

        self._town.cluster.before_write(hook)

    # -- what came of it -----------------------------------------------------------------------------------------

    async def outcome(self, target: str = "", number: int = 1) -> Record:
        return await self._town.outcome(target, number=number)

    async def phase(self, target: str, phase: str, because: str = "") -> Record:
        def there() -> bool:
            return any(one["phase"] == phase and because in one["reason"] for one in self._town.records(target)[:1])

        await self._town.until(there, every=0.2)
        return self._town.records(target)[0]

    async def records(self) -> list[Record]:
        return [*self._town.records()]

    async def told(self, channel: str = "releases") -> list[str]:
        def all_told() -> bool:
            notices = itertools.chain.from_iterable(record["notices"] for record in self._town.records())
            return all(state == "sent" for notice in notices for state in notice["deliveries"].values())

        await self._town.until(all_told)
        return [notice.topic.value for notice, _ in self._town.channels[channel].told if notice.watch]

    async def acts(self, *, refused: bool = False) -> list[str]:
        return self._town.acts(refused=refused)

    async def version(self, name: str) -> str:
        return self._town.serving_image(name).rpartition(":")[2]

    async def colour(self, service: str) -> str:
        return self._town.colour(service)


def _application(behaviour: Behaviour) -> simulated.Behaviour:
    """Its metrics and health checks. A Service's requests are shared among its pods."""
    after = behaviour.after
    return simulated.Behaviour(
        dialect="fastapi",
        requests_per_second=behaviour.rps * REPLICAS,
        errors=simulated.Course.step(GOOD.errors, behaviour.errors, after=after),
        latency=_latency(GOOD),
        slow=_latency(behaviour),
        slow_after=after,
        cpu=simulated.Course.step(GOOD.cpu, behaviour.cpu, after=after),
        memory=simulated.Course(
            GOOD.memory * MEBIBYTE, behaviour.memory * MEBIBYTE, after=after, growth=behaviour.leak * MEBIBYTE
        ),
        health=simulated.Health.fails(
            after=after, answer="refused" if behaviour.health == "reset" else behaviour.health
        ),
    )


def _latency(behaviour: Behaviour) -> simulated.Latency:
    return simulated.Latency(behaviour.latency, 2.3 * behaviour.latency)


def _life(behaviour: Behaviour) -> PodBehaviour:
    lives = {
        "ready": PodBehaviour(ready_after=max(1.0, behaviour.ready_after)),
        "crash-loop": PodBehaviour.crash_loop(),
        "never-ready": PodBehaviour.never_ready(),
        "image-pull": PodBehaviour.cannot_pull(),
    }
    return lives[behaviour.pod]
