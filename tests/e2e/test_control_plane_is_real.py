"""The ground that the other end-to-end tests stand on: what is real is real, what is stood in for follows it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from e2e.controlplane.behaviour import GOOD, Behaviour
from e2e.controlplane.namespace import JSON_PATCH, Namespace
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.podnet import POD_PORT
from e2e.controlplane.prometheus import RealPrometheus

BLUE, GREEN = ({"app": "gateway", "colour": colour} for colour in ("blue", "green"))


async def test_a_rollout_makes_a_second_replica_set_whose_pods_get_ready_with_addresses(namespace: Namespace):
    await namespace.deploy("brand", "v1")
    await namespace.deploy("brand", "v2")

    revisions = {
        each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each["spec"]["replicas"]
        for each in await namespace.list("replicasets")
    }
    assert revisions == {"1": 0, "2": 2}
    new = [pod for pod in await namespace.list("pods") if image_of(pod).endswith(":v2")]
    assert len({pod["status"]["podIP"] for pod in new}) == 2
    assert all(condition(pod, "Ready") == "True" for pod in new)


async def test_endpoint_slices_and_traffic_follow_a_service_flip(namespace: Namespace, real_prometheus: RealPrometheus):
    for colour in (BLUE, GREEN):
        await namespace.deploy(f"gateway-{colour['colour']}", labels=colour, behind="gateway")
    await namespace.service("gateway", BLUE)

    async def served_by(colour: dict[str, str]) -> bool:
        wanted = {pod["metadata"]["name"] for pod in await namespace.list("pods", colour)}
        return await namespace.served_by("gateway") == wanted

    async def requests_of(colour: str) -> float:
        pods = f'namespace="{namespace.name}",pod=~"gateway-{colour}-.*"'
        found = await real_prometheus.query(f"sum(http_requests_total{{{pods}}})")
        return float(found[0]["value"][1]) if found else 0

    async def blue_has_traffic() -> bool:
        return await requests_of("blue") > 20

    async def green_has_traffic() -> bool:
        return await requests_of("green") > 20

    await namespace.until(lambda: served_by(BLUE), "the blue endpoints")
    await namespace.until(blue_has_traffic, "blue's requests")
    assert await requests_of("green") == 0

    await namespace.flip("gateway", GREEN)
    await namespace.until(lambda: served_by(GREEN), "the green endpoints")
    await namespace.until(green_has_traffic, "green's requests")
    blue = await requests_of("blue")
    await asyncio.sleep(3)
    assert await requests_of("blue") == blue


async def test_a_crash_loop_shows_as_the_kubelet_shows_it_and_its_restarts_rise(namespace: Namespace):
    await namespace.deploy("research", behaviour=Behaviour(pod="crash-loop"), replicas=1)

    async def waiting() -> dict[str, object] | None:
        for pod in await namespace.list("pods"):
            for each in pod["status"].get("containerStatuses", []):
                if each["restartCount"] >= 2:
                    return each
        return None

    container = await namespace.until(waiting, "a second restart")
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"]["terminated"]["exitCode"] == 1


@pytest.mark.parametrize(
    ("life", "reason"),
    [("image-pull", "ImagePullBackOff"), ("crash-late", "CrashLoopBackOff"), ("oom-loop", "CrashLoopBackOff")],
)
async def test_a_pod_can_come_to_wait(namespace: Namespace, life, reason):
    await namespace.deploy("content", behaviour=Behaviour(pod=life, after=1), replicas=1)

    async def waits() -> bool:
        statuses = [pod["status"].get("containerStatuses", []) for pod in await namespace.list("pods")]
        states = [each["state"] for one in statuses for each in one]
        return [state.get("waiting", {}).get("reason") for state in states] == [reason]

    await namespace.until(waits, reason)


@pytest.mark.parametrize("life", ["never-ready", "unready-late"])
async def test_a_running_pod_can_be_unready(namespace: Namespace, life):
    await namespace.deploy("content", behaviour=Behaviour(pod=life, after=1), replicas=1)

    async def runs_unready() -> bool:
        pods = await namespace.list("pods")
        return [(pod["status"]["phase"], condition(pod, "Ready")) for pod in pods] == [("Running", "False")]

    await namespace.until(runs_unready, "an unready pod")


async def test_a_stale_resource_version_is_a_conflict(namespace: Namespace):
    before = await namespace.deploy("agent", replicas=1)
    await namespace.patch("deployments", "agent", {"metadata": {"labels": {"seen": "once"}}})

    stale = {"metadata": {"resourceVersion": before["metadata"]["resourceVersion"], "labels": {"a": "b"}}}
    with pytest.raises(httpx.HTTPStatusError, match="object has been modified") as refused:
        await namespace.patch("deployments", "agent", stale)
    assert refused.value.response.status_code == 409


async def test_a_failing_json_patch_test_is_unprocessable(namespace: Namespace):
    await namespace.deploy("agent", replicas=1)

    with pytest.raises(httpx.HTTPStatusError) as refused:
        await namespace.patch(
            "deployments",
            "agent",
            [{"op": "test", "path": "/metadata/uid", "value": "another"}],
            JSON_PATCH,
        )
    assert refused.value.response.status_code == 422


async def test_a_user_may_do_what_it_was_given_and_the_audit_shows_exactly_its_writes(
    namespace: Namespace, audited: ControlPlane
):
    await namespace.deploy("brand", replicas=1)
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}]
    user = await namespace.user("watchdog", rules)
    brand, mark = namespace.path("deployments", "brand"), {"metadata": {"annotations": {"by": "watchdog"}}}

    async with user.access.client() as theirs:
        headers = {"Content-Type": "application/merge-patch+json"}
        assert (await theirs.get(brand)).status_code == 200
        tried = await theirs.patch(brand, json=mark, headers=headers, params={"dryRun": "All"})
        patched = await theirs.patch(brand, json=mark, headers=headers)
        refused = await theirs.delete(brand)
    assert [tried.status_code, patched.status_code, refused.status_code] == [200, 200, 403]

    writes = audited.audited_writes(user=user.name)
    assert [(each.verb, each.resource, each.name, each.code, each.dry_run) for each in writes] == [
        ("patch", "deployments", "brand", 200, True),
        ("patch", "deployments", "brand", 200, False),
        ("delete", "deployments", "brand", 403, False),
    ]
    assert writes[1].request == mark
    assert writes[1].namespace == namespace.name
    assert [each.resource for each in audited.audited_writes("e2e:admin", namespace.name)][:1] == ["deployments"]


async def test_prometheus_has_the_metrics_that_a_release_is_said_to_have(
    namespace: Namespace, real_prometheus: RealPrometheus
):
    await namespace.deploy("good", behaviour=GOOD, replicas=1)
    slow = Behaviour(errors=0.25, latency=0.4, cpu=0.7, memory=300, rps=50)
    await namespace.deploy("bad", behaviour=slow, replicas=1)
    scope = f'namespace="{namespace.name}"'

    async def by_pod(promql: str) -> dict[str, float]:
        found = await real_prometheus.query(promql)
        return {each["metric"]["pod"].split("-")[0]: float(each["value"][1]) for each in found}

    async def counted() -> bool:
        counts = await by_pod(f"sum by (pod) (http_requests_total{{{scope}}})")
        return len(counts) == 2 and min(counts.values()) > 100

    await namespace.until(counted, "a hundred requests of each pod")
    of_all = f"sum by (pod) (http_requests_total{{{scope}}})"
    errors = await by_pod(f'sum by (pod) (http_requests_total{{{scope},status="5xx"}}) / {of_all}')
    assert errors == {"bad": pytest.approx(0.25, abs=0.01)}  # no errors, no series
    p50 = f"histogram_quantile(0.5, http_request_duration_highr_seconds_bucket{{{scope}}})"
    assert await by_pod(p50) == {"bad": pytest.approx(0.4, abs=0.1), "good": pytest.approx(0.05, abs=0.01)}
    cpu = await by_pod(f'irate(container_cpu_usage_seconds_total{{{scope},container="app"}}[1m])')
    assert cpu == {"bad": pytest.approx(0.7, rel=0.2), "good": pytest.approx(0.1, rel=0.2)}
    memory = await by_pod(f"container_memory_working_set_bytes{{{scope}}}")
    assert memory == {"bad": 300 * 1024 * 1024, "good": 100 * 1024 * 1024}


@pytest.mark.usefixtures("traffic", "pod_network")
async def test_health_checks_reach_the_pods_by_their_addresses(namespace: Namespace):
    await namespace.deploy("brand", replicas=1)
    (pod,) = await namespace.list("pods")
    url = f"http://{pod['status']['podIP']}:{POD_PORT}/health"

    async with httpx.AsyncClient(trust_env=False) as probe:

        async def answers(status: int) -> bool:
            try:
                return (await probe.get(url)).status_code == status
            except httpx.TransportError:
                return False

        await namespace.until(lambda: answers(200), "a healthy answer")
        await namespace.behave(pod["metadata"]["name"], Behaviour(health=503))
        await namespace.until(lambda: answers(503), "an unhealthy answer")
        await namespace.behave(pod["metadata"]["name"], Behaviour(health="reset"))

        async def is_reset() -> bool:
            try:
                await probe.get(url)
            except httpx.TransportError:
                return True
            return False

        await namespace.until(is_reset, "a reset")


def image_of(pod: dict) -> str:
    return pod["spec"]["containers"][0]["image"]


def condition(pod: dict, kind: str) -> str | None:
    found = [each["status"] for each in pod["status"].get("conditions", []) if each["type"] == kind]
    return found[0] if found else None
