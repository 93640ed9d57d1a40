"""What to look at next: the commands that an account of a watch ends with."""

import shlex
from typing import Any

from adapters.web.pages.records import a_record
from builders import (
    at,
)
from domain.test_account import put_back
from watchdog.domain.next_steps import next_steps


def commands(record: dict[str, Any]) -> list[str]:
    return [one.command for one in next_steps(record) if one.command]


def test_after_a_rollback_it_says_how_to_look_and_how_to_bring_the_release_back() -> None:
    steps = next_steps(put_back())
    found = commands(put_back())
    assert "kubectl -n production get replicaset research-7c9d -o yaml" in found
    (again,) = [one for one in found if "rollout undo" in one]
    assert again.startswith("kubectl -n production rollout undo deployment/research --to-revision=")
    assert "get replicaset research-7c9d" in again
    assert any(one.query == put_back()["rules"]["error-rate"]["query"] for one in steps if one.query)
    assert any("false-alarm" in one for one in found)


def test_after_a_false_alarm_nothing_is_said_that_the_record_cannot_know() -> None:
    mark = {"what": "false-alarm", "by": "ana", "reason": "a load test", "at": at(900).isoformat()}
    told = [one.what for one in next_steps(put_back(mark=mark))]
    assert "To bring back this very release, if nobody has; it is watched again" in told
    assert not any("still bad" in one for one in told)
    assert "Its template is kept; its pods are gone, unless it was brought back since" in told


def test_a_flip_is_brought_back_by_a_switch_and_its_pods_still_run() -> None:
    record = put_back(target="production/service/gateway", kind="selector", candidate="gateway-green-9reen (gateway:2)")
    found = commands(record)
    assert any(
        one.startswith("watchdog switch production/service/gateway --to deployment/gateway-green ") for one in found
    )
    assert "kubectl -n production get pods -l pod-template-hash=9reen -o wide" in found


def test_of_what_was_held_it_says_how_to_put_it_back_over_the_check_that_refused() -> None:
    held = put_back(acted_at=None, outcome="held", phase="held", refusal="shared-cause")
    assert "watchdog rollback production/deployment/research --reason 'WHY' --override shared-cause" in commands(held)
    gone = put_back(acted_at=None, outcome="held", phase="held", refusal="out-of-reach")
    assert "watchdog rollback production/deployment/research --reason 'WHY'" in commands(gone)


def test_a_name_that_is_none_is_put_into_no_command() -> None:
    hostile = "$(rm -rf /); `x` & y"
    for changes in ({"target": f"production/deployment/{hostile}"}, {"candidate": hostile}, {"watch": hostile}):
        for command in commands(put_back(**changes)):
            assert hostile not in command.replace(shlex.quote(hostile), ""), command


def test_an_open_watch_is_followed_and_a_marked_one_can_be_unmarked() -> None:
    assert commands(a_record())[-1] == "watchdog status --watch"
    mark = {"what": "missed", "by": "ana", "reason": "it leaked", "at": at(900).isoformat()}
    assert commands(a_record(watch="w", outcome="passed", phase="passed", mark=mark))[-1] == "watchdog mark w none"
