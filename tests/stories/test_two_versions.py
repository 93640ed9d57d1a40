"""An upgrade, and the way back: one version follows another that writes another schema, in the middle of a watch.

What the one began it finishes itself. The other keeps its hands off the target and off what is on record, says so, and
watches what is its own.
"""

import json
import re
from typing import Any

import pytest

from town import NAMESPACE, OWN, Town, tell
from watchdog.domain import record
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
PUT_BACK = re.compile(rf"/namespaces/{NAMESPACE}/deployments/research\?(?!.*dryRun)")
OLD, NEW = 1, 2
TARGET = f"{NAMESPACE}/deployment/research"


@pytest.fixture(autouse=True)
def _old_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever version a story ends with."""
    monkeypatch.setattr(record, "SCHEMA", OLD)


async def run_version(town: Town, schema: int) -> None:
    """The version that writes this schema is at work from here on, and no other."""
    if town.running:
        await town.terminate()
    record.SCHEMA = schema
    await town.start()


def on_record(town: Town) -> dict[str, Any]:
    """All that the journal holds, by ConfigMap."""
    found = town.cluster.list("configmaps", OWN)
    return {one["metadata"]["name"]: one["data"] for one in found if one["metadata"]["name"] != "kube-root-ca.crt"}


def release(town: Town, name: str = "research") -> None:
    town.behaves(f"{name}:v2", errors=FAILING)
    town.deploy(name, f"{name}:v2")


async def undone_once(town: Town) -> None:
    found = await town.outcome("research")
    await town.sleep(300)
    assert (found["outcome"], found["recovery"]) == ("rolled-back", "recovered"), found["reason"]
    assert len(town.records("research")) == 1
    assert len([write for write in town.writes("deployments") if write.name == "research"]) == 1
    assert town.serving_image("research") == "research:v1"
    assert [topic for topic in town.told() if topic != "unguarded"] == ["switch", "rolled-back", "recovered"]
    assert [repeat for _, repeat in town.channels["releases"].told if repeat] == []


BOTH_WAYS = [(OLD, NEW), (NEW, OLD)]


@pytest.mark.parametrize(("first", "second"), BOTH_WAYS, ids=["upgraded", "went back"])
@pytest.mark.parametrize("phase", ["watching", "recovering"])
def test_an_open_watch_of_another_version_is_left_to_it_and_goes_on_when_it_is_back(
    first: int, second: int, phase: str
) -> None:
    async def story(town: Town) -> None:
        await run_version(town, first)
        release(town)
        await town.phase("research", phase)
        await town.terminate()
        before, acts = on_record(town), town.acts()

        await run_version(town, second)
        await town.sleep(40)
        assert on_record(town) == before
        assert town.acts() == acts
        assert town.told().count("unguarded") == 2  # research is not watched, brand is judged only
        assert town.metric("watchdog_unguarded", target=TARGET, reason="version") == 1

        await run_version(town, first)
        await undone_once(town)

    tell(story, scrape_interval=15, start=False)


@pytest.mark.parametrize(("first", "second"), BOTH_WAYS, ids=["upgraded", "went back"])
@pytest.mark.parametrize("what", ["hang", "lose_answer"])
def test_an_act_that_another_version_is_in_the_middle_of_is_not_done_twice(first: int, second: int, what: str) -> None:
    async def story(town: Town) -> None:
        await run_version(town, first)
        release(town)
        fault = getattr(town.cluster.faults, what)(method="PATCH", path=PUT_BACK, count=1)
        await town.until(lambda: fault.hits, every=0.25)
        await town.terminate()
        fault.remove()
        before, writes = on_record(town), len(town.writes("deployments"))

        await run_version(town, second)
        await town.sleep(600)
        assert on_record(town) == before
        assert len(town.writes("deployments")) == writes

        await run_version(town, first)
        await undone_once(town)

    tell(story, scrape_interval=15, start=False)


def test_other_targets_are_judged_and_told_and_not_put_back_while_only_another_version_knows_what_is_good() -> None:
    async def story(town: Town) -> None:
        await run_version(town, NEW)
        await town.terminate()
        known = on_record(town)

        await run_version(town, OLD)
        release(town, "brand")
        found = await town.outcome("brand")
        assert found["outcome"] == "notified"
        assert "breach" in town.told()
        assert town.acts() == []
        assert {name: data for name, data in on_record(town).items() if name in known} == known

        await run_version(town, NEW)
        await town.sleep(60)
        # The one before watched it under a schema that this one does not know: it is not watched again.
        assert len(town.records("brand")) == 1
        assert town.acts() == []

    tell(story, scrape_interval=15, start=False)


def test_ended_records_of_another_version_count_among_those_that_are_kept_and_open_ones_stay() -> None:
    async def story(town: Town) -> None:
        town.records_kept = 1
        await run_version(town, NEW)
        release(town)
        await town.phase("research", "watching")
        await run_version(town, OLD)
        for version in ("v2", "v3", "v4"):
            town.deploy("brand", f"brand:{version}")
            await town.sleep(30)
        await town.sleep(30)
        schemas = [(one["target"].rpartition("/")[2], one["schema"], one["outcome"]) for one in town.records()]
        assert schemas == [("research", NEW, None), ("brand", OLD, "superseded"), ("brand", OLD, None)]

    tell(story, scrape_interval=15, start=False)


def test_once_the_record_of_a_version_that_does_not_come_back_is_deleted_its_switch_is_watched() -> None:
    async def story(town: Town) -> None:
        await run_version(town, NEW)
        release(town)
        await town.phase("research", "watching")
        await run_version(town, OLD)
        await town.sleep(30)
        await town.terminate()
        for name in on_record(town):
            town.cluster.delete("configmaps", OWN, name)
        await town.start()
        found = await town.outcome("research")
        assert (found["outcome"], found["recovery"]) == ("rolled-back", "recovered"), found["reason"]
        assert found["schema"] == OLD

    tell(story, scrape_interval=15, start=False)


def test_a_record_that_is_deleted_while_it_runs_frees_its_target_at_once() -> None:
    async def story(town: Town) -> None:
        await run_version(town, OLD)
        release(town)
        name = f"rollback-watchdog-{(await town.phase('research', 'watching'))['watch']}"
        await town.terminate()
        text = json.dumps({**json.loads(on_record(town)[name]["record.json"]), "schema": NEW})
        town.cluster.patch("configmaps", OWN, name, {"data": {"record.json": text}})
        await town.start()
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=TARGET, reason="version") == 1
        town.cluster.delete("configmaps", OWN, name)
        await town.sleep(20)
        assert town.metric("watchdog_unguarded", target=TARGET, reason="version") is None
        # That v2 serves is remembered: it is no news, and the next deploy is watched again.
        assert town.acts() == []

    tell(story, scrape_interval=15, start=False)


def test_what_a_newer_version_of_the_same_schema_adds_is_passed_over() -> None:
    async def story(town: Town) -> None:
        await run_version(town, OLD)
        release(town)
        await town.phase("research", "watching")
        await town.terminate()
        for name, data in on_record(town).items():
            more = {key: json.dumps(_with_more(json.loads(text))) for key, text in data.items()}
            town.cluster.patch("configmaps", OWN, name, {"data": more})
        await town.start()
        await undone_once(town)
        assert "unguarded" not in town.told()

    tell(story, scrape_interval=15, start=False)


def _with_more(value: Any) -> Any:
    """With a name that nobody knows in every table that is a value of the domain, and beside them."""
    if isinstance(value, dict):
        more = {key: _with_more(item) for key, item in value.items()}
        return {**more, "of_tomorrow": [1, {"x": None}]} if "is" in value or "schema" in value else more
    return [_with_more(item) for item in value] if isinstance(value, list) else value
