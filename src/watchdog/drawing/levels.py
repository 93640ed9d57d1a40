"""A limit over time: one level where it never moved, else a line that moves."""

from collections.abc import Sequence

from watchdog.drawing.layers import Layer, Limit, Line, Point
from watchdog.drawing.tones import Tone


def level(name: str, points: Sequence[Point], *, upward: bool = True, said: str = "") -> list[Layer]:
    """The layers of a limit; none where it is not known. `said` stands beside the name where it is one level."""
    known = {value for _, value in points if value is not None}
    if not known:
        return []
    if max(known) - min(known) <= 1e-9 * max(abs(max(known)), 1e-12):
        return [Limit(f"{name} {said}".rstrip(), known.pop(), beyond=True, upward=upward)]
    return [Line(name, points, Tone.LIMIT, "6 4", 1.6)]
