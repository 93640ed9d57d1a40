"""A day in the life of a small cluster: three services that run now, and what Prometheus remembers of them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.backtest.history import build
from benchmarks.backtest.plan import NAMESPACE, Fault, Plan, Pod

from simulator.prometheus.real import prometheus
from watchdog.adapters.clock import SystemClock
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.cluster import SimulatedCluster

FAULTS = (Fault.MANY_ERRORS, Fault.FEW_ERRORS, Fault.SLOW, Fault.CPU)
PART_OF = {"app.kubernetes.io/part-of": "plasma-engine"}
SERVED = timedelta(hours=3)  # how long what runs today has run
AHEAD = timedelta(minutes=10)  # samples are there a little longer than anybody looks


@dataclass(frozen=True)
class Past:
    """What is asked, what to ask about, and the cluster's address."""

    prometheus: str
    kubeconfig: Path
    plan: Plan

    def release(self, fault: Fault) -> tuple[str, datetime]:
        """The target and the moment of the release that was bad in this way."""
        return next((one.target, one.at) for one in self.plan.releases if one.fault is fault)


@asynccontextmanager
async def a_past(folder: Path) -> AsyncIterator[Past]:
    """Serve both until left. The Prometheus is a real one; its pods of today are the cluster's."""
    clock = SystemClock()
    end = clock.now().replace(second=0, microsecond=0) + AHEAD
    plan = Plan(days=1, services=3, switches=8, bad=len(FAULTS), shared=0, end=end, faults=FAULTS)
    async with AsyncExitStack() as stack:
        cluster = SimulatedCluster(clock, stack.enter_context(free_octet()), past=SERVED)
        for name in plan.names:
            cluster.deploy(NAMESPACE, name, f"{name}:1.4.0", replicas=2, labels=PART_OF)
            cluster.service(NAMESPACE, name)
        cluster.pass_by(SERVED)
        await stack.enter_async_context(cluster)
        plan = _of_today(plan, [str(pod["metadata"]["name"]) for pod in cluster.pods(NAMESPACE)])
        with _remembered(plan, folder) as url:
            yield Past(url, cluster.kubeconfig(folder / "kubeconfig"), plan)


@contextmanager
def _remembered(plan: Plan, folder: Path) -> Iterator[str]:
    build(plan, folder)
    with prometheus("global: {}\n", folder) as real:
        yield real.url


def _of_today(plan: Plan, living: list[str]) -> Plan:
    """The plan with what serves at its end called as the cluster's pods are."""
    now = {pod.service: pod.template for pod in plan.pods if pod.ended is None}
    names = {service: [name for name in living if name.startswith(f"{service}-")] for service in now}
    hashes = {service: pods[0].split("-")[1] for service, pods in names.items()}

    def template(service: str, was: str) -> str:
        return hashes[service] if was == now[service] else was

    def renamed(pod: Pod) -> Pod:
        known = template(pod.service, pod.template)
        suffix = pod.name.rsplit("-", 1)[1]
        name = names[pod.service].pop() if pod.ended is None else f"{pod.service}-{known}-{suffix}"
        return replace(pod, template=known, name=name)

    releases = tuple(replace(one, template=template(one.service, one.template)) for one in plan.releases)
    pods = tuple(renamed(pod) for pod in plan.pods)
    object.__setattr__(plan, "releases", releases)
    object.__setattr__(plan, "pods", pods)
    return plan
