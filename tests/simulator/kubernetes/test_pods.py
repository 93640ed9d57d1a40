"""Pods of the simulated cluster live, crash and end as their behaviour says."""

import itertools
from datetime import timedelta
from typing import Any

from simulator.kubernetes.building import NOON, SHOP, a_cluster
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.objects import condition_of, is_true
from watchdog.simulator.pod_behaviour import PodBehaviour


def the_pod(cluster: SimulatedCluster) -> dict[str, Any]:
    (pod,) = cluster.pods(SHOP)
    return pod


def container(cluster: SimulatedCluster) -> dict[str, Any]:
    status: dict[str, Any] = the_pod(cluster)["status"]["containerStatuses"][0]
    return status


def waiting(cluster: SimulatedCluster) -> str:
    if not cluster.pods(SHOP) or "containerStatuses" not in the_pod(cluster)["status"]:
        return ""
    return str(container(cluster)["state"].get("waiting", {}).get("reason", ""))


def test_a_crash_loop_backs_off_longer_each_time() -> None:
    async def main() -> None:
        async with a_cluster(bad=PodBehaviour.crash_loop(after=2)) as cluster:
            cluster.deploy(SHOP, "gateway", "gateway:bad", replicas=1)
            restarts: list[tuple[float, int]] = []

            def look(_: object) -> None:
                for pod in cluster.pods(SHOP):
                    for status in pod["status"].get("containerStatuses", ()):
                        if status["restartCount"] > len(restarts):
                            restarts.append(((cluster.now() - NOON).total_seconds(), status["restartCount"]))

            cluster.on_change(look)
            await cluster.until(lambda: len(restarts) == 5)
            waits = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(restarts)]
            assert [round(wait) for wait in waits] == [13, 23, 43, 83]
            await cluster.until(lambda: waiting(cluster) == "CrashLoopBackOff")
            last = container(cluster)["lastState"]["terminated"]
            assert (last["reason"], last["exitCode"]) == ("Error", 1)
            assert container(cluster)["state"]["waiting"]["message"].startswith("back-off 2m40s restarting failed")
            assert not is_true(the_pod(cluster), "Ready")

    run_simulated(main())


def test_a_container_that_runs_out_of_memory_is_ready_in_between() -> None:
    async def main() -> None:
        async with a_cluster(leak=PodBehaviour.oom_kills(after=30)) as cluster:
            cluster.deploy(SHOP, "gateway", "gateway:leak", replicas=1)
            await cluster.until(lambda: cluster.ready_pods(SHOP, "gateway"))
            await cluster.until(lambda: container(cluster)["restartCount"] == 1)
            assert container(cluster)["lastState"]["terminated"]["reason"] == "OOMKilled"
            await cluster.until(lambda: cluster.ready_pods(SHOP, "gateway"))
            await cluster.until(lambda: container(cluster)["restartCount"] == 2)

    run_simulated(main())


def test_an_image_that_is_not_there_is_asked_for_again_and_again() -> None:
    async def main() -> None:
        async with a_cluster(gone=PodBehaviour.cannot_pull()) as cluster:
            cluster.deploy(SHOP, "gateway", "gateway:gone", replicas=1)
            await cluster.until(lambda: waiting(cluster) == "ErrImagePull")
            await cluster.until(lambda: waiting(cluster) == "ImagePullBackOff")
            await cluster.until(lambda: waiting(cluster) == "ErrImagePull")
            assert the_pod(cluster)["status"]["phase"] == "Pending"
            assert container(cluster)["restartCount"] == 0

    run_simulated(main())


def test_a_pod_without_a_node_says_so_and_finds_one_later() -> None:
    async def main() -> None:
        room = {"is": False}
        cluster = a_cluster()
        cluster._nodes._behaviour_of = lambda _: PodBehaviour(schedulable=room["is"])
        async with cluster:
            cluster.deploy(SHOP, "gateway", replicas=1)
            await cluster.settled()
            said = condition_of(the_pod(cluster), "PodScheduled")
            assert said is not None
            assert (said["status"], said["reason"]) == ("False", "Unschedulable")
            assert "nodeName" not in the_pod(cluster)["spec"]
            room["is"] = True
            cluster.reschedule()
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))

    run_simulated(main())


