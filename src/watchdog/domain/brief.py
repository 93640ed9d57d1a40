"""What is kept of a watch whose record would be refused for its size: what it came to, in short."""

import json
from typing import Any

from watchdog.domain.record import outline_of
from watchdog.domain.state import Watch
from watchdog.domain.text import cut

LARGEST = 60_000
"""Bytes of a brief: a quarter of what a record may have."""

_LONGEST, _SHORTEST = 1024, 64  # of a text, in characters
_CHARACTERS_AN_ITEM = 16


def brief_of(watch: Watch) -> dict[str, Any]:
    """The watch's outline with its texts and lists cut until it is small. It cannot be gone on from: it has no `state`.

    What every version knows a record by stays as it is.
    """
    outline = outline_of(watch)
    whole = {key: outline[key] for key in ("schema", "watch", "target", "outcome")}
    longest = _LONGEST
    brief = _shortened(outline, longest)
    while len(json.dumps(brief)) > LARGEST and longest > _SHORTEST:
        longest //= 2
        brief = _shortened(outline, longest)
    return {**brief, **whole, "brief": True}


def _shortened(value: Any, longest: int) -> Any:
    match value:
        case str():
            return cut(value, longest)
        case dict():
            return {key: _shortened(one, longest) for key, one in value.items()}
        case list():
            return [_shortened(one, longest) for one in value[: longest // _CHARACTERS_AN_ITEM]]
    return value
