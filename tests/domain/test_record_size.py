"""How large a record becomes at worst, and what is thinned then."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from builders import (
    GOOD,
    a_baseline,
    a_block,
    a_gauge,
    a_guard,
    a_latency,
    a_live,
    a_pod,
    a_probe,
    a_rate,
    a_round,
    a_rule,
    a_watch,
    at,
    buckets,
    play,
    seconds,
    signs_of,
    slow,
    some_pods,
    values,
)
from domain.recording import through_json, without_measurements
from watchdog.domain.channels import Topic
from watchdog.domain.codec import dump
from watchdog.domain.effects import Delivery, PutBackDone, Tell
from watchdog.domain.events import BaselineMeasured, Looked, Measured, Probed, PutBackAnswered, RecoveryMeasured
from watchdog.domain.live import Pod
from watchdog.domain.measurement import ProbeOutcome
from watchdog.domain.record import record_of, watch_of
from watchdog.domain.state import Phase
from watchdog.domain.telling import notice, with_telling


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
