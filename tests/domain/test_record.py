"""Records and memories: written, read back to the same, and never the cause of another exception."""

from dataclasses import replace

import pytest
from hypothesis import given

from builders import (
    NEW,
    a_baseline,
    a_block,
    a_flip_switch,
    a_gauge,
    a_guard,
    a_latency,
    a_live,
    a_rate,
    a_ratio,
    a_revision,
    a_rule,
    a_switch,
    a_watch,
    at,
    counts,
    play,
    signs_of,
    slow,
)
from domain.recording import Life, a_memory, through_json, without_measurements
from watchdog.domain.codec import dump
from watchdog.domain.events import BaselineMeasured, Event, Looked, Measured
from watchdog.domain.measurement import Counts
from watchdog.domain.record import document_of, evidence_again, memory_of, record_of, watch_of
from watchdog.domain.selectors import LabelSelector, Requirement, SelectorOp
from watchdog.domain.state import Phase
from watchdog.domain.watch import advance
from worlds import lives


@given(lives())
def test_any_watch_is_read_back_as_it_was_but_for_its_measurements(life: Life) -> None:
    watch, _ = play(life[0], *life[1])
    document = through_json(record_of(watch))
    again = watch_of(document)
    assert dump(again) == dump(without_measurements(watch))  # numbers that are none equal nothing, their text does
    assert through_json(record_of(again))["state"] == document["state"]


@given(lives())
def test_the_evidence_of_a_record_is_reckoned_again_bit_for_bit(life: Life) -> None:
    watch, _ = play(life[0], *life[1])
    for name, summary in through_json(record_of(watch))["rules"].items():
        again = evidence_again(summary)
        if again is not None and summary["log_evidence"] is not None:
            assert again == summary["log_evidence"], name


def test_a_breach_is_reckoned_again_from_the_bets_that_led_to_it() -> None:
    measured: list[tuple[Event, float]] = [
        (Measured({"error-rate": a_block(n, counts(30, 100))}), 15.0 * n + 2) for n in range(1, 9)
    ]
    watch, _ = play(
        a_watch(replace(a_rule(a_ratio(0.05), name="error-rate"), alpha=0.001)), (Looked(a_live(1)), 1), *measured
    )
    breach = watch.tracks[0].breach
    assert breach is not None
    summary = through_json(record_of(watch))["rules"]["error-rate"]
    assert len(summary["bets"]) < 8
    assert evidence_again(summary) == breach.evidence.log_evidence


def test_a_breach_adds_up_though_its_baseline_comes_later() -> None:
    measured: list[tuple[Event, float]] = [
        (Measured({"error-rate": a_block(n, counts(30, 100))}), 15.0 * n + 2) for n in range(1, 9)
    ]
    rule = replace(a_rule(a_ratio(0.05), name="error-rate"), alpha=0.001)
    # So good that what is harmless would have been less, had it been there in time.
    late = BaselineMeasured({"error-rate": a_baseline(counts(0, 100_000))})
    watch, _ = play(a_watch(rule), (Looked(a_live(1)), 1), *measured, (late, 15.0 * 9))
    breach = watch.tracks[0].breach
    assert breach is not None
    assert watch.tracks[0].baseline is not None
    summary = through_json(record_of(watch))["rules"]["error-rate"]
    assert summary["log_evidence"] == breach.evidence.log_evidence
    assert evidence_again(summary) == breach.evidence.log_evidence


def test_a_baseline_that_was_merged_in_the_record_gives_the_same_verdict() -> None:
    rule = a_rule(a_latency("2x"))
    reading = replace(slow(0.0), pods={pod: slow(n / 100).pods["research-a"] for n, pod in enumerate("abcdefg")})
    reading = replace(reading, pods={pod: replace(one, samples=9) for pod, one in reading.pods.items()})
    events: list[tuple[Event, float]] = [
        (Looked(a_live(1)), 1),
        (BaselineMeasured({"latency": a_baseline(reading)}), 2),
    ]
    watch, _ = play(a_watch(rule), *events)
    again = watch_of(through_json(record_of(watch)))
    assert again.tracks[0].baseline != watch.tracks[0].baseline
    for share in (0.0, 0.04, 0.06, 0.5):
        blocks = [(Measured({"latency": a_block(n, slow(share))}), 15.0 * n + 2) for n in (1, 2)]
        verdict = play(watch, *blocks)[0].tracks[0].verdict
        assert verdict is not None
        assert verdict.evidence.limit is not None
        assert play(again, *blocks)[0].tracks[0].verdict == verdict


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_is_read_back(phase: Phase) -> None:
    watch = a_watch(phase=phase, switch=a_flip_switch("gateway", "admin"))
    assert watch_of(through_json(record_of(watch))) == watch


@given(lives(), lives(longest=6))
def test_a_watch_that_was_read_back_goes_on_as_if_nothing_had_been(life: Life, rest: Life) -> None:
    watch, _ = play(life[0], *life[1])
    here = without_measurements(watch)
    there = watch_of(through_json(record_of(watch)))
    for event, when in rest[1]:
        one, two = advance(here, event, at(2000 + when)), advance(there, event, at(2000 + when))
        assert [type(effect) for effect in one.effects] == [type(effect) for effect in two.effects]
        assert dump(one.watch) == dump(two.watch)
        here, there = one.watch, two.watch


def test_what_people_know_of_a_revision_is_kept_too() -> None:
    images = ("registry.example/plasma/research:1.5.0", "sidecar:2")
    revision = replace(NEW, images=images, number=7, created=at(-5))
    watch = a_watch(switch=a_switch(candidate=revision))
    candidate = watch_of(through_json(record_of(watch))).switch.candidate
    assert (candidate.images, candidate.number, candidate.created) == (images, 7, at(-5))
    assert candidate.uid == NEW.uid


def test_a_guard_with_everything_is_kept() -> None:
    selector = LabelSelector("a in (x, y), !b", (Requirement("a", SelectorOp.IN, frozenset("xy")),))
    rules = (a_rule(a_gauge("2x")), a_rule(a_rate("+1")), a_rule(a_latency(0.3)), a_rule(signs_of()))
    guard = a_guard(*rules, selector=selector, containers=("app",), callers={"a/deployment/b": ("c/deployment/d",)})
    watch = a_watch(guard=guard)
    assert watch_of(through_json(record_of(watch))).guard == guard


def test_a_memory_is_read_back_as_it_was() -> None:
    assert memory_of(through_json(document_of(a_memory()))) == a_memory()


def test_the_summary_says_what_people_ask_first() -> None:
    watch, _ = play(a_watch(), (Looked(a_live(1)), 1), (Measured({"error-rate": a_block(1, Counts({}))}), 17))
    document = record_of(watch)
    assert document["target"] == "production/deployment/research"
    assert document["candidate"] == "research-7c9d (research:1.5.0)"
    assert document["outcome"] is None
    assert document["rules"]["error-rate"]["finding"] == "no-data"
    assert record_of(a_watch())["rules"]["error-rate"]["sentence"] == "nothing was measured"
    assert record_of(a_watch(stable=None))["stable"] is None


# -- what cannot be read -----------------------------------------------------------------------------------------


# -- size --------------------------------------------------------------------------------------------------------


def test_revisions_of_records_are_told_apart_by_template() -> None:
    assert a_revision("x") != a_revision("y")
