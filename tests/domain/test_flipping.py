"""What is asked before a Service is switched."""

from collections.abc import Sequence

import pytest

from builders import GREEN, T0, a_target
from watchdog.domain.flipping import (
    Colour,
    Flip,
    FlipCheck,
    Objection,
    ServiceNow,
    cannot_serve,
    chosen,
    health,
    selector_of,
)
from watchdog.domain.live import Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.rollout import TargetKind

GATEWAY = a_target("gateway", kind=TargetKind.SERVICE)
PAIR = {
    "gateway-blue": {"app": "gateway", "colour": "blue", "tier": "edge"},
    "gateway-green": {"app": "gateway", "colour": "green"},
    "brand": {"app": "brand", "colour": "green"},
    "agent": {"app": "agent"},
}


def a_service(selector: dict[str, str] | None = None, **more: dict[str, str]) -> ServiceNow:
    wanted = {"app": "gateway", "colour": "blue"} if selector is None else selector
    return ServiceNow(GATEWAY, "uid", "7", wanted, {}, {**PAIR, **more})


def refused(found: str | Objection) -> str:
    assert isinstance(found, Objection), found
    assert found.check is FlipCheck.NO_SUCH_COLOUR
    return found.sentence


@pytest.mark.parametrize("to", ["green", "deployment/gateway-green"])
def test_a_colour_is_the_value_of_the_label_that_differs_or_a_deployment(to: str) -> None:
    assert chosen(a_service(), to) == "gateway-green"
    assert selector_of(a_service(), "gateway-green") == {"app": "gateway", "colour": "green"}


def test_the_colour_that_serves_can_be_named_too() -> None:
    assert chosen(a_service(), "blue") == "gateway-blue"


@pytest.mark.parametrize(
    "to", ["red", "gateway", "edge", "brand", "deployment/brand", "deployment/agent", "", "deployment/"]
)
def test_what_is_no_other_colour_of_the_service_is_refused_with_what_is(to: str) -> None:
    assert "there are blue, green" in refused(chosen(a_service(), to))


def test_a_selector_of_one_label_is_switched_by_its_value() -> None:
    service = a_service({"app": "gateway-blue"}, one={"app": "gateway-blue"}, two={"app": "gateway-green"})
    assert chosen(service, "gateway-green") == "two"


def test_two_deployments_of_one_colour_are_not_guessed_between() -> None:
    service = a_service(other={"app": "gateway", "colour": "green", "track": "x"})
    assert "write deployment/gateway-green or deployment/other" in refused(chosen(service, "green"))
    assert "do not tell them apart" in refused(chosen(service, "deployment/other"))


def test_a_service_without_selector_cannot_be_switched() -> None:
    assert "has no selector" in refused(chosen(a_service({}), "green"))


def test_a_service_that_no_deployment_fits_says_so() -> None:
    assert "no Deployment has the labels" in refused(chosen(a_service({"role": "web"}), "green"))


def a_pod(name: str, *, ready: bool = True) -> Pod:
    return Pod(name, f"uid-{name}", T0, ready_since=T0 if ready else None)


def a_colour(*pods: Pod, desired: int = 2, complete: bool = True) -> Colour:
    return Colour("gateway-green", {}, GREEN, desired, complete, pods)


@pytest.mark.parametrize(
    ("colour", "check", "words"),
    [
        (a_colour(a_pod("a"), a_pod("b"), complete=False), FlipCheck.ROLLING_OUT, "not complete"),
        (a_colour(desired=0), FlipCheck.NOT_READY, "scaled to zero"),
        (a_colour(a_pod("a"), a_pod("b", ready=False)), FlipCheck.NOT_READY, "1 of 2 pods"),
    ],
)
def test_a_colour_that_cannot_take_the_traffic_is_refused(colour: Colour, check: FlipCheck, words: str) -> None:
    objection = cannot_serve(colour)
    assert objection is not None
    assert objection.check is check
    assert words in objection.sentence


def test_a_colour_that_is_wholly_ready_is_not() -> None:
    assert cannot_serve(a_colour(a_pod("a"), a_pod("b"))) is None


OK, WRONG = ProbeOutcome.EXPECTED, ProbeOutcome.WRONG_STATUS
REFUSED, LATE = ProbeOutcome.REFUSED, ProbeOutcome.TIMED_OUT


def a_round(*outcomes: ProbeOutcome) -> Sequence[ProbeResult]:
    return [ProbeResult(f"pod-{number}", outcome, outcome.value) for number, outcome in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("rounds", "serving", "healthy"),
    [
        ([(OK, OK)], (), True),
        ([(OK, WRONG), (OK, OK)], (), True),  # it came up
        ([(OK, WRONG), (OK, WRONG), (OK, WRONG)], (), False),
        ([(WRONG, WRONG)], (), False),  # a wrong status is evidence at once
        ([(REFUSED, LATE)], (), True),  # perhaps it is us who cannot reach them
        ([(REFUSED, REFUSED)], (REFUSED,), True),
        ([(REFUSED, REFUSED)], (OK,), False),  # blue answers from here
        ([(OK, REFUSED)], (), False),  # so does the other pod of green
        ([(OK, REFUSED), (REFUSED, OK)], (), True),  # none failed each time
        ([()], (), True),
    ],
)
def test_health_is_judged_by_what_can_be_seen_from_here(
    rounds: list[tuple[ProbeOutcome, ...]], serving: tuple[ProbeOutcome, ...], healthy: bool
) -> None:
    found = health("/health", [a_round(*one) for one in rounds], a_round(*serving))
    assert (found.objection is None) is healthy
    assert found.objection is not None or found.note


def test_the_change_is_told_in_the_labels_that_differ() -> None:
    flip = Flip(GATEWAY, "uid", "7", {"app": "gateway", "colour": "blue"}, {"app": "gateway", "colour": "green"}, "ann")
    assert flip.change == "colour=blue -> colour=green"
