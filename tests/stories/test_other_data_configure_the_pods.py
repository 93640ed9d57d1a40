"""The data of a ConfigMap change without a new template: judged before against after, told by the names of the keys."""

import json
import logging
from typing import Any

import httpx
import pytest

from rights_used import granted
from town import NAMESPACE, OWN, PART_OF, RULES, Town, tell
from watchdog.adapters.kubernetes.rights import RIGHTS
from watchdog.simulator.traffic import Course

CONFIG = RULES.replace('channels   = ["releases", "oncall"]', 'channels = ["releases", "oncall"]\nconfig = true')
assert CONFIG != RULES
VALUE = "hunter2-s3cr3t"  # as people put into ConfigMaps what belongs elsewhere
READ = {
    "volumes": [
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "more", "projected": {"sources": [{"configMap": {"name": "flags"}}]}},
    ],
    "containers": [
        {
            "name": "app",
            "env": [{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "levels", "key": "LEVEL"}}}],
            "envFrom": [{"configMapRef": {"name": "pool"}}],
        }
    ],
}


def furnish(town: Town) -> None:
    for name, data in {
        "settings": {"LIMIT": "10", "TOKEN": "old-token"},
        "flags": {"FAST": "no"},
        "levels": {"LEVEL": "info", "OTHER": "x"},
        "pool": {"POOL": "5"},
        "unread": {"A": "1"},
    }.items():
        town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": name}, "data": data})
    town.cluster.deploy(NAMESPACE, "research", "research:v1", labels=PART_OF, spec={"template": {"spec": READ}})
    town.cluster.service(NAMESPACE, "research")
    town.furnish("brand")


def furnish_optional(town: Town) -> None:
    """With one more that may be missing, and is."""
    furnish(town)
    extra = {"name": "extra", "configMap": {"name": "extra", "optional": True}}
    read = {**READ, "volumes": [*READ["volumes"], extra]}
    town.cluster.deploy(NAMESPACE, "research", "research:v1", labels=PART_OF, spec={"template": {"spec": read}})


def edit(town: Town, name: str, data: dict[str, str | None], manager: str = "ann") -> None:
    town.cluster.patch("configmaps", NAMESPACE, name, {"data": data}, manager=manager)


def now_fails(town: Town, share: float = 0.4) -> None:
    """The very pods that served well begin to fail."""
    town.behaves("research:v1", errors=Course.constant(share))


def test_a_change_that_breaks_a_rule_is_held_with_the_names_of_the_keys() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, "settings", {"LIMIT": "0", "TOKEN": VALUE})
        now_fails(town)
        record = await town.outcome("research")
        assert (record["outcome"], record["kind"], record["refusal"]) == ("held", "config", "config")
        assert record["target"] == "production/deployment/research"
        assert "ConfigMap settings (LIMIT, TOKEN)" in record["reason"]
        assert "kubectl -n production edit configmap settings" in record["reason"]
        assert record["switched_by"] == "ann"
        assert record["changes"] == ["ConfigMap settings (LIMIT, TOKEN)"]
        assert record["rules"]["error-rate"]["baseline"] is not None
        assert town.acts() == []
        assert town.told("oncall") == ["held"]
        assert town.told("releases")[0] == "switch"
        await town.sleep(1800)
        assert len(town.records("research")) == 1

    tell(story, furnish, rules=CONFIG)


def test_no_value_is_logged_recorded_shown_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, "settings", {"TOKEN": VALUE})
        now_fails(town)
        await town.outcome("research")
        edit(town, "settings", {"TOKEN": VALUE + "-2"})
        await town.sleep(120)
        assert town.watchdog is not None
        said = [json.dumps(one) for one in town.cluster.list("configmaps", OWN)]
        said += [json.dumps(one) for one in town.cluster.list("events", NAMESPACE)]
        said += [str(notice) for channel in town.channels.values() for notice, _ in channel.told]
        said += [one.getMessage() + str(vars(one)) for one in caplog.records if one.name.startswith("watchdog.")]
        said += [await page(town, path) for path in ("/", "/api/watches", *await watches(town))]
        assert sum("TOKEN" in text for text in said) > 5  # the name of the key is told everywhere
        assert not [text for text in said if "hunter2" in text or "old-token" in text]

    tell(story, furnish, rules=CONFIG)


async def page(town: Town, path: str) -> str:
    assert town.watchdog is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(town.watchdog.url + path)
        assert answer.status_code == 200, path
        return answer.text


async def watches(town: Town) -> list[str]:
    ids = [record["watch"] for record in town.records("research")]
    return [f"/api/watches/{one}" for one in ids] + [f"/watches/{one}" for one in ids]


@pytest.mark.parametrize(
    ("name", "data"),
    [("flags", {"FAST": "yes"}), ("levels", {"LEVEL": "debug"}), ("pool", {"POOL": None, "SIZE": "9"})],
    ids=["projected", "valueFrom", "envFrom"],
)
def test_a_harmless_change_passes_wherever_it_is_read(name: str, data: dict[str, str | None]) -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, name, data)
        record = await town.outcome("research")
        assert (record["outcome"], record["kind"]) == ("passed", "config")
        assert record["changes"] == [f"ConfigMap {name} ({', '.join(sorted(data))})"]

    tell(story, furnish, rules=CONFIG)


