import logging
import re
from pathlib import Path

import pytest

from town import NAMESPACE, PART_OF, RULES, Town, tell
from watchdog.simulator.traffic import Course

A_TENTH_FAILS = Course.step(0.004, 0.1, after=150)
LENIENT = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 40%"')
WRONG = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5 percent"')
NOTIFYING = RULES.replace("channels   =", 'action = "notify"\nchannels   =', 1)
UNTIL_TAKEN_UP = 5


def targets(*names: str) -> str:
    """The rules, of a guard that names its Deployments."""
    listed = ", ".join(f'"{NAMESPACE}/deployment/{name}"' for name in names)
    chosen = 'namespaces = ["production"]\nselector   = "app.kubernetes.io/part-of=plasma-engine"'
    return RULES.replace(chosen, f"targets = [{listed}]")


def with_guard(name: str, *, namespace: str) -> str:
    """The rules, with one guard more."""
    return RULES + (
        f'\n[guards.{name}]\nnamespaces = ["{namespace}"]\nselector = "app.kubernetes.io/part-of=plasma-engine"\n'
        'rules = ["error-rate", "crash"]\nchannels = ["releases"]\n'
    )


def furnish_staging_too(town: Town) -> None:
    """The same Deployment in a namespace that no guard names."""
    town.furnish("research", "brand")
    town.cluster.deploy("staging", "content", "content:v1", replicas=2, labels=PART_OF)
    town.cluster.service("staging", "content")


class ConfigMapMount:
    """A directory as the kubelet mounts a ConfigMap: the file is a link through `..data`, which is swapped whole."""

    def __init__(self, folder: Path, text: str) -> None:
        self._folder = folder
        self._count = 0
        folder.mkdir()
        self.swap(text)
        self.path = folder / "rules.toml"
        self.path.symlink_to(Path("..data") / "rules.toml")

    def swap(self, text: str) -> None:
        """A new version of the ConfigMap arrives."""
        self._count += 1
        version = self._folder / f"..2026_03_02_{self._count}"
        version.mkdir()
        (version / "rules.toml").write_text(text, encoding="utf-8")
        fresh = self._folder / "..data_tmp"
        fresh.symlink_to(version.name)
        fresh.replace(self._folder / "..data")


def test_a_valid_edit_holds_for_the_next_watch_and_the_open_one_keeps_its_limits() -> None:
    async def story(town: Town) -> None:
        for name in ("research", "brand"):
            town.behaves(f"{name}:v2", errors=A_TENTH_FAILS)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        town.edit_rules(RULES)
        await town.sleep(UNTIL_TAKEN_UP)
        town.deploy("brand", "brand:v2")
        before, after = await town.outcome("research"), await town.outcome("brand")

        assert before["outcome"] == "passed"
        assert before["rules"]["error-rate"]["limit"] == pytest.approx(0.4)
        assert (after["outcome"], after["recovery"]) == ("rolled-back", "recovered")
        assert after["rules"]["error-rate"]["limit"] == pytest.approx(0.05)
        assert town.acts() == ["deployments/brand"]
        assert "rules-invalid" not in town.told()
        assert town.metric("watchdog_rules_valid") == 1

    tell(story, rules=LENIENT, scrape_interval=15)


def test_an_open_watch_keeps_its_limits_over_an_edit_and_a_restart() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        town.edit_rules(RULES)
        await town.sleep(UNTIL_TAKEN_UP)
        await town.kill()
        await town.sleep(20)
        await town.start()
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.acts() == []

    tell(story, rules=LENIENT, scrape_interval=15)


def test_an_edit_through_a_configmap_mount_is_taken_up() -> None:
    async def story(town: Town) -> None:
        mount = ConfigMapMount(town.folder / "mount", LENIENT)
        town.rules_path = mount.path
        await town.start()
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        mount.swap(WRONG)
        await town.sleep(UNTIL_TAKEN_UP)
        assert town.metric("watchdog_rules_valid") == 0
        mount.swap(RULES)
        await town.sleep(UNTIL_TAKEN_UP)
        assert town.metric("watchdog_rules_valid") == 1
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert record["rules"]["error-rate"]["limit"] == pytest.approx(0.05)

    tell(story, scrape_interval=15, start=False)


