"""The main job with the real daemon, a real API server and a real Prometheus: every story of `both`, and what only a
process can show: its writes as the audit log has them, its rights, its death, its verbs."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from both import STORIES
from e2e.controlplane.plane import ControlPlane
from e2e.guarding import WORKLOADS, act_of
from e2e.judged import IN_TIME, LEFT_ALONE
from e2e.process_stories import UNDER_A_BUDGET
from e2e.season import TOLD_BY_VICTORIA_METRICS, Season, as_victoria_metrics_tells
from stage import Record, Story
from watchdog.adapters.kubernetes.braking import ACTS

pytestmark = pytest.mark.timeout(600)

KILLED = ("killed_before_its_write", "killed_before_the_answer", "released_while_it_was_dead")
RECORD_WRITES = 12
WRITES = 24

# What the watchdog wrote to the workloads of each story, and it wrote nothing to any other.
EXPECTED: dict[str, list[str]] = {
    "an_error_spike_is_undone_once_and_told": ["deployments/research"],
    "a_good_release_passes_and_is_left_alone": [],
    "a_slow_green_is_flipped_back_by_one_patch_of_the_service": ["services/gateway"],
    "a_flip_to_a_good_green_is_left_alone": [],
    "two_services_flipped_together_are_one_watch_and_put_back_together": ["services/admin", "services/gateway"],
    "a_memory_leak_is_undone": ["deployments/content"],
    "a_cpu_spike_is_undone": ["deployments/content"],
    "a_failing_health_check_is_undone": ["deployments/agent"],
    "a_crash_loop_that_never_gets_ready_is_undone": ["deployments/agent"],
    "a_release_on_hold_is_undone_once_the_hold_is_taken_off": ["deployments/research"],
    "a_paused_deployment_is_undone_once_it_is_resumed": ["deployments/research"],
    "a_fix_that_is_deployed_while_the_watch_is_held_supersedes_it": [],
    "a_person_who_undoes_first_has_done_it_and_nothing_is_done_twice": [],
    "an_old_template_whose_configmap_is_gone_is_undone_to_once_it_is_back": ["deployments/research"],
    "a_blue_that_was_scaled_down_is_scaled_up_before_it_is_flipped_back_to": [
        "deployments/gateway-blue/scale",
        "services/gateway",
    ],
    "an_autoscaler_in_the_middle_is_no_switch_and_hides_nothing": [],
    "the_rollout_of_an_idle_colour_opens_no_watch_and_the_flip_to_it_does": [],
    "a_guard_to_whom_prometheus_tells_nothing_is_inconclusive_and_never_acts": [],
    "a_fix_that_is_deployed_in_the_same_second_stays_and_supersedes_the_watch": [],
    "a_flip_to_another_colour_in_the_same_second_stays": [],
    "a_label_in_the_same_second_is_no_reason_to_give_up": ["deployments/research"],
    "a_bad_release_of_a_deployment_that_recreates_is_undone": ["deployments/research"],
    "a_good_release_of_a_deployment_that_recreates_passes_though_nothing_served_for_a_moment": [],
    "pods_that_count_as_available_late_are_judged_from_when_they_are_ready": ["deployments/research"],
    "a_good_release_whose_pods_count_as_available_late_passes": [],
    "a_release_that_never_gets_ready_is_undone_though_no_old_pod_had_to_go_for_it": ["deployments/agent"],
    "a_release_for_whose_pods_the_quota_has_no_room_is_undone_and_the_quota_named": ["deployments/research"],
    "an_undo_for_whose_pods_the_quota_has_no_room_did_not_recover_and_says_why": ["deployments/research"],
    "a_vertical_autoscaler_that_resizes_the_pods_is_no_switch_and_hides_nothing": ["deployments/research"],
    UNDER_A_BUDGET: ["deployments/research"],
    "by_hand": [],
    **{name: ["deployments/research"] for name in KILLED},
    **{name: ["deployments/research"] for name in IN_TIME},
    **{name: [] for name in LEFT_ALONE},
}

EXPECTED |= {as_victoria_metrics_tells(name): EXPECTED[name] for name in TOLD_BY_VICTORIA_METRICS}


@pytest.mark.parametrize("story", STORIES.all, ids=lambda story: story.name)
def test_on_a_real_control_plane(season: Season, story: Story):
    if story.name not in season.stories:
        pytest.skip("pods have no reachable addresses here: they cannot be probed (in_netns.sh)")
    season.stories[story.name].check()


@pytest.mark.parametrize("name", [as_victoria_metrics_tells(name) for name in TOLD_BY_VICTORIA_METRICS])
def test_where_victoria_metrics_tells_it_the_story_is_the_same(season: Season, name: str):
    season.stories[name].check()


@pytest.mark.parametrize("name", KILLED)
def test_killed_at_the_worst_moments_it_acts_once_and_tells_all(season: Season, name: str):
    season.stories[name].check()


@pytest.mark.parametrize("name", [UNDER_A_BUDGET])
def test_a_disruption_budget_is_neither_in_the_way_of_an_undo_nor_asked(season: Season, name: str):
    season.stories[name].check()


@pytest.mark.parametrize("name", ["by_hand"])
def test_a_person_can_roll_back_by_hand_and_read_what_became_of_it(season: Season, name: str):
    season.stories[name].check()

    assert {name: ran.returncode for name, ran in season.verbs.items()} == dict.fromkeys(season.verbs, 0), season.verbs
    namespace = season.stories[name].namespace
    target = f"{namespace}/deployment/research"
    open_then = [json.loads(line) for line in season.verbs["status"].stdout.splitlines()]
    assert ("watching", target) in [(one["phase"], one["target"]) for one in open_then]
    assert "put back; watch" in season.verbs["rollback"].stdout
    ended = [json.loads(line) for line in season.verbs["history"].stdout.splitlines()]
    assert [(one["outcome"], one["target"]) for one in ended] == [("rolled-back", target), ("superseded", target)]
    assert "rolled-back, recovered" in season.verbs["explain"].stdout
    assert "checkout is down" in season.verbs["explain"].stdout


def test_what_was_put_back_opens_no_watch(season: Season):
    for name, told in season.stories.items():
        records = [one for each in season.watchdogs.values() for one in each.records if _is_of(told.namespace, one)]
        if told.acts:
            assert len(records) == 1, name


def _is_of(namespace: str, record: Record) -> bool:
    return str(record["target"]).startswith(f"{namespace}/")


def test_every_write_is_one_that_was_expected(season: Season):
    for name, told in season.stories.items():
        assert sorted(told.acts) == sorted(EXPECTED[name]), name
    for watchdog in season.watchdogs.values():
        for write in watchdog.writes:
            what = f"{write.verb} {write.namespace}/{act_of(write)}: {write.code}"
            if write.resource == "selfsubjectaccessreviews":
                continue  # a question about its own rights, which changes nothing
            if write.namespace == watchdog.own_namespace:
                assert write.resource in ("configmaps", "leases"), what
                assert write.verb in ("create", "update", "patch"), what
                if write.resource == "leases":
                    assert write.name == "rollback-watchdog" or write.verb == "create", what
                    continue
                assert str(write.name or "").startswith("rollback-watchdog-") or write.verb == "create", what
            else:
                assert write.namespace in watchdog.guarded, what
                assert (write.verb, write.resource) in (
                    ("create", "events"),
                    ("patch", "deployments"),
                    ("patch", "deployments/scale"),
                    ("patch", "services"),
                ), what


def test_it_needs_no_more_rights_than_it_was_given(season: Season, audited: ControlPlane):
    del audited
    assert {name: watchdog.refusals for name, watchdog in season.watchdogs.items() if watchdog.refusals} == {}


def test_a_watch_costs_no_more_writes_than_promised(season: Season):
    for watchdog in season.watchdogs.values():
        records = Counter(
            write.name
            for write in watchdog.writes
            if write.namespace == watchdog.own_namespace
            and write.resource == "configmaps"
            and "-targets-" not in str(write.name)
        )
        of_all = records.pop(ACTS, 0)  # the brakes' memory, of all watches together: once for each act
        assert of_all <= sum(write.resource in WORKLOADS for write in watchdog.writes)
        assert {name: count for name, count in records.items() if count > RECORD_WRITES} == {}
        watches = Counter(str(record["target"]).partition("/")[0] for record in watchdog.records)
        for namespace, count in watches.items():
            own = sum(number for name, number in records.items() if f"-{namespace}-" in str(name))
            there = sum(write.namespace == namespace for write in watchdog.writes)
            memory = sum(str(write.name).endswith(f"-targets-{namespace}") for write in watchdog.writes)
            assert own + there + memory <= WRITES * count, (namespace, own, there, memory)


def test_sigterm_ends_it_with_zero_and_its_log_is_clean_json(season: Season):
    for name, watchdog in season.watchdogs.items():
        assert watchdog.exit_code == 0, name
        assert [line for line in watchdog.log if line["level"] == "error" or "traceback" in line] == [], name
        assert not [line for line in watchdog.log if "json://" in json.dumps(line)], "a channel's URL is a secret"


def test_each_final_record_is_a_line_of_the_log(season: Season):
    for name, watchdog in season.watchdogs.items():
        logged = {line["watch"] for line in watchdog.log if line["event"] == "record"}
        assert {record["watch"] for record in watchdog.records if record["outcome"]} <= logged, name
