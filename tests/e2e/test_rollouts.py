"""Argo Rollouts under their real controller, aborted where that has an effect, and what a Flagger Canary names."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import yaml

from e2e.channels import Webhook
from e2e.controlplane.behaviour import GOOD, Behaviour
from e2e.controlplane.controllers import ARGO, SOURCES
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.processes import Child, free_ports
from e2e.guarding import Guarding, rules_for_runners, rules_of_kind
from e2e.interception import Interception
from e2e.season import ENOUGH_REQUESTS, Scraped
from e2e.test_other_kinds import FAILING, Scene, template
from stage import Story
from watchdog.domain.rollout import TargetKind

pytestmark = pytest.mark.timeout(300)

UNREADY = Behaviour(pod="unready-late", after=20.0)

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def install(api: httpx.AsyncClient) -> None:
    """Both projects' definitions, as they ship them."""
    names = []
    for definition in [one for source in SOURCES.values() for one in source.definitions]:
        for body in filter(None, yaml.safe_load_all(definition.read_text())):
            answer = await api.post(_DEFINITIONS, json=body)
            assert answer.status_code in (201, 409), answer.text
            names.append(body["metadata"]["name"])
    for name in names:
        for _ in range(200):
            conditions = (await api.get(f"{_DEFINITIONS}/{name}")).json().get("status", {}).get("conditions", ())
            if any(one["type"] == "Established" and one["status"] == "True" for one in conditions):
                break
            await asyncio.sleep(0.1)


async def furnish(home: Namespace, left: Namespace) -> None:
    labels = {"app.kubernetes.io/part-of": "e2e"}
    steps = [{"setWeight": 50}, {"pause": {}}]
    spec = {"replicas": 4, "selector": {"matchLabels": {"app": "search"}}, "template": template("search", "v1", GOOD)}
    rollout = {"metadata": {"name": "search", "labels": labels}, "spec": spec}
    spec["strategy"] = {"canary": {"steps": steps}}
    await home.create("rollouts", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", **rollout})
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "shop"}}, "template": template("shop", "v1", GOOD)}
    await left.create("deployments", {"metadata": {"name": "shop", "labels": labels}, "spec": spec})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    canary = {
        "targetRef": target,
        "service": {"port": 80},
        "analysis": {"interval": "1m", "threshold": 5, "iterations": 10},
    }
    body = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": {"name": "mine"}, "spec": canary}
    await left.create("canaries", body)


async def furnish_colours(home: Namespace, prometheus: str) -> None:
    """Two in blue and green, whose analyses after the switch take as long as they are let."""
    always = {"address": prometheus, "query": "vector(1)"}
    metrics = [{"name": "slow", "interval": "5s", "count": 1000, "provider": {"prometheus": always}}]
    analysis = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "slow"}}
    await home.create("analysistemplates", {**analysis, "spec": {"metrics": metrics}})
    for name in ("colours", "late"):
        labels = {"app": name}
        service = {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]}
        await home.create("services", {"metadata": {"name": name}, "spec": service})
        slow = {"templates": [{"templateName": "slow"}]}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template(name, "v1", GOOD)}
        spec["strategy"] = {"blueGreen": {"activeService": name, "postPromotionAnalysis": slow}}
        metadata = {"name": name, "labels": {"app.kubernetes.io/part-of": "e2e"}}
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": spec}
        await home.create("rollouts", body)


async def active(home: Namespace, name: str) -> str:
    """The hash of what the active Service reaches."""
    return str((await home.get("services", name))["spec"]["selector"].get("rollouts-pod-template-hash", ""))


async def a_bad_green_is_aborted_while_its_analysis_runs(scene: Scene) -> None:
    home = scene.home
    blue = await active(home, "colours")
    await home.patch("rollouts", "colours", {"spec": {"template": template("colours", "v2", FAILING)}})
    record = await scene.outcome("colours")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    status = (await home.get("rollouts", "colours"))["status"]
    assert (status["abort"], status["phase"], status["stableRS"]) == (True, "Degraded", blue)
    assert await active(home, "colours") == blue

    async def alone() -> bool:
        return await scene.versions("colours") == ["v1"] * 2

    await home.until(alone, "blue to serve alone", within=90)


async def an_abort_would_not_help_a_green_whose_pods_are_not_ready(scene: Scene) -> None:
    home = scene.home
    blue = await active(home, "late")
    await home.patch("rollouts", "late", {"spec": {"template": template("late", "v2", UNREADY)}})
    held = await scene.record("late", lambda one: one["phase"] == "holding" or one["outcome"] is not None)
    assert (held["phase"], held["refusal"]) == ("holding", "not-reached"), held["reason"]
    assert "not all of its pods are ready (0 of 2)" in held["reason"]
    assert f"kubectl argo rollouts undo late -n {home.name} --to-revision=1" in held["reason"]
    green = await active(home, "late")
    assert green != blue

    # That it is so: a person aborts all the same, and the controller leaves the traffic where it is.
    await patch_status(home, "late", {"abort": True})

    async def degraded() -> bool:
        return (await home.get("rollouts", "late"))["status"].get("phase") == "Degraded"

    await home.until(degraded, "the abort to be taken up", within=60)
    await asyncio.sleep(15)
    assert await active(home, "late") == green
    # What the sentence says to type, as its plugin does it.
    await home.patch("rollouts", "late", {"spec": {"template": template("late", "v1", GOOD)}})

    async def back() -> bool:
        return await active(home, "late") == blue

    await home.until(back, "the undo to give the traffic back", within=60)


