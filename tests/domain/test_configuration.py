"""When other data in a ConfigMap are a switch of what they configure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import a_revision, a_target, at
from watchdog.domain.configuration import configured, no_way_back
from watchdog.domain.live import Configured
from watchdog.domain.memory import Memory
from watchdog.domain.noticing import Noticed
from watchdog.domain.reconfigured import Became, ConfigChange
from watchdog.domain.rollout import SwitchKind

BAKE = timedelta(minutes=10)
MEMORY = Memory(a_target(), a_revision("v1"), at(-3600), configs={"settings": "5", "flags": "7"})
SEEN = Configured(a_target(), at(0), {"settings": "5", "flags": "7"}, by="ann")
CHANGED = replace(SEEN, versions={"settings": "9", "flags": "7"}, changed=(ConfigChange("settings", "9", ("LIMIT",)),))


def noticed(seen: Configured, memory: Memory = MEMORY, *, busy: bool = False, now: float = 30) -> Noticed:
    return configured(memory, seen, bake=BAKE, busy=busy, now=at(now))


def test_a_change_is_a_switch_of_the_same_revision_split_by_time() -> None:
    found = noticed(CHANGED)
    assert found.switch is not None
    assert (found.switch.kind, found.switch.at, found.switch.by) == (SwitchKind.CONFIG, at(0), "ann")
    assert found.switch.candidate == found.switch.previous == MEMORY.serving
    assert found.stable is not None
    assert (found.stable.revision, found.stable.since, found.stable.until) == (MEMORY.serving, at(-3600), at(0))
    assert found.memory.configs == CHANGED.versions
    assert found.memory.good == MEMORY.good
    assert found.memory.serving == MEMORY.serving


def test_another_version_without_other_data_is_none() -> None:
    found = noticed(replace(SEEN, versions={"settings": "6", "flags": "7"}))
    assert (found.switch, found.quiet, found.memory.configs["settings"]) == (None, "", "6")


def test_what_changed_while_nobody_looked_is_known_by_its_version_alone() -> None:
    found = noticed(replace(SEEN, versions={"settings": "9", "flags": "7"}, first=frozenset({"settings", "flags"})))
    assert found.switch is not None
    assert found.switch.configs == (ConfigChange("settings", "9"),)
    assert "which keys is not known" in found.switch.reconfigured


def test_what_is_seen_for_the_first_time_at_all_is_no_change() -> None:
    found = noticed(replace(SEEN, first=frozenset({"settings", "flags"})), replace(MEMORY, configs={}))
    assert (found.switch, found.memory.configs) == (None, SEEN.versions)


@pytest.mark.parametrize(
    ("memory", "busy", "now", "quiet"),
    [
        (MEMORY, True, 30, "ConfigMap settings (LIMIT)"),
        (MEMORY, False, 1200, "long ended"),
        (replace(MEMORY, since=at(1)), False, 30, "before what serves was rolled out"),
        (replace(MEMORY, idle=True), False, 30, ""),
    ],
    ids=["another watch is open", "seen late", "older than what serves", "an idle colour"],
)
def test_what_opens_no_watch_is_remembered_all_the_same(memory: Memory, busy: bool, now: float, quiet: str) -> None:
    found = noticed(CHANGED, memory, busy=busy, now=now)
    assert found.switch is None
    assert quiet in found.quiet
    assert found.memory.configs == CHANGED.versions


def test_the_sentence_names_keys_and_the_command_and_is_bounded() -> None:
    many = [f"KEY_{number:02}" for number in range(30)]
    found = noticed(
        replace(CHANGED, changed=(ConfigChange.of("settings", "9", many), ConfigChange("flags", "8", ("FAST",))))
    )
    assert found.switch is not None
    said = no_way_back(found.switch)
    assert "KEY_11 and 18 more" in said
    assert "kubectl -n production edit configmap settings && kubectl -n production edit configmap flags" in said


def test_neither_many_keys_nor_long_ones_nor_many_configmaps_make_what_is_kept_grow() -> None:
    keys = [f"KEY_{number:04}_{'y' * 240}" for number in range(1000)]
    changes = tuple(ConfigChange.of(f"settings-{number}", "9", keys) for number in range(100))
    found = noticed(replace(CHANGED, changed=changes))
    assert found.switch is not None
    assert len(found.switch.configs[0].keys) == 12
    assert "and 988 more" in str(found.switch.configs[0])
    said = no_way_back(found.switch)
    assert "and 88 more ConfigMaps" in said
    assert len(said) < 13_000


@pytest.mark.parametrize(
    ("change", "said", "command"),
    [
        (ConfigChange.of("s", "", ["B", "A"], Became.DELETED), "ConfigMap s (deleted: A, B)", ""),
        (ConfigChange("s", "", became=Became.DELETED), "ConfigMap s (deleted while nobody looked)", ""),
        (ConfigChange.of("s", "7", ["A"], Became.NEW), "ConfigMap s (new: A)", "kubectl -n shop delete configmap s"),
    ],
)
def test_one_that_is_gone_or_new_is_said_to_be_with_what_takes_it_back(
    change: ConfigChange, said: str, command: str
) -> None:
    assert str(change) == said
    assert change.command_back("shop") == command


def test_one_that_went_while_nobody_looked_is_a_change_and_one_that_never_was_there_is_none() -> None:
    gone = replace(SEEN, versions={**SEEN.versions, "settings": ""}, first=frozenset({"settings"}))
    found = noticed(gone)
    assert found.switch is not None
    assert str(found.switch.configs[0]) == "ConfigMap settings (deleted while nobody looked)"
    optional = replace(SEEN, versions={**SEEN.versions, "optional": ""}, first=frozenset({"optional"}))
    assert noticed(optional).switch is None
