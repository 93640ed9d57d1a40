"""deploy/ on the real control plane: installed by kustomize and by Helm, at work with what its Roles grant, short of
one verb, and uninstalled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from e2e.channels import Webhook
from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.prometheus import RealPrometheus
from e2e.daemon import Daemon, verb
from e2e.guarding import Guarding
from e2e.installing import (
    CLUSTER_KINDS,
    GUARDED,
    KINDS,
    NAME,
    OWN,
    ByHelm,
    ByKustomize,
    Installer,
    Kubectl,
    installed_user,
)
from e2e.interception import Interception
from e2e.real_stage import RealStage
from stage import App, Story, rules_text

pytestmark = [pytest.mark.timeout(400), pytest.mark.deploy]

SCENE = (App("research"),)
FAILING = Behaviour(errors=0.5)
RECORD = "rollback-watchdog.dev/record"


async def _story(_: object) -> None:
    """Told by the test."""


RULES = rules_text(Story(_story, SCENE, ("error-rate", "crash"), bake="60s").guard(GUARDED))


@dataclass
class Place:
    """A cluster into which nothing is installed yet, and its administrator."""

    kubectl: Kubectl
    own: Namespace
    home: Namespace
    installer: Installer


@pytest.fixture(params=["kustomize", "helm"])
async def place(request: pytest.FixtureRequest, audited: ControlPlane, tmp_path: Path) -> AsyncIterator[Place]:
    kubectl = Kubectl(audited, tmp_path)
    files = tmp_path / "overlay"
    files.mkdir()
    installer: Installer = ByKustomize(kubectl, files) if request.param == "kustomize" else ByHelm(audited, tmp_path)
    async with audited.admin.client() as api:
        kubectl("apply", "-k", "deploy/kustomize/namespace")
        kubectl("create", "namespace", GUARDED)
        own, home = Namespace(audited, api, OWN), Namespace(audited, api, GUARDED)

        async def account() -> bool:
            return (await api.get(home.path("serviceaccounts", "default"))).is_success

        await home.until(account, "the default ServiceAccount")
        yield Place(kubectl, own, home, installer)
        await asyncio.to_thread(installer.uninstall)  # what is cluster-wide, too, of a test that failed
        await asyncio.to_thread(kubectl, "delete", "namespace", OWN, GUARDED, "--timeout=90s")


async def test_it_is_installed_does_its_job_with_its_own_rights_and_is_gone_again(
    place: Place, real_prometheus: RealPrometheus, tmp_path: Path
) -> None:
    kubectl, own, home = place.kubectl, place.own, place.home
    beforehand = kubectl.listed(CLUSTER_KINDS)

    await asyncio.to_thread(place.installer.install, RULES)
    # Two replicas under PodSecurity `restricted`, which refuses what is not.
    await asyncio.to_thread(kubectl, "-n", OWN, "rollout", "status", f"deployment/{NAME}", "--timeout=90s")
    assert (await own.get("deployments", NAME))["status"]["readyReplicas"] == 2

    user = await installed_user(own, tmp_path)
    rules = tmp_path / "rules.toml"
    rules.write_text((await own.get("configmaps", f"{NAME}-rules"))["data"]["rules.toml"])
    async with Webhook() as webhook, Interception(own.plane.admin) as interception:
        settings = {
            "RULES": str(rules),
            "KUBECONFIG": str(user.kubeconfig),
            "NAMESPACE": OWN,
            "PROMETHEUS_URL": real_prometheus.url,
            "SECRET_RELEASES_URL": webhook.url(f"{NAME}-releases"),
            "SECRET_ONCALL_URL": webhook.url(f"{NAME}-oncall"),
        }
        daemon = Daemon(tmp_path, settings | {"LISTEN": "127.0.0.1:0"})
        guarding = Guarding(own, user, daemon, webhook, interception, [], 0.0, asyncio.Lock())
        stage = RealStage(home, guarding)
        refused = own.plane.refusals(user.name)  # of the installation before: the account's name is the same
        try:
            await _a_bad_release_is_undone(stage, daemon)
            assert own.plane.refusals(user.name) == refused
            await _its_rules_are_out_of_its_reach(user.access.client(), own)
            await asyncio.to_thread(place.installer.install, RULES)  # again: nothing changes, nothing is in its way
            await daemon.terminate()
            await _short_of_one_verb(place, daemon, settings)
            assert await daemon.terminate() == 0
        finally:
            daemon.clean_up()

    await asyncio.to_thread(place.installer.uninstall)
    assert kubectl.listed(CLUSTER_KINDS) == beforehand
    assert kubectl.listed(KINDS, "-n", GUARDED) == {f"Deployment/{GUARDED}/research"}
    await _nothing_is_left_but_the_records(kubectl, own)


async def _a_bad_release_is_undone(stage: RealStage, daemon: Daemon) -> None:
    await stage.furnish(SCENE)
    before = await stage.acts()
    await daemon.start()
    await stage.is_known(SCENE)
    await stage.deploy("research", "v2", FAILING)
    record = await stage.outcome("research")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.told() == ["switch", "rolled-back", "recovered"]
    assert await stage.acts() == [*before, "deployments/research"]


async def _its_rules_are_out_of_its_reach(client: httpx.AsyncClient, own: Namespace) -> None:
    """RBAC lets it write ConfigMaps; the admission policy lets it write its records alone."""
    mine = "/api/v1/namespaces/watchdog/configmaps"
    patch = {"Content-Type": "application/merge-patch+json"}
    async with client:
        forged = {"metadata": {"labels": {RECORD: "watch"}}, "data": {"rules.toml": "version = 1"}}
        answers = [
            await client.patch(f"{mine}/{NAME}-rules", json=forged, headers=patch),
            await client.delete(f"{mine}/{NAME}-rules"),
            await client.post(mine, json={"metadata": {"name": "other"}}),
            await client.get("/api/v1/namespaces/watchdog/secrets"),
            await client.get("/api/v1/namespaces/default/pods"),
        ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert "never its rules" in answers[0].json()["message"]
    assert (await own.get("configmaps", f"{NAME}-rules"))["data"]["rules.toml"] == RULES


async def _short_of_one_verb(place: Place, daemon: Daemon, settings: dict[str, str]) -> None:
    """One clear message with verb, resource and namespace, at start and in `check --live`; no crash loop."""
    role = await _role(place)
    at = next(number for number, rule in enumerate(role["rules"]) if "pods" in rule["resources"])
    _give(place, at, ["get", "watch"])
    starting = asyncio.create_task(daemon.start())
    await asyncio.sleep(0)  # its new life begins, and its log is looked at from here on

    line = await daemon.line(lambda line: f"may not list pods in namespace {GUARDED}" in json.dumps(line))
    assert line["level"] == "error"
    answer = await _readyz(daemon)
    assert f"may not list pods in namespace {GUARDED}" in answer
    # Whoever runs into it says so once: the look at one's rights at the start, and the reflector that needs it.
    speakers = [each["logger"] for each in daemon.log(-1) if "may not list pods" in json.dumps(each)]
    assert len(speakers) == len(set(speakers))

    checked = await verb("check", "--live", "-o", "json", environment=settings)
    missing = [one["message"] for one in json.loads(checked.stdout)["findings"] if one["kind"] == "missing-right"]
    assert len([one for one in missing if f"may not list pods (core) in namespace {GUARDED}" in one]) == 1, missing

    _give(place, at, role["rules"][at]["verbs"])
    async with asyncio.timeout(90):
        await starting


def _give(place: Place, rule: int, verbs: list[str]) -> None:
    patch = [{"op": "replace", "path": f"/rules/{rule}/verbs", "value": verbs}]
    place.kubectl("-n", GUARDED, "patch", "role", NAME, "--type=json", "-p", json.dumps(patch))


async def _role(place: Place) -> dict[str, list[dict[str, list[str]]]]:
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{GUARDED}/roles/{NAME}"
    found: dict[str, list[dict[str, list[str]]]] = (await place.home.api.get(path)).raise_for_status().json()
    return found


async def _readyz(daemon: Daemon) -> str:
    started = await daemon.line(lambda line: line["event"] == "started")
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{started['listen']}/readyz")).text


async def _nothing_is_left_but_the_records(kubectl: Kubectl, own: Namespace) -> None:
    """And after the two commands of docs/operations.md not even those."""
    left = kubectl.listed(KINDS, "-n", OWN)
    records = {
        f"ConfigMap/{OWN}/{one['metadata']['name']}" for one in await own.list("configmaps", {}) if _is_record(one)
    }
    assert len(records) >= 2
    assert left == records | {f"Lease/{OWN}/{NAME}"}
    kubectl("-n", OWN, "delete", "configmaps", "-l", RECORD)
    kubectl("-n", OWN, "delete", "lease", NAME)
    assert kubectl.listed(KINDS, "-n", OWN) == set()


def _is_record(one: dict[str, object]) -> bool:
    metadata = one["metadata"]
    assert isinstance(metadata, dict)
    return RECORD in metadata.get("labels", {})
