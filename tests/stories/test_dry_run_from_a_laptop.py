"""`watchdog dry-run` reads alone, judges like `run`, and shows the very patch that `run` then sends."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from laptop import IN_GUARDED, READS, Laptop, Notes
from stories.test_gitops_reconciles_the_deployment import ARGO, SUSPENDING, GitOps
from town import NAMESPACE, OWN, RULES, Town, tell
from watchdog.simulator.access import Rule
from watchdog.simulator.traffic import Course

BAD = Course.step(0.004, 0.4, after=10)
RESEARCH = f"{NAMESPACE}/deployment/research"


def without_version(body: Any) -> Any:
    """A JSON patch, but for the resourceVersion that it is conditional on."""
    kept = copy.deepcopy(body)
    for operation in kept:
        if operation["path"] == "/metadata/resourceVersion":
            operation["value"] = "..."
    return kept


async def would(town: Town, notes: Notes) -> Mapping[str, Any]:
    """What is shown of the first rollback that would be."""
    await town.until(lambda: notes.of("would-roll-back"))
    return notes.of("would-roll-back")[0]


def test_a_rollout_that_would_be_undone_is_shown_with_the_patch_that_run_then_sends() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            shown = await would(town, notes)
            assert town.serving_image("research") == "research:v2"
        assert laptop.methods == {"GET"}
        assert town.cluster.writes(laptop.name) == []
        assert town.records() == []
        assert notes.of("summary")[0]["exit_code"] == 3

        await town.start()
        await town.phase("research", "recovering")
        [write] = town.writes("deployments")
        [request] = shown["requests"]
        assert (request["method"], request["path"]) == (
            "PATCH",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/research",
        )
        assert request["content_type"] == "application/json-patch+json"
        assert without_version(json.loads(request["body"])) == without_version(write.body)

    tell(story, start=False)


def test_a_flip_that_would_be_put_back_is_shown_with_the_patch_that_run_then_sends() -> None:
    async def story(town: Town) -> None:
        await town.sleep(30)  # it learns what serves
        await town.terminate()
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.behaves("gateway:v2", errors=BAD)
            town.flip()
            shown = await would(town, notes)
            assert town.colour() == "green"
        assert laptop.methods == {"GET"}

        await town.start()
        await town.phase("gateway", "recovering")
        [write] = town.writes("services")
        [request] = shown["requests"]
        assert request["path"] == f"/api/v1/namespaces/{NAMESPACE}/services/gateway"
        assert without_version(json.loads(request["body"])) == without_version(write.body)

    tell(story, lambda town: town.furnish_colours())


def test_a_blue_at_zero_would_first_be_scaled_up() -> None:
    async def story(town: Town) -> None:
        await town.sleep(30)
        await town.terminate()
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.behaves("gateway:v2", errors=BAD)
            town.flip()
            await town.sleep(1)
            town.cluster.scale(NAMESPACE, "gateway-blue", 0)
            shown = await would(town, notes)
            assert shown["requests"][0]["path"].endswith("/deployments/gateway-blue/scale")
            assert "gateway-blue would be scaled up to 2" in shown["reason"]
        assert laptop.methods == {"GET"}

    rules = RULES.replace("[rules.error-rate]", "restore_replicas = true\n[rules.error-rate]", 1)
    tell(story, lambda town: town.furnish_colours(), rules=rules)


def test_a_good_release_passes_and_nothing_would_be_done() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.deploy("research", "research:v2")
            await town.until(lambda: notes.of("outcome"))
        assert notes.of("outcome")[0]["outcome"] == "passed"
        assert notes.of("summary")[0]["exit_code"] == 0
        assert laptop.methods == {"GET"}

    tell(story, start=False)


def test_what_would_be_held_is_said_with_its_reason() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            await town.sleep(2)
            town.cluster.pause(NAMESPACE, "research")
            await town.until(lambda: notes.of("held"))
        assert notes.of("held")[0]["check"] == "paused"
        assert notes.of("would-roll-back") == []
        assert notes.of("summary")[0]["exit_code"] == 4

    tell(story, start=False)


def test_a_pause_in_the_cluster_would_hold_it() -> None:
    async def story(town: Town) -> None:
        data = {"reason": "release freeze", "by": "ann", "since": town.clock.now().isoformat()}
        town.cluster.create("configmaps", OWN, {"metadata": {"name": "rollback-watchdog-pause"}, "data": data})
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            await town.until(lambda: notes.of("held"))
        assert "release freeze" in notes.of("held")[0]["reason"]
        assert laptop.methods == {"GET"}

    tell(story, start=False)


def test_a_healing_owner_would_be_suspended_first_where_the_guard_says_so() -> None:
    async def story(town: Town) -> None:
        argo = GitOps(town, *ARGO)
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            town.behaves("research:v2", errors=BAD)
            argo.commit("research:v2")
            shown = await would(town, notes)
        assert argo.heals()
        paths = [request["path"] for request in shown["requests"]]
        assert [path.rpartition("/")[2] for path in paths] == ["shop", "research"]
        assert "/applications/" in paths[0]
        assert laptop.methods == {"GET"}

    tell(story, rules=SUSPENDING, start=False)


def test_without_the_right_to_read_records_it_says_what_it_does_not_know_and_judges_all_the_same() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town, rules=(IN_GUARDED,))
        async with laptop.follows() as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            await would(town, notes)
        assert "taken from the ReplicaSets alone" in notes.of("begun")[0]["unseeded"]

    tell(story, start=False)


def test_it_does_not_ask_the_api_server_for_a_dry_run_unless_it_is_told_to() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town, rules=None)  # it may do everything
        async with laptop.follows() as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            shown = await would(town, notes)
        assert "--rehearse asks" in shown["reason"]
        assert laptop.methods == {"GET"}

    tell(story, start=False)


def test_told_to_rehearse_it_asks_and_changes_nothing() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town, rules=None)
        async with laptop.follows(rehearses=True) as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            shown = await would(town, notes)
        assert shown["reason"].endswith("nothing was done")
        patches = [one for one in laptop.requests if one.method == "PATCH"]
        assert patches
        assert all(one.query["dryRun"] == "All" for one in patches)
        assert town.cluster.writes(laptop.name) == []
        assert town.serving_image("research") == "research:v2"

    tell(story, start=False)


def test_a_rehearsal_that_is_forbidden_is_left_out_with_a_sentence() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town)
        async with laptop.follows(rehearses=True) as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            shown = await would(town, notes)
        assert f"deployments of namespace {NAMESPACE} may not be patched" in shown["reason"]
        assert [one.code for one in laptop.requests if one.method != "GET"] == [403]

    tell(story, start=False)


def test_a_patch_that_the_rehearsal_shows_to_be_refused_would_be_held() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town, rules=(READS, Rule(["patch"], ["deployments"])))
        town.cluster.faults.answer(
            422, {"reason": "Invalid", "message": "spec.template: Invalid value"}, method="PATCH", count=None
        )
        async with laptop.follows(rehearses=True) as notes:
            town.behaves("research:v2", errors=BAD)
            town.deploy("research", "research:v2")
            await town.until(lambda: notes.of("held"))
        assert notes.of("held")[0]["check"] == "dry-run-refused"

    tell(story, start=False)
