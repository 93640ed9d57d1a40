"""Records for the pages' tests: as `record_of` makes them, of watches that were really judged."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builders import (
    a_baseline,
    a_block,
    a_guard,
    a_live,
    a_pod,
    a_ratio,
    a_rule,
    a_switch,
    a_watch,
    at,
    counts,
    play,
    seconds,
    signs_of,
)
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Delivery, DeliveryState
from watchdog.domain.events import BaselineMeasured, Looked, Measured
from watchdog.domain.record import record_of
from watchdog.domain.rollout import Revision
from watchdog.domain.state import Telling, Watch
from watchdog.domain.telling import notice

CANDIDATE = "registry.example.com/plasma/research:2.4.0"
STABLE = "registry.example.com/plasma/research:2.3.1"


def judged(*shares: float, **changes: Any) -> Watch:
    """A watch whose candidate answered 100 requests in each block, such a share of them badly."""
    rules = (a_rule(a_ratio(), name="error-rate", alpha=0.001), a_rule(signs_of("crash-loop"), name="crash"))
    switch = a_switch()
    previous = switch.previous
    assert previous is not None
    switch = replace(
        switch, candidate=_with_image(switch.candidate, CANDIDATE), previous=_with_image(previous, STABLE), by="ana"
    )
    watch = a_watch(guard=a_guard(*rules, warmup=seconds(0), channels=("releases",)), switch=switch, **changes)
    ready = a_live(1, switch=switch, pods=[a_pod(ready=0)])
    watch, _ = play(
        watch,
        (Looked(ready), 1),
        (BaselineMeasured({"error-rate": a_baseline(counts(4, 1000))}), 1.0),
        *(
            (Measured({"error-rate": a_block(index, counts(100 * share, 100, samples=2))}), 15.0 * index + 2)
            for index, share in enumerate(shares, 1)
        ),
    )
    if not watch.breached:
        return watch
    told = notice(watch, Topic.BREACH, at(70), rule=watch.breached[0])
    return replace(watch, tellings=(Telling(told, (Delivery("releases", DeliveryState.SENT),)),))


def _with_image(revision: Revision, image: str) -> Revision:
    return replace(revision, images=(image,))


def a_record(*shares: float, **changes: Any) -> dict[str, Any]:
    """The record of such a watch, with what a test wants to be different."""
    return {**record_of(judged(*(shares or (0.004, 0.01, 0.0)))), **changes}


def an_ended(name: str, outcome: str, **changes: Any) -> Mapping[str, Any]:
    """The record of a watch that has ended."""
    said = f"so it {outcome}"
    return a_record(
        watch=name, outcome=outcome, phase=outcome, ended_at=at(700).isoformat(), reason=said, headline=said, **changes
    )
