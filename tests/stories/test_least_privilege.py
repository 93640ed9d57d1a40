"""The table of rights holds both ways: what is used is granted, and what is granted is used by some story.

The first half is asserted at the end of every story (`town.town`); here is the second, and what one missing verb does.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import aiohttp
import pytest

from rights_used import ACCOUNT, TABLE, Used, granted, in_table, used
from sets import PLACES as PLACED
from sets import SETS, sets
from stories.test_a_rollout_is_aborted import ABORTING, FAILING, release, search
from stories.test_gitops_reconciles_the_deployment import ARGO, FLUX, SUSPENDING, bad_commit
from stories.test_gitops_reconciles_the_deployment import MARKS as OWNED
from survey.scenes import checked, of
from town import NAMESPACE, OWN, RULES, Town, tell
from watchdog.adapters.kubernetes.rights import Right, Where
from watchdog.domain.rollout import TargetKind
from watchdog.simulator.traffic import Course
from watchdog.survey.findings import Kind
from weights import KINDS as ROUTES
from weights import Weights

BAD: Any = {"errors": Course.step(0.004, 0.5, after=20)}
RESTORING = SUSPENDING.replace("channels =", "restore_replicas = true\nchannels =", 1)
HELM = ("helmreleases", "flux-system", {"driftDetection": {"mode": "enabled"}})
MARKS = {
    "helmreleases": {
        "labels": {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux-system"}
    }
}

PLACES = {"applications": "argocd", "kustomizations": "flux-system", "helmreleases": "flux-system"}


async def undo_of_what_needs_things(town: Town) -> None:
    """The old template has an environment from a ConfigMap, a claim and an account."""
    await bad_release(town)


def with_needs(town: Town) -> None:
    for kind, name in (("configmaps", "settings"), ("persistentvolumeclaims", "disk"), ("serviceaccounts", "robot")):
        town.cluster.create(kind, NAMESPACE, {"metadata": {"name": name}})
    container = {"name": "app", "image": "research:v1", "envFrom": [{"configMapRef": {"name": "settings"}}]}
    volumes = [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]
    pod = {"containers": [container], "volumes": volumes, "serviceAccountName": "robot"}
    labels = {"app.kubernetes.io/part-of": "plasma-engine"}
    town.cluster.deploy(NAMESPACE, "research", "research:v1", labels=labels, spec={"template": {"spec": pod}})
    town.cluster.service(NAMESPACE, "research")


async def bad_release(town: Town) -> None:
    town.behaves("research:v2", **BAD)
    town.deploy("research", "research:v2")
    record = await town.outcome("research")
    assert record["outcome"] == "rolled-back", record["reason"]


async def bad_flip_from_a_blue_that_was_scaled_down(town: Town) -> None:
    town.behaves("gateway:v2", **BAD)
    town.flip()
    town.cluster.scale(NAMESPACE, "gateway-blue", 0)
    assert (await town.outcome("gateway"))["outcome"] == "rolled-back"


async def suspended(town: Town, kind: str, namespace: str, spec: dict[str, Any]) -> None:
    _, reconciling = await bad_commit(town, kind, namespace, spec)
    assert (await town.outcome("research"))["outcome"] == "rolled-back"
    reconciling.cancel()


async def suspended_helm_release(town: Town) -> None:
    kind, namespace, spec = HELM
    town.cluster.create(kind, namespace, {"metadata": {"name": "shop"}, "spec": spec})
    town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": MARKS[kind]}, manager="helm-controller")
    await bad_release(town)


async def records_are_pruned(town: Town) -> None:
    town.records_kept = 1
    await town.kill()
    await town.start()
    for version in ("v2", "v3", "v4"):
        town.deploy("research", f"research:{version}")
        await town.sleep(60)
    await town.until(lambda: len(town.records()) <= 2, within=3600)


def test_each_right_that_is_granted_is_used_by_some_story() -> None:
    seen: set[Used] = set()

    def told(body: Any, furnish: Any, rules: str = RULES) -> None:
        async def story(town: Town) -> None:
            await body(town)
            seen.update(used(town.cluster.requests, OWN))

        tell(story, furnish, rules=rules)

    def research(town: Town) -> None:
        town.furnish("research")

    told(undo_of_what_needs_things, with_needs)
    told(bad_flip_from_a_blue_that_was_scaled_down, lambda town: town.furnish_colours(), RESTORING)
    told(lambda town: suspended(town, *ARGO), research, SUSPENDING)
    told(lambda town: suspended(town, *FLUX), research, SUSPENDING)
    told(suspended_helm_release, research, SUSPENDING)
    told(records_are_pruned, research)
    told(undo_of_sets, sets, SETS)
    told(abort_of_a_rollout, search, ABORTING)
    for route in ROUTES:
        told(partial(bad_canary, route), route.furnish, route.rules)
    assert in_table() - seen == set()
    assert seen - in_table() == set()


async def abort_of_a_rollout(town: Town) -> None:
    release(town, errors=FAILING)
    assert (await town.outcome("search"))["recovery"] == "recovered"


async def bad_canary(route: Weights, town: Town) -> None:
    town.behaves("gateway:v2", **BAD)
    route.weigh(town, 50)
    assert (await town.outcome("gateway"))["outcome"] == "rolled-back"


async def undo_of_sets(town: Town) -> None:
    """A StatefulSet's and a DaemonSet's bad release."""
    for name, place in PLACED.items():
        town.behaves(f"{name}:v2", **BAD)
        town.cluster.roll(*place, f"{name}:v2")
    for name in PLACED:
        assert (await town.outcome(name))["recovery"] == "recovered"


def covering(rules: str, kind: TargetKind | None) -> str:
    """These rules, for targets of one kind more."""
    if kind is not None and kind.aborts:
        return rules.replace("[guards.services]\n", f'[guards.services]\nkinds = ["{kind}"]\naction = "abort"\n', 1)
    kinds = ", ".join(f'"{each}"' for each in ("deployment", "service", *([kind] if kind else [])))
    return rules.replace("[guards.services]\n", f"[guards.services]\nkinds = [{kinds}]\n", 1)


def named(right: Right) -> str:
    return f"{right.verb} {right.full_resource} {right.where}"


def marked(town: Town) -> None:
    """Guarded objects that Argo CD, Flux and Helm say they reconcile."""
    town.furnish("research")
    town.furnish_colours()
    for kind, name in (
        ("applications", "research"),
        ("kustomizations", "gateway-blue"),
        ("helmreleases", "gateway-green"),
    ):
        marks = (OWNED | MARKS)[kind]
        town.cluster.patch("deployments", NAMESPACE, name, {"metadata": marks})


@pytest.mark.parametrize("right", TABLE, ids=named)
def test_one_right_taken_away_is_one_clear_line_at_start_and_in_the_live_check_and_no_crash(
    right: Right, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    rules = covering(RESTORING, right.kind)

    async def story(town: Town) -> None:
        lacking = town.cluster.user(ACCOUNT, granted(OWN, without=[right]))
        await town.start(token=lacking, wait=False)
        await town.sleep(10)
        assert town.watchdog is not None
        where = {Where.OWN: OWN, Where.GUARDED: NAMESPACE, Where.OWNERS: PLACES.get(right.resource.plural, "")}
        said = f"may not {right.verb} {right.full_resource}"
        readyz = await ready_lines(town)
        lines = [line for line in readyz if said in line and f"in namespace {where[right.where]}" in line]
        assert len({line.removeprefix(f"{right.resource.plural} in {NAMESPACE}: ") for line in lines}) <= 2
        assert any(right.why in line for line in lines), readyz
        logged = [
            fact["why"]
            for record in caplog.records
            if (fact := getattr(record, "facts", {})) and record.getMessage() == "a right is missing"
        ]
        assert [why for why in logged if said in why and where[right.where] in why], logged
        assert len(logged) == 1  # and nothing is said twice
        assert town.metric("watchdog_rights_missing") == 1

        kubeconfig = town.cluster.kubeconfig(town.folder / "check", lacking)
        findings = of(Kind.MISSING_RIGHT, await checked(town, rules, kubeconfig=kubeconfig))
        assert [said in finding.message and where[right.where] in finding.message for finding in findings] == [True]

        # It goes on: a bad release comes, and whatever it can do of its work it does.
        town.behaves("research:v2", **BAD)
        town.deploy("research", "research:v2")
        await town.sleep(150)
        assert town.running

    tell(story, marked, rules=rules, start=False)


def test_a_right_that_is_granted_later_is_taken_up_without_a_restart(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    patch = next(right for right in TABLE if (right.verb, right.full_resource) == ("patch", "deployments"))

    async def story(town: Town) -> None:
        lacking = town.cluster.user(ACCOUNT, granted(OWN, without=[patch]))
        await town.start(token=lacking)
        await town.sleep(10)
        assert town.metric("watchdog_rights_missing") == 1
        town.cluster.user(ACCOUNT, granted(OWN))
        await town.sleep(90)
        assert town.metric("watchdog_rights_missing") == 0
        assert not any("may not" in line for line in await ready_lines(town))
        assert "no right is missing any more" in [record.getMessage() for record in caplog.records]

    tell(story, start=False)


async def ready_lines(town: Town) -> Sequence[str]:
    """What /readyz says."""
    assert town.watchdog is not None
    async with aiohttp.ClientSession() as session, session.get(f"{town.watchdog.url}/readyz") as answer:
        return (await answer.text()).splitlines()
