"""Releases by weights, of sets, of a Rollout and of other data: a backtest decides on each as the live watchdog did."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from replay.afternoons import Afternoon, assert_decided_in_its_second, lived_through
from sets import AGENT, DB, PLACES
from simulator.prometheus.real import needs_prometheus
from town import NAMESPACE, PART_OF, RULES, Town
from watchdog.domain.state import Watch
from watchdog.replay.comparing import compared
from watchdog.replay.report import Change, Report, SwitchReplay
from watchdog.simulator.traffic import Course
from weights import HTTPROUTE

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

SELECTOR = 'selector   = "app.kubernetes.io/part-of=plasma-engine"'
KINDS = 'kinds = ["deployment", "httproute", "statefulset", "daemonset", "rollout"]'
SHORT = RULES.replace(SELECTOR, f'{SELECTOR}\n{KINDS}\nbake = "2m"\nbaseline = "10m"\nconfig = true')
SHORT = SHORT.replace('"latency", "cpu", "memory", "health", "crash"', '"latency", "crash"')
SEARCH = f"{NAMESPACE}/rollout/search"
DB_TARGET, AGENT_TARGET = f"{NAMESPACE}/statefulset/db", f"{NAMESPACE}/daemonset/agent"


def furnish(town: Town) -> None:
    HTTPROUTE.furnish(town)
    for name, (kind, namespace, _) in PLACES.items():
        replicas = {"replicas": 3} if name == "db" else {}
        town.cluster.roll(kind, namespace, name, f"{name}:v1", labels=PART_OF, spec=replicas)
        town.cluster.service(namespace, name)
    town.cluster.release(NAMESPACE, "search", "search:v1", labels=PART_OF)
    town.cluster.service(NAMESPACE, "search")
    town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": "pool"}, "data": {"POOL": "5"}})
    container = {"name": "app", "image": "brand:v1", "envFrom": [{"configMapRef": {"name": "pool"}}]}
    spec = {"template": {"spec": {"containers": [container]}}}
    town.cluster.deploy(NAMESPACE, "brand", "brand:v1", labels=PART_OF, spec=spec)
    town.cluster.service(NAMESPACE, "brand")


async def releases(town: Town) -> None:
    """A canary through all its steps, a bad one; a StatefulSet alike; a DaemonSet, a Rollout and data, all bad."""
    for green in (5, 25, 100):
        HTTPROUTE.weigh(town, green)
        await town.sleep(70)
    await town.outcome("gateway")
    town.behaves("gateway:v3", errors=Course.constant(0.09))
    town.cluster.deploy(NAMESPACE, "gateway-blue", "gateway:v3")  # an idle colour: no switch
    await town.sleep(30)
    HTTPROUTE.weigh(town, 95)
    await town.sleep(45)
    HTTPROUTE.weigh(town, 75)
    town.cluster.roll(*DB, "db:v2")
    await town.outcome("gateway", number=2)
    await town.outcome("db")
    town.behaves("db:v3", errors=Course.constant(0.3))
    town.behaves("agent:v2", errors=Course.constant(0.3))
    town.behaves("brand:v1", errors=Course.constant(0.4))
    town.cluster.roll(*DB, "db:v3")
    town.cluster.roll(*AGENT, "agent:v2")
    town.behaves("search:v2", errors=Course.constant(0.3))
    town.cluster.release(NAMESPACE, "search", "search:v2")
    town.cluster.patch("configmaps", NAMESPACE, "pool", {"data": {"POOL": "0"}}, manager="ann")
    await town.outcome("db", number=2)
    await town.outcome("agent")
    await town.outcome("brand")
    town.cluster.promote(NAMESPACE, "search")
    await town.outcome("search")
    await town.sleep(200)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    with lived_through(releases, furnish, tmp_path_factory.mktemp("afternoon"), SHORT) as lived:
        yield lived


@pytest.fixture(scope="module")
def report(afternoon: Afternoon) -> Report:
    return afternoon.replayed(SHORT, recorded=True)


@pytest.fixture(scope="module")
def by_metrics(afternoon: Afternoon) -> Report:
    return afternoon.replayed(SHORT, placebos=1)


def of(report: Report, watch: Watch) -> SwitchReplay:
    found = [one for one in report.real if one.id == watch.id]
    assert found, f"{watch.id} was not found; there are {[one.id for one in report.real]}"
    return found[0]


def decided_alike(replay: SwitchReplay, watch: Watch) -> None:
    assert replay.outcome == watch.phase.value, replay.reason
    assert replay.first_rule == (watch.breached[0] if watch.first_attempt_at else "")
    assert_decided_in_its_second(replay, watch)


def test_the_afternoon_was_what_it_should_be(afternoon: Afternoon) -> None:
    lived = sorted((str(watch.switch.target), str(watch.switch.kind), watch.phase.value) for watch in afternoon.watches)
    assert lived == [
        (AGENT_TARGET, "rollout", "rolled-back"),
        (f"{NAMESPACE}/deployment/brand", "config", "held"),
        (HTTPROUTE.target, "route", "passed"),
        (HTTPROUTE.target, "route", "rolled-back"),
        (SEARCH, "rollout", "held"),
        (DB_TARGET, "rollout", "passed"),
        (DB_TARGET, "rollout", "rolled-back"),
    ]
    assert [len(watch.steps) for watch in afternoon.of(HTTPROUTE.target)] == [2, 1]


def test_the_records_tell_of_every_kind_and_each_is_decided_at_the_same_second(
    afternoon: Afternoon, report: Report
) -> None:
    """No other switch is found: what rolled out behind a weight of nothing is an idle colour."""
    assert sorted(one.id for one in report.real) == sorted(watch.id for watch in afternoon.watches)
    for watch in afternoon.watches:
        replay = of(report, watch)
        decided_alike(replay, watch)
        assert (replay.source, replay.kind) == ("records", str(watch.switch.kind))
        assert replay.stable.partition(" ")[0] == str(watch.stable.revision if watch.stable else "").partition(" ")[0]
    assert not any("are found in records alone" in note.text for note in report.notes)
    assert not any("listed switch" in note.text for note in report.notes), "nothing is left out"


def test_all_that_was_said_of_weights_and_sets_is_what_was_said_live(afternoon: Afternoon, report: Report) -> None:
    """Value by value and bet by bet: beside the candidate stable is measured at the same moments."""
    compared = 0
    for watch, record in zip(afternoon.watches, afternoon.records, strict=True):
        until = watch.breached_at or watch.ended_at
        assert until is not None
        for rule in ("error-rate", "latency"):
            told = of(report, watch).rule(rule)
            assert told is not None
            live = [(datetime.fromisoformat(one[0]), *one[1:2], *one[3:5]) for one in record["rules"][rule]["path"]]
            past = [(one.at, one.value, one.finding, round(one.log_evidence or 0.0, 3)) for one in told.path]
            live, past = ([one for one in path if one[0] <= until] for path in (live, past))
            assert past == live, f"{watch.id} {rule}"
            compared += len(live)
    assert compared > 80


def test_releases_of_sets_are_found_by_kube_state_metrics(afternoon: Afternoon, by_metrics: Report) -> None:
    sets = [*afternoon.of(DB_TARGET), *afternoon.of(AGENT_TARGET)]
    found = [one.id for one in by_metrics.real if one.target in (DB_TARGET, AGENT_TARGET)]
    assert sorted(found) == sorted(watch.id for watch in sets)
    for watch in sets:
        replay = of(by_metrics, watch)
        decided_alike(replay, watch)
        assert (replay.source, replay.at_is_bound) == ("kube-state-metrics", False)
    assert of(by_metrics, afternoon.of(SEARCH)[0]).source == "kube-state-metrics"  # by its ReplicaSets
    bad = of(by_metrics, afternoon.of(DB_TARGET)[1])
    assert (bad.label.value, bad.label_source) == ("bad", "rolled back within the hour")


def test_what_no_metric_tells_is_said_and_not_passed_over(by_metrics: Report) -> None:
    said = [note.text for note in by_metrics.notes if "records alone" in note.text]
    assert [text.partition(" are found")[0] for text in said] == [
        "guard services: switches of HTTPRoutes",
        "guard services: changes of configuration",
    ]
    assert by_metrics.partial
    assert not any(one.kind in ("route", "config") for one in by_metrics.real)


def test_under_a_shorter_bake_each_step_is_a_watch_of_its_own(afternoon: Afternoon, report: Report) -> None:
    """Which step comes to which watch follows from the rules under test, not from those of the day."""
    found = afternoon.replayed(SHORT.replace('bake = "2m"', 'bake = "1m"'), recorded=True)
    both = compared(report, found, "main:rules.toml")
    steps = [(one.change, one.at) for one in both.of(Change.STEP_NEW, Change.STEP_OLD, Change.ONLY_NEW)]
    assert steps == [(Change.STEP_NEW, step.at) for step in afternoon.of(HTTPROUTE.target)[0].steps]
    assert "2 steps of weights watched otherwise" in both.summary
    routes = [one for one in found.real if one.target == HTTPROUTE.target]
    first, second = afternoon.of(HTTPROUTE.target)
    assert [one.at for one in routes] == [first.switch.at, *(step.at for step in first.steps), second.switch.at]
    assert [one.label_source for one in routes][:2] == ["given another part of the traffic within the hour"] * 2