async def patch_status(home: Namespace, name: str, status: dict[str, object]) -> None:
    """As the plugin of Argo Rollouts does."""
    answer = await home.api.patch(
        home.path("rollouts", name) + "/status",
        json={"status": status},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.is_success, answer.text


async def a_bad_canary_is_aborted_and_stable_serves_alone(scene: Scene) -> None:
    home = scene.home
    await home.patch("rollouts", "search", {"spec": {"template": template("search", "v2", FAILING)}})
    record = await scene.outcome("search")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    rollout = await home.get("rollouts", "search")
    status = rollout["status"]
    assert (status["abort"], status["phase"]) == (True, "Degraded")
    assert status["stableRS"] != status["currentPodHash"]
    # By this a repeat after a crash knows its own act: the controller, which writes that status, leaves it ours.
    (ours,) = [one for one in rollout["metadata"]["managedFields"] if one["manager"] == "rollback-watchdog"]
    assert (ours["subresource"], ours["fieldsV1"]) == ("status", {"f:status": {"f:abort": {}}})

    async def alone() -> bool:
        return [*await scene.versions("search")] == ["v1"] * 4

    await home.until(alone, "stable to serve alone", within=60)
    # A person deploys a mended one, and promotes it as their plugin does: it is watched as any other.
    await home.patch("rollouts", "search", {"spec": {"template": template("search", "v3", GOOD)}})
    await scene.record("search", lambda one: one["phase"] == "watching", number=2)
    await patch_status(home, "search", {"promoteFull": True})
    mended = await scene.record("search", lambda one: one["outcome"] is not None, number=2)
    assert mended["outcome"] == "passed", mended["reason"]


async def what_a_canary_names_is_left_to_it(scene: Scene) -> None:
    await scene.home.patch("deployments", "shop", {"spec": {"template": template("shop", "v2", FAILING)}})
    record = await scene.outcome("shop")
    assert record["outcome"] == "held", record["reason"]
    assert record["refusal"] == "owned"
    assert f"kubectl -n {scene.home.name} rollout undo deployment/shop" in record["reason"]


def started(plane: ControlPlane, home: Namespace, directory: Path) -> Child:
    """The real controller, in the one namespace."""
    kubeconfig = plane.admin.write_kubeconfig(directory / "controller", home.name)
    metrics, health = free_ports(2)
    ports = [f"--metricsPort={metrics}", f"--healthzPort={health}"]
    where = [f"--kubeconfig={kubeconfig}", f"--namespace={home.name}", "--namespaced", "--leader-elect=false"]
    return Child("rollouts-controller", [str(SOURCES[ARGO].program), *where, *ports], directory)


async def test_a_rollout_is_aborted_and_a_canary_left_alone(
    audited: ControlPlane, scraped: Scraped, tmp_path: Path
) -> None:
    if not SOURCES[ARGO].program.exists():
        pytest.fail("Argo Rollouts is not built; `make e2e` builds what is missing", pytrace=False)

    def guarded(more: str) -> Story:
        return Story(what_a_canary_names_is_left_to_it, (), ("error-rate", "crash"), "30s", more=more)  # type: ignore[arg-type]

    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(audited.admin.client())
        await install(api)
        home, left, own = [await Namespace.make(audited, api) for _ in range(3)]
        controller = started(audited, home, tmp_path)
        stack.callback(controller.end)
        webhook = await stack.enter_async_context(Webhook())
        interception = await stack.enter_async_context(Interception(audited.admin))
        prometheus = scraped("1s")
        (tmp_path / "watchdog").mkdir()
        guards = {
            home.name: guarded('kinds = ["rollout"]\naction = "abort"').guard(home.name),
            left.name: guarded("").guard(left.name),
        }
        guarding = await Guarding.prepare(
            "watchdog", own, guards, prometheus.url, webhook, interception, tmp_path / "watchdog", intercepted=False
        )
        await home.allow(guarding.user, rules_of_kind(TargetKind.ROLLOUT))
        await left.allow(guarding.user, rules_for_runners())
        stack.callback(guarding.daemon.clean_up)
        await furnish(home, left)
        await furnish_colours(home, prometheus.url)

        async def enough() -> bool:
            found = await prometheus.query(
                f'sum by (pod) (http_requests_total{{namespace=~"{home.name}|{left.name}"}})'
            )
            counts = [float(one["value"][1]) for one in found]
            return len(counts) >= 10 and min(counts) >= ENOUGH_REQUESTS / 2

        await home.until(enough, f"the requests before the releases\n{controller.last_words()}", within=90)
        await guarding.daemon.start()
        await guarding.knows(home.name, {"rollout.search", "rollout.colours", "rollout.late"})
        await guarding.knows(left.name, {"deployment.shop"})
        admin = audited.admin.write_kubeconfig(tmp_path / "admin")
        told = await asyncio.gather(
            a_bad_canary_is_aborted_and_stable_serves_alone(Scene(home, guarding, admin)),
            a_bad_green_is_aborted_while_its_analysis_runs(Scene(home, guarding, admin)),
            an_abort_would_not_help_a_green_whose_pods_are_not_ready(Scene(home, guarding, admin)),
            what_a_canary_names_is_left_to_it(Scene(left, guarding, admin)),
            return_exceptions=True,
        )
        assert told == [None] * 4, told
        assert sorted(await guarding.acts(home.name)) == ["rollouts/colours/status", "rollouts/search/status"]
        assert await guarding.acts(home.name, refused=True) == []
        assert await guarding.acts(left.name) == []
        assert await guarding.daemon.terminate() == 0
        for one in (home, left, own):
            await one.remove()
