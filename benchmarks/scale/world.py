"""The cluster of the bench: N Deployments of two pods in a simulated API server, in a process of its own.

python -m benchmarks.scale.world TARGETS POD_PORT KUBECONFIG
"""

import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.scale.lines import answering
from benchmarks.scale.plan import KINDS, OWN, PART_OF, RECORDS, REPLICAS, UNTOUCHED, name_of, namespace_of
from watchdog.adapters.clock import SystemClock
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.calls import LoggedRequest, WriteAttempt
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour

_ROLLED_OUT_WITHIN = 1800.0
_MOST_LAG = 0.2
_AT_ONE_MOMENT = 1000  # Deployments made: the simulator takes too many at once for controllers that do not come to rest


class World:
    """What the bench asks of the cluster."""

    def __init__(self, cluster: SimulatedCluster, targets: int) -> None:
        self._cluster = cluster
        self._targets = targets
        self._patches: dict[str, float] = {}
        self._kinds: Counter[str] = Counter()
        self._records: Counter[str] = Counter()
        self._releasing: asyncio.Task[float] | None = None
        cluster.after_write(self._written)

    def _written(self, write: WriteAttempt) -> None:
        if write.dry_run:
            return
        self._kinds[KINDS.get(write.resource, "others")] += 1
        name = write.name or (write.body or {}).get("metadata", {}).get("name", "")
        if write.resource == "configmaps" and name.startswith(RECORDS):
            self._records[name] += 1
        if write.resource == "deployments":
            self._patches.setdefault(write.name, time.time())

    async def answer(self, request: Mapping[str, Any]) -> Any:
        """One request of the bench."""
        match request["what"]:
            case "release":
                self._releasing = asyncio.create_task(
                    self._release(request["within"], request.get("count", self._targets))
                )
                return None
            case "released":
                assert self._releasing is not None
                return self._releasing.result() if self._releasing.done() else None
            case "pods":
                apps = None if (named := request.get("apps")) is None else set(named)
                # Of thousands few are asked for, again and again: the API server stands still meanwhile.
                wanted = (
                    pod for pod in self._cluster.pods() if apps is None or pod["metadata"]["labels"]["app"] in apps
                )
                return [told(pod) for pod in wanted if is_up(pod)]
            case "patches":
                return self._patches
            case "reads":
                return reads(self._cluster.requests)
            case "writes":
                return {"kinds": self._kinds, "records": sorted(self._records.values())}
        raise ValueError(request)

    async def _release(self, within: float, count: int) -> float:
        """A new image for so many Deployments, evenly spread; returns when they are rolled out, with the seconds it took."""
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(began + within * number / count - time.monotonic())
            await _keeping_up()
            self._cluster.deploy(namespace_of(number, self._targets), name_of(number), "app:v2")
        for number in range(count):
            place = namespace_of(number, self._targets), name_of(number)
            while not self._cluster.rolled_out(*place):
                await asyncio.sleep(0.2)
                if time.monotonic() - began > within + _ROLLED_OUT_WITHIN:
                    raise TimeoutError(f"{place} is not rolled out")
        return time.monotonic() - began


async def _keeping_up() -> None:
    """Wait until the API server answers at once: its own controllers must not be what is measured."""
    lag = 1.0
    while lag > _MOST_LAG:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        lag = time.monotonic() - began - 0.01


def is_up(pod: Mapping[str, Any]) -> bool:
    """Whether it has an address and is not on its way out."""
    return bool(pod["status"].get("podIP")) and "deletionTimestamp" not in pod["metadata"]


def told(pod: Mapping[str, Any]) -> dict[str, str]:
    """What the exporter has to know of it."""
    metadata = pod["metadata"]
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "app": metadata["labels"]["app"],
        "image": pod["spec"]["containers"][0]["image"],
    }


def reads(requests: Sequence[LoggedRequest]) -> dict[str, int]:
    """How often Deployments were listed, and watches of them opened: what holds for one kind holds for each."""
    gets = (one for one in requests if one.method == "GET" and "labelSelector" not in one.query)
    of_all = [one for one in gets if one.path.endswith("/deployments")]
    watches = sum("watch" in one.query for one in of_all)
    return {"lists": len(of_all) - watches, "watches": watches}


async def main() -> None:
    """Serve until standard input ends."""
    targets, port, kubeconfig = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    with free_octet() as octet:
        past = timedelta(hours=1)
        cluster = SimulatedCluster(SystemClock(), octet, lambda _pod: PodBehaviour(ready_after=1.0), past=past)
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        gc.disable()  # millions of dicts that stay: looking through them again and again takes longer than making them
        for number in range(targets + UNTOUCHED):
            if number % _AT_ONE_MOMENT == 0:
                cluster.pass_by(timedelta(seconds=1))
            place = namespace_of(number, targets), name_of(number)
            cluster.deploy(*place, "app:v1", replicas=REPLICAS, labels=PART_OF, port=port)
        async with cluster:
            gc.freeze()
            gc.enable()
            cluster.kubeconfig(kubeconfig)
            await answering(World(cluster, targets).answer)


if __name__ == "__main__":
    asyncio.run(main())
