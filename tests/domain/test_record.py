"""Records and memories: written, read back to the same, and never the cause of another exception."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    BLUE,
    GOOD,
    GREEN,
    NEW,
    a_baseline,
    a_block,
    a_flip_switch,
    a_gauge,
    a_guard,
    a_latency,
    a_live,
    a_pod,
    a_probe,
    a_rate,
    a_ratio,
    a_revision,
    a_round,
    a_rule,
    a_switch,
    a_watch,
    at,
    buckets,
    counts,
    play,
    seconds,
    signs_of,
    slow,
    some_pods,
    values,
)
from watchdog.domain.channels import Topic
from watchdog.domain.codec import Unreadable, dump, load
from watchdog.domain.effects import Delivery, PutBackDone, Tell
from watchdog.domain.events import (
    BaselineMeasured,
    Event,
    Looked,
    Measured,
    Probed,
    PutBackAnswered,
    RecoveryMeasured,
    Ticked,
)
from watchdog.domain.judge.history import forgotten
from watchdog.domain.live import Pod
from watchdog.domain.measurement import Counts, ProbeOutcome
from watchdog.domain.memory import Bad, Good, Memory
from watchdog.domain.record import SCHEMA, document_of, evidence_again, is_about, memory_of, record_of, watch_of
from watchdog.domain.selectors import LabelSelector, Requirement, SelectorOp
from watchdog.domain.state import Phase, Watch
from watchdog.domain.telling import notice, with_telling
from watchdog.domain.watch import advance
from worlds import lives

Life = tuple[Watch, list[tuple[Event, float]]]


def through_json(document: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(document, allow_nan=False)
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def without_measurements(watch: Watch) -> Watch:
    def lean(tracks: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            replace(
                track,
                path=(),
                history=replace(forgotten(track.history), pods=track.history.pods),
            )
            for track in tracks
        )

    return replace(watch, tracks=lean(watch.tracks), recovery_tracks=lean(watch.recovery_tracks))


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


def a_memory() -> Memory:
    return Memory(
        a_switch().target,
        NEW,
        at(0),
        selector={"colour": "green"},
        good=(Good(GOOD, at(-9000), at(0), at(-8000)), Good(GREEN, at(-5), None)),
        bad=(Bad(BLUE, "watch-1", at(-20)),),
        colours=("gateway-blue",),
    )


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


@pytest.mark.parametrize("schema", [None, 0, 2, "1", 99, []])
def test_an_unknown_schema_is_not_read(schema: object) -> None:
    with pytest.raises(Unreadable, match="schema"):
        watch_of({**record_of(a_watch()), "schema": schema})
    with pytest.raises(Unreadable, match="schema"):
        memory_of({**document_of(a_memory()), "schema": schema})
    with pytest.raises(Unreadable):
        watch_of({})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def read(document: dict[str, Any]) -> None:
    for reader in (watch_of, memory_of):
        try:
            reader(document)
        except Unreadable:
            continue


@given(st.dictionaries(st.sampled_from(["schema", "state", "serving", "good", "x"]), json_values))
def test_garbage_is_unreadable_and_nothing_else(document: dict[str, Any]) -> None:
    read({**document, "schema": SCHEMA})
    read(document)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths_of(item, (*path, key))
    return found


ODD: list[Any] = [
    None, 0, -1, 1.5, 10**400, 1e308, "", "x", "nan", "2026-03-02T12:00:00", "10000-01-01T00:00:00Z", True, [], [None],
    {}, {"is": "Watch"}, {"is": 3}, [[]], "\ud800",
]  # fmt: skip


@given(lives(longest=10), st.data())
def test_a_record_with_one_thing_wrong_is_unreadable_or_read_but_nothing_else(life: Life, data: st.DataObject) -> None:
    watch, _ = play(life[0], *life[1])
    document = through_json(record_of(watch))
    paths = paths_of(document["state"])
    for _ in range(8):
        path = data.draw(st.sampled_from(paths))
        damaged = json.loads(json.dumps(document))
        place = damaged["state"]
        if not path:
            damaged["state"] = data.draw(st.sampled_from(ODD))
        else:
            for key in path[:-1]:
                place = place[key]
            if data.draw(st.booleans()):
                place[path[-1]] = data.draw(st.sampled_from(ODD))
            else:
                del place[path[-1]]
        try:
            again = watch_of(damaged)
        except Unreadable:
            continue
        advance(again, Ticked(), at(100))  # what could be read can be gone on with


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 1.5),
        (int, True),
        (str, 3),
        (float, True),
        (float, "many"),
        (timedelta, 1e300),
        (timedelta, float("nan")),
        (timedelta, "5m"),
        (tuple[int, int], [1]),
        (tuple[int, int], [1, "x"]),
        (Phase, "waiting"),
        (Phase, ["x"]),
        (Counts, []),
        (Counts, {"is": "Counts"}),
        (Mapping[str, int], [1]),
    ],
)
def test_each_wrong_value_is_unreadable_with_its_place(hint: Any, value: Any) -> None:
    with pytest.raises(Unreadable, match="here"):
        load(hint, value, "here")


def test_a_name_that_a_newer_version_added_is_passed_over() -> None:
    assert load(Counts, {"is": "Counts", "pods": {}, "more": 1}, "here") == Counts({})


@pytest.mark.parametrize("state", [None, 3, "x", [], {"switch": []}, {"switch": {"flips": "x"}}])
def test_whatever_its_state_is_a_record_says_which_target_it_is_about(state: object) -> None:
    document = {"schema": 9, "target": "production/service/gateway", "state": state}
    assert is_about(document, "production/service/gateway")
    assert not is_about(document, "production/service/admin")


def test_a_time_without_an_offset_is_unreadable() -> None:
    document = record_of(a_watch())
    document["state"]["opened"] = "2026-03-02T12:00:00"
    with pytest.raises(Unreadable, match="no UTC offset"):
        watch_of(document)


def test_what_has_no_place_in_a_record_is_not_written() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        dump({1, 2})
    assert dump(float("nan")) == "nan"
    assert load(float, "nan", "x") != load(float, "nan", "x")
    assert load(float, 3, "x") == 3.0


# -- size --------------------------------------------------------------------------------------------------------


def a_crowd(**changes: Any) -> tuple[Pod, ...]:
    """Fifty pods whose names and UIDs are as long as real ones."""
    prefix = "plasma-engine-research-service-7c9d5b8f64-"
    return tuple(
        replace(pod, name=prefix + pod.name[-3:], uid=f"0f8fad5b-d9cb-469f-a165-708677289{pod.name[-3:]}")
        for pod in some_pods(50, **changes)
    )


def long_text(letter: str) -> str:
    return letter * 300


def test_a_record_stays_below_256_kib_in_the_worst_plausible_case() -> None:
    """Ten rules whose paths are full, fifty pods in two revisions, five notices on four channels."""
    thresholds = [
        a_rule(check, name=f"{check.metric.name}-{n}")
        for n, check in enumerate([a_gauge("1.5x"), a_gauge("2x"), a_rate("2x"), a_rate("3x"), *[a_latency("2x")] * 3])
    ]
    rules = [*thresholds, a_rule(a_probe()), a_rule(signs_of()), a_rule(signs_of("not-ready"), name="ready")]
    watch = a_watch(guard=a_guard(*rules, channels=("a", "b", "c", "d"), warmup=seconds(30), bake=timedelta(hours=3)))
    pods = a_crowd(restarts=1, oom=30)
    names = [pod.name for pod in pods]
    seen = (a_pod(), *pods[1:])  # the blocks' one pod among them
    watch, _ = play(watch, (Looked(a_live(1, pods=seen)), 1), (Looked(a_live(40, pods=pods)), 40))
    base = {rule.name: a_baseline(_big(rule.name, names)) for rule in thresholds}
    watch, _ = play(watch, (BaselineMeasured(base), 1))
    for index in range(1, 242):
        made = {rule.name: a_block(index, _big(rule.name, ["research-a"])) for rule in thresholds}
        outcome = ProbeOutcome.EXPECTED if index % 2 else ProbeOutcome.REFUSED
        watch, _ = play(
            watch,
            (Measured(made), 15.0 * index + 2),
            (Probed("health", a_round(15.0 * index + 3, dict.fromkeys(names, outcome))), 15.0 * index + 3),
        )
    ill = a_crowd(ready=None, unready=3700, waiting="CrashLoopBackOff", restarts=9)
    watch, _ = play(watch, (Looked(a_live(3700, pods=ill)), 3700))
    watch, _ = play(watch, (Looked(a_live(3705, pods=ill, fresh=True)), 3705))
    assert watch.phase is Phase.ACTING
    watch, effects = play(watch, (PutBackAnswered(PutBackDone(at(3710))), 3710))
    old = a_crowd(first=100)
    back = a_live(3720, serving=GOOD, pods=(), stable_pods=old, completed_at=at(3720))
    watch, _ = play(watch, (Looked(back), 3720))
    for index in range(1, 20):
        made = {rule.name: a_block(index, _big(rule.name, ["research-a"]), start=at(3720)) for rule in thresholds}
        watch, more = play(watch, (RecoveryMeasured(made), 3720 + 15.0 * index + 2))
        effects += more
    notices = [effect.notice for effect in effects if isinstance(effect, Tell)]
    others = (Topic.SWITCH, Topic.BREACH, Topic.HELD, Topic.NOT_RECOVERED)
    notices += [notice(watch, topic, at(4000), note=long_text("n")) for topic in others]
    for one in notices:
        watch = replace(watch, tellings=with_telling(watch.tellings, one, watch.guard.channels))
    failing = tuple(
        replace(telling, deliveries=tuple(Delivery(d.channel, detail=long_text("e")) for d in telling.deliveries))
        for telling in watch.tellings
    )
    watch = replace(watch, tellings=failing)
    assert max(len(track.path) for track in watch.tracks) >= 200
    size = len(json.dumps(record_of(watch), separators=(",", ":")).encode())
    assert size < 256 * 1024, f"{size / 1024:.0f} KiB"


def _big(rule: str, pods: list[str]) -> Any:
    if rule.startswith("http_latency"):
        one = slow(0.01)
        bounds = {0.005 * 1.5**n: 90.123456 for n in range(15)} | {float("inf"): 91.0}
        return replace(one, pods={pod: buckets(bounds).pods["research-a"] for pod in pods})
    return values(dict.fromkeys(pods, 123456.789))


def test_revisions_of_records_are_told_apart_by_template() -> None:
    assert a_revision("x") != a_revision("y")


def test_the_paths_of_a_record_that_would_be_too_large_are_thinned() -> None:
    rules = [a_rule(a_gauge(10), name=f"rule-{n}") for n in range(40)]
    watch, _ = play(a_watch(*rules), (Looked(a_live(1)), 1))
    for index in range(1, 100):
        made = {rule.name: a_block(index, values(1.0)) for rule in rules}
        watch, _ = play(watch, (Measured(made), 15.0 * index + 2))
    document = record_of(watch)
    assert len(json.dumps(document)) <= 240_000
    assert 0 < len(document["rules"]["rule-0"]["path"]) < 99
    assert dump(watch_of(through_json(document))) == dump(without_measurements(watch))