def test_a_wrong_edit_changes_nothing_and_is_said_in_the_log_a_metric_and_once_on_the_channels(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        assert town.metric("watchdog_rules_valid") == 1
        town.edit_rules(WRONG)
        await town.sleep(600)

        assert town.metric("watchdog_rules_valid") == 0
        assert town.told() == ["rules-invalid"]
        assert town.told("oncall") == []  # it does not want to know
        notice = town.channels["releases"].told[0][0]
        line = WRONG.splitlines().index('when = "http_error_rate > 5 percent"') + 1
        assert f"rules.toml:{line}:" in notice.title
        assert "the last valid rules stay in force" in notice.title
        [logged] = [record for record in caplog.records if "rules invalid" in record.message]
        assert logged.levelno == logging.ERROR
        assert f"rules.toml:{line}:" in logged.facts["why"]

        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        assert record["outcome"] == "rolled-back"
        assert record["rules"]["error-rate"]["limit"] == pytest.approx(0.05)
        assert town.told() == ["rules-invalid", "switch", "rolled-back", "recovered"]

    with caplog.at_level(logging.INFO):
        tell(story, scrape_interval=15)


def test_a_valid_edit_after_a_wrong_one_is_taken_up() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        town.edit_rules(WRONG)
        await town.sleep(UNTIL_TAKEN_UP)
        assert town.metric("watchdog_rules_valid") == 0
        town.edit_rules(LENIENT)
        await town.sleep(UNTIL_TAKEN_UP)
        assert town.metric("watchdog_rules_valid") == 1
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.told() == ["rules-invalid", "switch", "passed"]

    tell(story, scrape_interval=15)


def test_a_rules_file_that_is_gone_for_a_while_changes_nothing() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        town.rules_path.unlink()
        await town.sleep(60)
        assert town.metric("watchdog_rules_valid") == 0
        town.edit_rules(RULES)
        await town.sleep(UNTIL_TAKEN_UP)
        assert town.metric("watchdog_rules_valid") == 1
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert town.told() == ["switch", "rules-invalid", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


ANOTHER_LABEL = RULES.replace("part-of=plasma-engine", "part-of=plasma-engine, app=brand")


@pytest.mark.parametrize("edited", [targets("brand"), ANOTHER_LABEL, NOTIFYING], ids=["by name", "by label", "notify"])
def test_a_guard_that_loses_the_target_or_the_right_to_act_ends_an_open_watchs_right_at_once(edited: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        town.edit_rules(edited)
        record = await town.outcome("research")

        assert record["outcome"] == "notified"
        assert town.serving_image("research") == "research:v2"
        assert town.acts() + town.acts(refused=True) == []
        assert town.told() == ["switch", "breach", "notified"]
        assert town.told("oncall") == []

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("edited", [targets("brand"), NOTIFYING], ids=["by name", "notify"])
def test_a_right_that_was_taken_away_while_nobody_watched_is_not_used_after_the_start(edited: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.kill()
        town.edit_rules(edited)
        await town.sleep(20)
        await town.start()
        record = await town.outcome("research")

        assert record["outcome"] == "notified"
        assert town.acts() + town.acts(refused=True) == []

    tell(story, scrape_interval=15)


OF_BRAND_ALONE = targets("brand")
OF_RESEARCH = (
    f'[guards.research]\ntargets = ["{NAMESPACE}/deployment/research"]\n'
    'rules = ["error-rate", "crash"]\nchannels = ["releases", "oncall"]\n'
)


def test_a_guard_that_is_removed_ends_an_open_watchs_right_to_act_and_others_keep_theirs() -> None:
    async def story(town: Town) -> None:
        for name in ("research", "brand"):
            town.behaves(f"{name}:v2", errors=A_TENTH_FAILS)
            town.deploy(name, f"{name}:v2")
            await town.phase(name, "watching")
        town.edit_rules(
            RULES.replace("[guards.services]", "[guards.other]").replace("plasma-engine", "plasma, app=brand")
        )
        left, other = await town.outcome("research"), await town.outcome("brand")

        assert (left["outcome"], other["outcome"]) == ("notified", "notified")
        assert town.acts() + town.acts(refused=True) == []
        told = [notice for notice, _ in town.channels["releases"].told if notice.topic == "breach"]
        notice = next(notice for notice in told if notice.target.endswith("/research"))
        assert any("guard research was removed from rules.toml" in line for line in notice.lines)

    tell(story, rules=OF_BRAND_ALONE + OF_RESEARCH, scrape_interval=15)


def test_a_held_watch_whose_guard_is_set_to_notify_does_not_act_when_its_reason_goes_away() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=A_TENTH_FAILS)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        town.cluster.pause(NAMESPACE, "research")
        await town.phase("research", "holding")
        town.edit_rules(NOTIFYING)
        await town.sleep(UNTIL_TAKEN_UP)
        town.cluster.pause(NAMESPACE, "research", paused=False)
        record = await town.outcome("research")

        assert record["outcome"] == "notified"
        assert town.serving_image("research") == "research:v2"
        assert town.acts() + town.acts(refused=True) == []

    tell(story, scrape_interval=15)


def test_a_guard_that_is_added_while_it_runs_begins_to_watch_its_namespace() -> None:
    async def story(town: Town) -> None:
        town.edit_rules(with_guard("staging", namespace="staging"))
        await town.sleep(UNTIL_TAKEN_UP)
        assert town.records() == []  # what has served for long is no switch
        town.behaves("content:v2", errors=A_TENTH_FAILS)
        town.cluster.deploy("staging", "content", "content:v2")
        record = await town.outcome("content")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["target"] == "staging/deployment/content"
        content = town.cluster.get("deployments", "staging", "content")
        assert content["spec"]["template"]["spec"]["containers"][0]["image"] == "content:v1"
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, furnish_staging_too, scrape_interval=15)


def test_a_guard_that_is_added_in_the_middle_of_a_bake_finds_the_switch() -> None:
    async def story(town: Town) -> None:
        town.behaves("content:v2", errors=A_TENTH_FAILS)
        town.cluster.deploy("staging", "content", "content:v2")
        switched = town.clock.now()
        await town.sleep(60)
        assert town.records() == []
        town.edit_rules(with_guard("staging", namespace="staging"))
        record = await town.outcome("content")

        assert record["outcome"] == "rolled-back"
        assert record["switched_at"][:19] == switched.isoformat()[:19]

    tell(story, furnish_staging_too, scrape_interval=15)


def test_a_namespace_that_no_guard_names_any_more_is_left_alone() -> None:
    async def story(town: Town) -> None:
        town.edit_rules(RULES)
        await town.sleep(UNTIL_TAKEN_UP)
        town.behaves("content:v2", errors=A_TENTH_FAILS)
        town.cluster.deploy("staging", "content", "content:v2")
        await town.sleep(900)

        assert town.records() == []
        assert town.cluster.watches("/namespaces/staging/") == []
        assert len(town.cluster.watches("/namespaces/production/")) > 0

    tell(story, furnish_staging_too, rules=with_guard("staging", namespace="staging"), scrape_interval=15)


@pytest.mark.parametrize("away", [False, True], ids=["while it runs", "in its absence"])
def test_an_open_watch_in_a_namespace_that_no_guard_names_any_more_only_tells_and_ends(away: bool) -> None:
    async def story(town: Town) -> None:
        town.behaves("content:v2", errors=A_TENTH_FAILS)
        town.cluster.deploy("staging", "content", "content:v2")
        await town.phase("content", "watching")
        if away:
            await town.kill()
        town.edit_rules(RULES)
        await town.sleep(10)
        if away:
            await town.start()
        record = await town.outcome("content")

        assert record["outcome"] == "notified"
        assert town.acts() + town.acts(refused=True) == []

    tell(story, furnish_staging_too, rules=with_guard("staging", namespace="staging"), scrape_interval=15)


def test_a_watch_of_what_may_no_longer_be_read_ends_all_the_same() -> None:
    async def story(town: Town) -> None:
        town.behaves("content:v2", errors=A_TENTH_FAILS)
        town.cluster.deploy("staging", "content", "content:v2")
        await town.phase("content", "watching")
        await town.kill()
        forbidden = {"kind": "Status", "code": 403, "message": "no"}
        town.cluster.faults.answer(403, forbidden, path=re.compile("/namespaces/staging/"), count=None)
        town.edit_rules(RULES)
        await town.start()
        record = await town.outcome("content")

        assert record["outcome"] == "inconclusive"
        assert town.acts() + town.acts(refused=True) == []

    tell(story, furnish_staging_too, rules=with_guard("staging", namespace="staging"), scrape_interval=15)
