"""The deployment workflow, run from its own files, on the real control plane: the five services' way to production.

One watchdog guards staging and production. The stories are told side by side, each with a service of its own.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ci.workflows import CI
from e2e.channels import Webhook
from e2e.company import SERVICES, TO_SMOKE, Company, Told, furnished, guard, planned, released, seen, the_repository
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.podnet import pods_are_reachable
from e2e.guarding import Guarding
from e2e.interception import Interception
from e2e.real_stage import PATIENCE
from e2e.season import ENOUGH_REQUESTS, Scraped

pytestmark = pytest.mark.timeout(600)

IN_AN_ENVIRONMENT, IN_THE_WATCHDOGS = (
    role["rules"] for role in yaml.safe_load_all((CI / "rbac.yaml").read_text(encoding="utf-8"))
)


@pytest.fixture(scope="module")
def told(
    control_plane: ControlPlane | ExternalCluster, scraped: Scraped, tmp_path_factory: pytest.TempPathFactory
) -> Told:
    """Everything is told once, side by side; the tests look at what came of it."""
    if not pods_are_reachable():
        pytest.skip("pods have no reachable addresses here, and the workflow checks their health (in_netns.sh)")
    if shutil.which("kubectl") is None:
        pytest.fail("the workflow's scripts call kubectl, which is not installed", pytrace=False)
    if isinstance(control_plane, ExternalCluster):
        pytest.skip("the API server of an external cluster may not reach the pods of the stand-in")
    return asyncio.run(_told(control_plane, scraped, tmp_path_factory.mktemp("pipeline")))


async def _told(plane: ControlPlane, scraped: Scraped, scratch: Path) -> Told:
    repository = the_repository(scratch / "repository")
    plan = planned(repository, scratch / "plan")
    version = plan[0]["version"]
    prometheus = await asyncio.to_thread(scraped, "1s")
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(plane.admin.client())
        webhook = await stack.enter_async_context(Webhook())
        interception = await stack.enter_async_context(Interception(plane.admin))
        own, staging, production = [await Namespace.make(plane, api) for _ in range(3)]
        for namespace in (own, staging, production):
            stack.push_async_callback(namespace.remove)
        await furnished(staging, production, version)
        guards = {one.name: guard(one.name) for one in (staging, production)}
        (scratch / "watchdog").mkdir()
        guarding = await Guarding.prepare(
            "watchdog", own, guards, prometheus.url, webhook, interception, scratch / "watchdog", intercepted=False
        )
        stack.callback(guarding.daemon.clean_up)
        shutil.copy(scratch / "watchdog" / "rules.toml", repository / "rules.toml")
        deployer = await own.user("deployer", IN_THE_WATCHDOGS)
        for namespace in (staging, production):
            await namespace.allow(deployer, [*TO_SMOKE, *IN_AN_ENVIRONMENT])

        async def enough() -> bool:
            found = await prometheus.query("sum by (namespace) (http_requests_total)")
            counts = {one["metric"]["namespace"]: float(one["value"][1]) for one in found}
            return all(counts.get(one.name, 0) >= ENOUGH_REQUESTS * len(SERVICES) for one in (staging, production))

        await own.until(enough, "the requests before the releases", within=PATIENCE)
        await guarding.daemon.start()
        await guarding.knows(staging.name, {f"deployment.{name}" for name in SERVICES})
        await guarding.knows(production.name, {f"service.{name}" for name in SERVICES})

        company = Company(staging, production, guarding, deployer, repository, scratch, webhook)
        stories = dict(
            zip(
                SERVICES,
                await asyncio.gather(*(released(company, name, version) for name in SERVICES)),
                strict=True,
            )
        )
        target = f"{production.name}/service/gateway"
        rollback = await company.run(
            "rollback", "gateway", version, "production", "rollback.yml", target=target, reason="orders are lost"
        )
        after = await seen(company, "gateway", stories["gateway"])
        stories["rollback"] = replace(after, rollback=rollback)
        records = [*await guarding.records(staging.name), *await guarding.records(production.name)]
        channel = [str(body["text"]) for body in webhook.told.get("ci", [])]
        return Told(plan, stories, records, channel, version, plane.refusals(deployer.name))


def said(told: Told, service: str, environment: str) -> str:
    """What the channel was told of a release there, the first time."""
    return next(line for line in told.channel if line.startswith(f"{service} {told.version} to {environment}"))


WATCH = re.compile(r"https://watchdog\.example/api/watches/[a-z0-9-]+")


def test_a_first_push_is_about_every_service(told: Told):
    assert [one["service"] for one in told.plan] == list(SERVICES)
    assert re.fullmatch(r"sha-[0-9a-f]{12}", told.version)


def test_a_good_release_goes_through_to_production(told: Told):
    story = told.stories["gateway"]
    assert story.staging.status == "success", story.staging.log
    assert story.promoted is not None
    assert story.promoted.status == "success", story.promoted.log
    assert story.production is not None
    assert story.production.status == "success", story.production.log
    assert story.image == f"registry.example/gateway:{told.version}"
    assert story.colour == "green"
    assert "Roll back" not in story.production.ran
    assert "passed" in story.production.summary
    assert "released" in said(told, "gateway", "staging")
    assert "released" in said(told, "gateway", "production")


def test_a_bad_release_in_staging_is_rolled_back_and_never_gets_to_production(told: Told):
    story = told.stories["research"]
    assert story.staging.status == "failure"
    assert story.staging["Wait for the watchdog"].outputs["outcome"] == "rolled-back", story.staging.log
    assert "Promote" not in story.staging.ran
    assert "Roll back" not in story.staging.ran
    assert story.image == "registry.example/research:v1"
    assert story.promoted is not None
    assert story.promoted.status == "failure"
    assert "has not passed" in story.promoted.log
    assert story.production is None
    assert story.colour == "blue"
    assert WATCH.search(said(told, "research", "staging"))


def test_a_bad_green_is_never_switched_to(told: Told):
    story = told.stories["brand"]
    assert story.staging.status == "success", story.staging.log
    assert story.production is not None
    assert story.production.status == "failure"
    assert story.production["Its health checks"].outcome == "failure", story.production.log
    assert "ServiceUnavailable" in story.production["Its health checks"].log
    assert story.production["Switch the traffic, and wait for the watchdog"].outcome == "skipped"
    assert "Roll back" not in story.production.ran
    assert story.colour == "blue"
    assert not [one for one in told.records if one["target"].endswith("/service/brand")]
    assert "FAILED" in said(told, "brand", "production")


def test_a_green_that_turns_bad_after_the_switch_is_flipped_back_and_the_job_fails_with_the_link(told: Told):
    story = told.stories["content"]
    assert story.production is not None
    assert story.production.status == "failure"
    switch = story.production["Switch the traffic, and wait for the watchdog"]
    assert (switch.outcome, switch.outputs["outcome"]) == ("failure", "rolled-back"), story.production.log
    assert WATCH.fullmatch(switch.outputs["link"])
    assert re.search(rf"^::error title=.*::.*{re.escape(switch.outputs['link'])}$", switch.log, re.MULTILINE)
    assert f"[the watch]({switch.outputs['link']})" in story.production.summary
    assert "Post-deploy tests" not in story.production.ran
    assert "Roll back" not in story.production.ran
    assert story.colour == "blue"
    assert switch.outputs["link"] in said(told, "content", "production")


def test_a_green_that_was_flipped_back_is_not_switched_to_again(told: Told):
    story = told.stories["content"]
    assert story.again is not None
    switch = story.again["Switch the traffic, and wait for the watchdog"]
    assert (switch.outcome, switch.outputs["outcome"]) == ("failure", "refused"), story.again.log
    assert "not switched (known-bad)" in switch.log
    assert "Roll back" not in story.again.ran


def test_a_post_deploy_test_that_fails_puts_the_service_back_by_hand(told: Told):
    story = told.stories["agent"]
    assert story.production is not None
    assert story.production.status == "failure"
    assert story.production["Switch the traffic, and wait for the watchdog"].outputs["outcome"] == "passed"
    assert story.production["Roll back"].outcome == "success", story.production.log
    assert story.colour == "blue"
    by_hand = [one for one in told.records if one["target"].endswith("/service/agent") and one["by_hand"]]
    assert ["a post-deploy test failed: 1" in one["by_hand"] for one in by_hand] == [True]


def test_a_rollback_of_one_service_does_not_undo_another(told: Told):
    assert {name: told.stories[name].colour for name in SERVICES} == {
        "gateway": "green",
        "research": "blue",
        "brand": "blue",
        "content": "blue",
        "agent": "blue",
    }


def test_the_pipelines_account_needs_no_more_rights_than_it_was_given(told: Told):
    # Where an object is not there, kubectl asks by itself whether its namespace is.
    assert [
        one for one in told.refusals if not re.fullmatch(r"get /api/v1/namespaces/[a-z0-9-]+\?timeout=10s", one)
    ] == []


def test_the_emergency_rollback_puts_a_passed_release_back_with_its_reason(told: Told):
    story = told.stories["rollback"]
    assert story.rollback is not None
    assert story.rollback.status == "success", story.rollback.log
    assert story.colour == "blue"
    by_hand = [one for one in told.records if one["target"].endswith("/service/gateway") and one["by_hand"]]
    assert [one["outcome"] for one in by_hand] == ["rolled-back"]
    assert "orders are lost (ann)" in by_hand[0]["by_hand"]
