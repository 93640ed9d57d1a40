"""A town before its first rules.toml: what `init` writes for it, and series that its applications do not make."""

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from survey.scenes import checked, problems
from town import NAMESPACE, OWN, Town, tell
from watchdog.domain.rules import Guard
from watchdog.remote import look_around
from watchdog.rulebook import read_rules
from watchdog.settings import load
from watchdog.survey.first_rules import FirstRules

FINE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
COARSE = (0.1, 10.0)


async def looked(here: Town, *namespaces: str, **settings: Any) -> FirstRules:
    """What `init` finds with an administrator's kubeconfig."""
    given = {
        "kubeconfig": here.cluster.kubeconfig(here.folder / "kubeconfig"),
        "prometheus_url": here.prometheus.url,
        "namespace": OWN,
    } | settings
    return await look_around(load(**given), here.clock, namespaces)


def first_look(furnish: Callable[[Town], None], plant: Callable[[Town], None] = lambda _here: None) -> FirstRules:
    """What `init` writes for this town, after `check --live` has found nothing wrong with it."""
    found: list[FirstRules] = []

    async def look(here: Town) -> None:
        plant(here)
        first = await looked(here)
        findings = await checked(here, first.text)
        assert [one for one in findings if one.level == "error"] == [], (problems(findings), first.text)
        found.append(first)

    tell(look, furnish, start=False)
    return found[0]


def guards_of(first: FirstRules) -> dict[str, Guard]:
    """Its guards by the targets that they name."""
    return {str(target): guard for guard in read_rules(first.text).guards for target in guard.targets}


def rules_of(guard: Guard) -> list[str]:
    return [rule.name for rule in guard.rules]


def flat(first: FirstRules) -> str:
    """The text with its comments unwrapped."""
    return " ".join(first.text.replace("#", " ").split())


class Planted:
    """Counters of each pod of a Deployment over the last hour, scraped each `step` seconds, under labels of choice."""

    def __init__(self, here: Town, name: str, *, step: float = 15.0, namespace: str = NAMESPACE) -> None:
        self._here, self._step, self._namespace = here, step, namespace
        self._pods = [
            str(pod["metadata"]["name"])
            for pod in here.cluster.pods()
            if str(pod["metadata"]["name"]).startswith(f"{name}-")
        ]
        assert self._pods

    def counter(self, metric: str, per_second: float, pod: Mapping[str, str], **labels: str) -> None:
        """`pod` names the labels that hold the namespace and the pod, as {"exported_pod": "pod"}; so much each pod."""
        now = self._here.clock.now()
        for name in self._pods:
            values = {"namespace": self._namespace, "pod": name}
            placed = {label: values.get(what, what) for label, what in pod.items()}
            for count in itertools.count():
                age = 3600 - count * self._step
                if age < 0:
                    break
                at = now - timedelta(seconds=age)
                self._here.prometheus.tsdb.add(metric, {**placed, **labels}, at, per_second * (3600 - age))

    def histogram(
        self, name: str, per_second: float, p95: float, bounds: tuple[float, ...], pod: Mapping[str, str], **labels: str
    ) -> None:
        """All requests take from nothing to p95 / 0.95 seconds, evenly."""
        longest = p95 / 0.95
        for bound in bounds:
            self.counter(f"{name}_bucket", per_second * min(1.0, bound / longest), pod, **labels, le=f"{bound:g}")
        self.counter(f"{name}_bucket", per_second, pod, **labels, le="+Inf")
        self.counter(f"{name}_count", per_second, pod, **labels)
        self.counter(f"{name}_sum", per_second * longest / 2, pod, **labels)


PLAIN = {"namespace": "namespace", "pod": "pod"}


def silent(*names: str, **more: Any) -> Callable[[Town], None]:
    """Deployments to which no Service leads: what Prometheus has of their requests is planted."""

    def furnish(here: Town) -> None:
        for name in names:
            here.cluster.deploy(NAMESPACE, name, f"{name}:v1", replicas=2, **more)

    return furnish
