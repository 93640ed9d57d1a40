"""Canaries of a mesh and of an ingress, and a rollout, that the watchdog put back: its records are all that is known.

There are no kube-state-metrics, so that nothing but a record tells of labels, and of when a pod was ready.
"""

from collections.abc import Iterator

import pytest

from replay.afternoons import Afternoon, assert_decided_in_its_second, lived_through
from simulator.prometheus.real import needs_prometheus
from town import NAMESPACE, RULES, Town
from watchdog.domain.state import Watch
from watchdog.replay.comparing import compared
from watchdog.replay.failing import failing, read_conditions
from watchdog.replay.report import CUT_SHORT, Change, Report, Severity, SwitchReplay
from watchdog.simulator.traffic import Course
from weights import BAD, INGRESS, VIRTUALSERVICE, Weights

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

RESEARCH = f"{NAMESPACE}/deployment/research"
SELECTOR = 'selector   = "app.kubernetes.io/part-of=plasma-engine"'
NAMED = 'selector   = "app.kubernetes.io/name in (shop, research)"'


def rules_for(route: Weights, selector: str = NAMED) -> str:
    """A guard that selects by a label whose value is not the route's name."""
    kinds = f'kinds = ["deployment", "{route.kind}"]'
    short = RULES.replace(SELECTOR, f'{selector}\n{kinds}\nbake = "2m"\nbaseline = "10m"')
    return short.replace('"latency", "cpu", "memory", "health", "crash"', '"latency"')


def furnish(route: Weights, town: Town) -> None:
    route.furnish(town)
    named = {"metadata": {"labels": {"app.kubernetes.io/name": "shop"}}}
    town.cluster.patch(route.resource, NAMESPACE, "gateway", named)
    town.cluster.patch(
        "deployments", NAMESPACE, "research", {"metadata": {"labels": {"app.kubernetes.io/name": "research"}}}
    )


async def releases(route: Weights, town: Town) -> None:
    """A canary that passes at 20 %, takes a step after its bake, and fails there; and a bad rollout."""
    route.weigh(town, 20)
    await town.outcome("gateway")
    await town.sleep(120)
    town.behaves("gateway:v2", errors=BAD)
    town.behaves("research:v2", errors=Course.constant(0.3))
    town.deploy("research", "research:v2")
    route.weigh(town, 50)
    await town.outcome("gateway", number=2)
    await town.outcome("research")
    await town.sleep(200)


@pytest.fixture(scope="module", params=[VIRTUALSERVICE, INGRESS], ids=lambda route: str(route.kind))
def route(request: pytest.FixtureRequest) -> Weights:
    found: Weights = request.param
    return found