def test_what_nobody_reads_and_what_is_no_data_opens_no_watch() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, "unread", {"A": "2"})
        edit(town, "levels", {"OTHER": "y"})  # a key that no pod reads
        town.cluster.patch("configmaps", NAMESPACE, "settings", {"metadata": {"labels": {"team": "shop"}}})
        await town.sleep(300)
        assert town.records("research") == []

    tell(story, furnish, rules=CONFIG)


def test_without_config_no_configmap_is_read() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, "settings", {"LIMIT": "0"})
        await town.sleep(300)
        assert town.records("research") == []
        read = [one.path for one in town.cluster.requests if f"/namespaces/{NAMESPACE}/configmaps" in one.path]
        assert read == []

    tell(story, furnish)


def test_a_change_while_nobody_looked_is_seen_by_its_version_and_dated() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        await town.kill()
        await town.sleep(60)
        changed = town.clock.now()
        edit(town, "settings", {"LIMIT": "0"})
        await town.sleep(60)
        now_fails(town)
        await town.start()
        record = await town.outcome("research")
        assert (record["outcome"], record["kind"]) == ("held", "config")
        assert record["switched_at"] == changed.replace(microsecond=0).isoformat()
        assert "ConfigMap settings (while nobody looked: which keys is not known)" in record["reason"]

    tell(story, furnish, rules=CONFIG)


def test_a_thousand_changed_keys_are_held_like_one_and_the_first_dozen_is_told() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, "settings", {f"KEY-{number:04}-{'y' * 200}": "v" for number in range(1000)})
        now_fails(town)
        record = await town.outcome("research")
        assert (record["outcome"], record["refusal"]) == ("held", "config")
        assert "KEY-0011-" in record["reason"]
        assert "and 988 more" in record["reason"]
        assert len(json.dumps(record)) < 120_000
        assert town.told("oncall") == ["held"]

    tell(story, furnish, rules=CONFIG)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("settings", None, "(deleted: LIMIT, TOKEN)"), ("extra", {"A": "0"}, "(new: A)")],
    ids=["deleted", "appears"],
)
def test_one_that_goes_or_comes_is_a_change_of_all_its_keys(name: str, data: dict[str, str] | None, said: str) -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        if data is None:
            town.cluster.delete("configmaps", NAMESPACE, name)
        else:
            town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": name}, "data": data})
        now_fails(town)
        record = await town.outcome("research")
        assert (record["outcome"], record["kind"]) == ("held", "config")
        assert record["changes"] == [f"ConfigMap {name} {said}"]

    tell(story, furnish_optional, rules=CONFIG)


@pytest.mark.parametrize(("limit", "said"), [("10", []), ("0", ["ConfigMap settings (LIMIT)"])], ids=["same", "other"])
@pytest.mark.parametrize("away", [0, 20], ids=["at once", "after a look"])
def test_one_made_anew_is_a_change_of_what_is_other_in_it_and_none_where_nothing_is(
    limit: str, said: list[str], away: int
) -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        town.cluster.delete("configmaps", NAMESPACE, "settings")
        await town.sleep(away)
        data = {"LIMIT": limit, "TOKEN": "old-token"}
        town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": "settings"}, "data": data})
        await town.sleep(120)
        assert [record["changes"] for record in town.records("research")] == [said] * bool(said)

    tell(story, furnish, rules=CONFIG)


def test_another_change_supersedes_and_so_does_a_release() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        edit(town, "settings", {"LIMIT": "11"})
        await town.sleep(120)
        edit(town, "flags", {"FAST": "yes"})
        first = await town.outcome("research")
        assert first["outcome"] == "superseded"
        assert "ConfigMap flags (FAST) changed since" in first["reason"]
        town.deploy("research", "research:v2")
        second = await town.outcome("research", number=2)
        assert second["outcome"] == "superseded"
        third = await town.outcome("research", number=3)
        assert (third["outcome"], third["kind"]) == ("passed", "rollout")

    tell(story, furnish, rules=CONFIG)


def test_a_change_in_the_midst_of_a_release_is_told_with_it_and_the_release_is_undone() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=150))
        town.deploy("research", "research:v2")
        await town.sleep(60)
        edit(town, "settings", {"LIMIT": "0"})
        record = await town.outcome("research")
        assert (record["outcome"], record["kind"]) == ("rolled-back", "rollout")
        assert "beside it: ConfigMap settings (LIMIT)" in record["changes"]
        assert len(town.records("research")) == 1

    tell(story, furnish, rules=CONFIG)


def test_without_the_right_it_is_said_once_and_all_else_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def story(town: Town) -> None:
        lacking = [one for one in RIGHTS if one.resource.plural == "configmaps" and one.where.value == "guarded"]
        await town.start(token=town.cluster.user("half", granted(OWN, without=lacking)))
        await town.sleep(1500)
        said: list[Any] = [one for one in caplog.records if "its changes are not seen" in one.getMessage()]
        assert len(said) == 4  # one for each that is read
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        assert (await town.outcome("research"))["outcome"] == "rolled-back"

    tell(story, furnish, rules=CONFIG, start=False)