def test_readiness_comes_and_goes() -> None:
    async def main() -> None:
        shaky = PodBehaviour(ready_after=2, unready_after=10, ready_again_after=5)
        async with a_cluster(shaky=shaky) as cluster:
            cluster.deploy(SHOP, "gateway", "gateway:shaky", replicas=1)
            turns = []
            for ready in (True, False, True):
                await cluster.until(lambda ready=ready: bool(cluster.ready_pods(SHOP, "gateway")) is ready)  # type: ignore[misc]
                turns.append((cluster.now() - NOON).total_seconds())
            assert turns == [2, 12, 17]
            cluster.set_ready(SHOP, the_pod(cluster)["metadata"]["name"], ready=False)
            assert not cluster.ready_pods(SHOP, "gateway")

    run_simulated(main())


def test_an_evicted_pod_stays_as_a_failed_one_and_is_replaced() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=2)
            cluster.service(SHOP, "gateway")
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            name = cluster.pods(SHOP)[0]["metadata"]["name"]
            cluster.evict(SHOP, name)
            await cluster.settled()
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            evicted = cluster.get("pods", SHOP, name)
            assert (evicted["status"]["phase"], evicted["status"]["reason"]) == ("Failed", "Evicted")
            assert len(cluster.pods(SHOP)) == 3
            (endpoints,) = cluster.list("endpointslices", SHOP)
            assert name not in str(endpoints["endpoints"])

    run_simulated(main())


def test_a_killed_container_is_restarted_in_its_pod() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=1)
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            name = the_pod(cluster)["metadata"]["name"]
            cluster.kill(SHOP, name, reason="OOMKilled")
            assert not cluster.ready_pods(SHOP, "gateway")
            await cluster.until(lambda: cluster.ready_pods(SHOP, "gateway"))
            assert the_pod(cluster)["metadata"]["name"] == name
            assert container(cluster)["restartCount"] == 1

    run_simulated(main())


def test_a_lost_node_keeps_its_pods_as_terminating_ones() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=3)
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            lost = next(pod for pod in cluster.pods(SHOP) if pod["spec"]["nodeName"] == "node-2")
            cluster.lose_node("node-2", evict_after=300)
            await cluster.settled()
            assert len(cluster.ready_pods(SHOP, "gateway")) == 2
            await cluster.until(lambda: len(cluster.ready_pods(SHOP, "gateway")) == 3)
            assert cluster.now() - NOON > timedelta(seconds=300)
            await cluster._clock.sleep(100)
            assert "deletionTimestamp" in cluster.get("pods", SHOP, lost["metadata"]["name"])["metadata"]
            cluster.restore_node("node-2")
            assert cluster.find("pods", SHOP, lost["metadata"]["name"]) is None

    run_simulated(main())


def test_a_pod_that_shuts_down_serves_no_new_requests_and_goes_in_its_time() -> None:
    async def main() -> None:
        async with a_cluster(slow=PodBehaviour(shutdown=12)) as cluster:
            cluster.deploy(SHOP, "gateway", "gateway:slow", replicas=1)
            cluster.service(SHOP, "gateway")
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            began, name = cluster.now(), the_pod(cluster)["metadata"]["name"]
            cluster.delete("pods", SHOP, name)
            await cluster.settled()
            (slice_,) = cluster.list("endpointslices", SHOP)
            leaving = next(each for each in slice_["endpoints"] if each["targetRef"]["name"] == name)
            assert leaving["conditions"] == {"ready": False, "serving": True, "terminating": True}
            (rs,) = cluster.list("rs", SHOP)
            assert rs["status"]["terminatingReplicas"] == 1
            await cluster.until(lambda: cluster.find("pods", SHOP, name) is None)
            assert cluster.now() - began == timedelta(seconds=12)

    run_simulated(main())


def test_addresses_lie_on_loopback_and_named_ports_are_resolved() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.service(SHOP, "gateway")
            cluster.deploy(SHOP, "gateway", replicas=2, port=3000)
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            await cluster.settled()
            (slice_,) = cluster.list("endpointslices", SHOP)
            addresses = [each["addresses"][0] for each in slice_["endpoints"]]
            assert sorted(addresses) == ["127.77.0.1", "127.77.0.2"]
            assert slice_["ports"] == [{"name": "http", "port": 3000, "protocol": "TCP"}]
            cluster.flip(SHOP, "gateway", {"app": "nobody"})
            await cluster.settled()
            (slice_,) = cluster.list("endpointslices", SHOP)
            assert (slice_["endpoints"], slice_["ports"]) == (None, None)

    run_simulated(main())
