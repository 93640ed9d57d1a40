"""The watchdog lives through an afternoon of releases; a backtest of what Prometheus kept of it decides alike."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from replay.afternoons import Afternoon, assert_decided_in_its_second, lived_through
from simulator.prometheus.real import needs_prometheus
from town import RULES, Town
from watchdog.adapters.clock import SystemClock
from watchdog.domain.state import Watch
from watchdog.replay.report import Report, SwitchReplay
from watchdog.settings import load
from watchdog.simulator.behaviour import Health
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.traffic import Course, Latency
from watchdog.sources import Access

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

SETTLED = 420.0
"""Seconds between the end of one watch and the next release."""


async def releases(town: Town) -> None:
    """One after the other, each wrong in its own way."""
    town.behaves("research:errors", errors=Course.constant(0.08))
    town.behaves("brand:slow", latency=Latency(0.3, 0.9))
    town.behaves("content:cpu", cpu=Course.constant(0.8))
    town.behaves("research:memory", memory=Course.constant(450 * 2.0**20))
    town.behaves("brand:ill", health=Health.fails(after=100, answer=500))
    town.behaves("content:late", errors=Course.step(0.004, 0.2, after=200))
    town.lives_as("research:crash", PodBehaviour.crash_loop())
    for name, version in (
        ("research", "errors"),
        ("brand", "slow"),
        ("content", "cpu"),
        ("research", "v2"),
        ("brand", "ill"),
        ("content", "late"),
        ("research", "memory"),
        ("research", "crash"),
    ):
        town.deploy(name, f"{name}:{version}")
        number = 1 + len(town.records(name))
        await town.outcome(name, number=number)
        await town.sleep(SETTLED)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    folder = tmp_path_factory.mktemp("afternoon")
    with lived_through(releases, lambda town: town.furnish("research", "brand", "content"), folder) as lived:
        yield lived


@pytest.fixture(scope="module")
def report(afternoon: Afternoon) -> Report:
    return afternoon.replayed(RULES, placebos=2)


def of(report: Report, watch: Watch) -> SwitchReplay:
    found = [one for one in report.real if one.target == str(watch.switch.target) and one.at == watch.switch.at]
    assert found, f"{watch.id} was not found; there are {[(one.target, one.at) for one in report.real]}"
    return found[0]


def test_every_switch_is_found_at_its_very_second_and_no_other(afternoon: Afternoon, report: Report) -> None:
    live = sorted((str(watch.switch.target), watch.switch.at) for watch in afternoon.watches)
    assert sorted((one.target, one.at) for one in report.real) == live
    assert len(live) == 8


def test_each_is_decided_at_the_same_second_by_the_same_rule(afternoon: Afternoon, report: Report) -> None:
    for watch in afternoon.watches:
        replayed = of(report, watch)
        assert replayed.outcome == watch.phase.value, replayed.reason
        assert replayed.first_rule == (watch.breached[0] if watch.breached else "")
        assert_decided_in_its_second(replayed, watch)


def test_all_that_a_rule_said_until_the_decision_is_what_it_said_live(afternoon: Afternoon, report: Report) -> None:
    compared = 0
    for watch, record in zip(afternoon.watches, afternoon.records, strict=True):
        until = watch.breached_at or watch.ended_at
        assert until is not None
        for track in watch.tracks:
            replayed = of(report, watch).rule(track.rule.name)
            assert replayed is not None
            if track.threshold is None:
                continue
            kept = record["rules"][track.rule.name]["path"]
            path = [(datetime.fromisoformat(point[0]), point[1], point[3]) for point in kept]
            live = [point for point in path if point[0] <= until]
            past = [(p.at, p.value, p.finding) for p in replayed.path if p.at <= until]
            assert past == live, f"{watch.id} {track.rule.name}"
            compared += len(live)
    assert compared > 200


def test_the_watchdogs_own_records_tell_of_the_same_switches(afternoon: Afternoon) -> None:
    found = afternoon.replayed(RULES, recorded=True)
    assert not any("listed switch" in note.text for note in found.notes), "nothing is left out"
    for watch in afternoon.watches:
        replayed = of(found, watch)
        assert replayed.source == "records"
        assert (replayed.outcome, replayed.first_rule) == (watch.phase.value, (watch.breached or ("",))[0]), (
            replayed.reason
        )
        if watch.breached:
            assert (replayed.label.value, replayed.label_source) == ("bad", "rolled back by the watchdog")


def test_guards_of_two_sources_are_replayed_each_from_its_own(afternoon: Afternoon, report: Report) -> None:
    """Both lead to the one Prometheus there is; what the settings name is nobody."""
    selected = 'namespaces = ["production"]\nselector   = "app.kubernetes.io/part-of=plasma-engine"'
    own = RULES.replace(selected, 'targets = ["production/deployment/research"]\nsource = "a"')
    others = RULES[RULES.index("[guards.services]") : RULES.index("[rules.error-rate]")]
    others = others.replace("[guards.services]", "[guards.others]").replace(
        selected, 'targets = ["production/deployment/brand", "production/deployment/content"]\nsource = "b"'
    )
    sources = "".join(f'\n[sources.{name}]\nurl = "{afternoon.real.url}"\n' for name in "ab")
    nobody = Access(load(), secret=str, clock=SystemClock())
    found = afternoon.replayed(own + others + sources, access=nobody)
    assert found.prometheus == afternoon.real.url
    assert [(one.target, one.at) for one in found.real] == [(one.target, one.at) for one in report.real]
    assert {one.target for one in found.real if one.outcome == "rolled-back"}
