"""What the tests of records share: a way through JSON, what a watch is without its measurements, a memory."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builders import BLUE, GOOD, GREEN, NEW, a_switch, at
from watchdog.domain.events import Event
from watchdog.domain.judge.history import forgotten
from watchdog.domain.memory import Bad, Good, Memory
from watchdog.domain.state import Watch

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
