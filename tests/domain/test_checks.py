"""The checks that a record lists are those that `plan` asks, in its order, each with how it ended."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import (
    BLUE,
    a_destination,
    a_flip_switch,
    a_guard,
    a_live,
    a_rule,
    a_switch,
    a_watch,
    at,
)
from watchdog.domain.annotations import HOLD
from watchdog.domain.brakes import Act, Around, Pause
from watchdog.domain.checks import CHECKS, Answer, checks_of
from watchdog.domain.owners import Owner, Tool
from watchdog.domain.remedy import plan
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.state import Refusal, RefusalReason, Watch

AFTERWARDS = {RefusalReason.KNOWN_BAD, RefusalReason.CONFLICT, RefusalReason.OUT_OF_REACH}
BINDING = {RefusalReason.SUPERSEDED, RefusalReason.NOTHING_TO_GO_BACK_TO, RefusalReason.DESTINATION_GONE}


def refused(watch: Watch, reason: RefusalReason, sentence: str = "because") -> Watch:
    return replace(watch, refusal=Refusal(reason, sentence))


def test_every_reason_to_refuse_is_a_check_or_comes_after_them() -> None:
    assert set(CHECKS) | AFTERWARDS == set(RefusalReason)


def test_they_are_listed_in_the_order_in_which_plan_asks() -> None:
    """Everything is wrong at once; each refusal is passed over, so that the next one shows."""
    switch = a_flip_switch()
    watch = a_watch(guard=a_guard(a_rule()), switch=switch)
    pause = Pause("a migration", "ana", at(0), None)
    acts = tuple(Act(f"w{n}", Target.parse(f"production/deployment/s{n}"), at(50)) for n in range(9))
    until = (at(0) + timedelta(hours=1)).isoformat()
    place = a_destination(
        BLUE, ready_pods=0, same_template=False, differs=False, missing=("ConfigMap x",), refused="quota"
    )
    live = a_live(
        60, switch=switch, fresh=True, destination=place, paused=True, around=Around(acts=acts, pause=pause),
        annotations={HOLD: f"until={until}; migration"}, owner=Owner(Tool.ARGO_CD, "app", "argocd", heals=True),
    )  # fmt: skip
    met = []
    while isinstance(answer := plan(watch, live), Refusal):
        met.append(answer.reason)
        watch = replace(watch, overridden=(*watch.overridden, answer.reason.value))
    assert len(met) >= 10
    assert met == [reason for reason in CHECKS if reason in met]


def test_what_was_refused_is_said_and_what_comes_after_it_was_not_reached() -> None:
    checks = checks_of(refused(a_watch(), RefusalReason.ON_HOLD, "on hold until noon"))
    answers = [(one["check"], one["answer"]) for one in checks]
    assert answers[:5] == [
        ("superseded", "passed"), ("frozen", "passed"), ("too-many-rollbacks", "passed"), ("paused", "passed"),
        ("on-hold", "refused"),
    ]  # fmt: skip
    assert {answer for _, answer in answers[5:]} == {Answer.NOT_REACHED.value}
    assert [one["why"] for one in checks if one["why"]] == ["on hold until noon"]


def test_an_allowed_act_passed_them_all_and_a_person_passes_over_some() -> None:
    watch = a_watch()
    remedy = plan(watch, a_live(60, fresh=True))
    assert not isinstance(remedy, Refusal)
    checks = checks_of(replace(watch, remedy=remedy, overridden=("gitops",)))
    assert {one["answer"] for one in checks if one["check"] != "gitops"} == {Answer.PASSED.value}
    assert [one["answer"] for one in checks if one["check"] == "gitops"] == [Answer.PASSED_OVER.value]


@pytest.mark.parametrize(("kind", "asked"), [(SwitchKind.ROLLOUT, False), (SwitchKind.SELECTOR, True)])
def test_whether_its_pods_are_ready_is_asked_of_flips_alone(kind: SwitchKind, asked: bool) -> None:
    watch = a_watch(switch=a_flip_switch() if kind is SwitchKind.SELECTOR else a_switch())
    checks = checks_of(refused(watch, RefusalReason.SHARED_CAUSE))
    assert ("destination-not-ready" in [one["check"] for one in checks]) is asked


def test_a_write_that_was_not_taken_comes_after_them() -> None:
    watch = a_watch()
    remedy = plan(watch, a_live(60, fresh=True))
    assert not isinstance(remedy, Refusal)
    last = checks_of(refused(replace(watch, remedy=remedy), RefusalReason.CONFLICT, "409"))[-1]
    assert (last["answer"], last["why"]) == ("refused", "409")
    only = checks_of(refused(watch, RefusalReason.OUT_OF_REACH, "timeout"))
    assert [(one["answer"], one["why"]) for one in only] == [("refused", "timeout")]


def test_where_nothing_asked_for_an_act_nothing_was_checked() -> None:
    assert checks_of(a_watch()) == []