@pytest.fixture(scope="module")
def afternoon(route: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    folder = tmp_path_factory.mktemp("afternoon")
    with lived_through(
        lambda town: releases(route, town),
        lambda town: furnish(route, town),
        folder,
        rules_for(route),
        exported=False,
    ) as lived:
        yield lived


@pytest.fixture(scope="module")
def report(route: Weights, afternoon: Afternoon) -> Report:
    return afternoon.replayed(rules_for(route), recorded=True)


def of(report: Report, watch: Watch) -> SwitchReplay:
    found = [one for one in report.real if one.id == watch.id]
    assert found, f"{watch.id} was not found; there are {[one.id for one in report.real]}"
    return found[0]


def test_a_step_after_the_bake_is_a_watch_of_its_own_on_record(route: Weights, afternoon: Afternoon) -> None:
    lived = [(str(one.switch.target), one.phase.value, one.switch.part) for one in afternoon.watches]
    assert sorted(lived, key=str) == sorted(
        [(RESEARCH, "rolled-back", None), (route.target, "passed", 0.2), (route.target, "rolled-back", 0.5)], key=str
    )


def test_each_is_decided_in_the_second_in_which_it_was_by_the_values_that_were_seen(
    afternoon: Afternoon, report: Report
) -> None:
    """Which blocks count follows from when the pods were ready, which a record tells to the second."""
    assert sorted(one.id for one in report.real) == sorted(watch.id for watch in afternoon.watches)
    for watch, record in zip(afternoon.watches, afternoon.records, strict=True):
        replay = of(report, watch)
        assert replay.outcome == watch.phase.value, replay.reason
        assert_decided_in_its_second(replay, watch)
        told = replay.rule("error-rate")
        assert told is not None
        until = (watch.breached_at or watch.ended_at).isoformat()  # type: ignore[union-attr]
        live = [(at, value) for at, value, *_ in record["rules"]["error-rate"]["path"] if at <= until]
        past = [(one.at.isoformat(), one.value) for one in told.path if one.at.isoformat() <= until]
        assert past == live
    assert (report.overall.bad, report.overall.caught) == (2, 2)
    assert not any("nothing tells when" in note.text for note in report.notes)


def test_a_guard_that_selects_by_labels_covers_what_it_covered_on_record(
    route: Weights, afternoon: Afternoon, report: Report
) -> None:
    assert {one.target for one in report.real} == {RESEARCH, route.target}
    renamed = rules_for(route).replace("[guards.services]", "[guards.others]")
    assert {one.target for one in afternoon.replayed(renamed, recorded=True).real} == {RESEARCH, route.target}
    assert not any("listed switch" in note.text for note in report.notes)


def test_what_no_guard_is_found_for_is_counted_and_named_with_the_reason(route: Weights, afternoon: Afternoon) -> None:
    others = rules_for(route, 'selector   = "app.kubernetes.io/name=research"')
    found = afternoon.replayed(others.replace("[guards.services]", "[guards.others]"), recorded=True)
    (note,) = [one for one in found.notes if one.text.startswith("2 listed switches")]
    assert note.severity is Severity.WARNING
    assert note.text == (
        f"2 listed switches of {route.target} left out: no guard of this file selects them, as far as their names, or "
        "the guards that watched them on record, tell (their labels are in no metric)"
    )
    deployments = afternoon.replayed(rules_for(route).replace(f', "{route.kind}"]', "]"), recorded=True)
    (note,) = [one for one in deployments.notes if "listed switch" in one.text]
    assert (note.severity, note.text) == (
        Severity.INFO,
        f"2 listed switches of {route.target} left out: no guard of this file covers them",
    )


def test_what_the_watchdog_put_back_before_these_rules_decide_is_cut_short_and_never_missed(
    route: Weights, afternoon: Afternoon, report: Report
) -> None:
    lax = afternoon.replayed(rules_for(route).replace("http_error_rate > 5%", "http_error_rate > 60%"), recorded=True)
    cut = [one for one in lax.real if one.outcome == CUT_SHORT]
    rolled_back = [watch for watch in afternoon.watches if watch.phase.value == "rolled-back"]
    assert sorted(one.id for one in cut) == sorted(watch.id for watch in rolled_back)
    for watch in rolled_back:
        told = of(lax, watch)
        assert told.label.value == "bad"
        assert told.reason.startswith(f"cut short by the rollback of {watch.switch.candidate}, ")
        assert watch.acted_at is not None
        assert told.served_until == watch.acted_at
    assert (lax.overall.bad, lax.overall.caught, lax.overall.not_replayable) == (0, 0, 0)
    assert any(note.text.startswith("2 switches were cut short: ") for note in lax.notes)
    both = compared(report, lax, "main:rules.toml")
    assert {(one.change, one.at_least) for one in both.differences} == {(Change.LATER, True)}
    asked = read_conditions(["more-missed,more-cut-short,missed,cut-short"])
    assert failing(asked, lax, both) == ("more-cut-short (more-cut-short is 2)", "cut-short (cut-short is 2)")


def test_what_is_only_told_was_told_by_the_time_of_the_put_back(route: Weights, afternoon: Afternoon) -> None:
    telling = rules_for(route).replace("[rules.error-rate]", '[rules.error-rate]\naction = "notify"')
    found = afternoon.replayed(telling, recorded=True)
    for watch in afternoon.watches:
        if watch.phase.value == "rolled-back":
            assert (of(found, watch).outcome, of(found, watch).first_rule) == ("notified", "error-rate")
    assert (found.overall.bad, found.overall.caught) == (2, 2)
