"""Long paths made short without losing what they show: of each stretch the first, the lowest, the highest, the last."""

import math
from collections.abc import Sequence

from watchdog.drawing.layers import Point


def with_gaps(points: Sequence[Point], reach: float) -> list[Point]:
    """The points with a None between those that lie further apart than `reach`: thinning must not lose that."""
    marked: list[Point] = []
    for point in points:
        if marked and point[0] - marked[-1][0] > reach:
            marked.append(((marked[-1][0] + point[0]) / 2, None))
        marked.append(point)
    return marked


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` of the points, in order; extremes, both ends and the places of gaps are kept.

    A gap keeps one None at its place, so that it is still drawn as one.
    """
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / max(most // 5, 1))
    kept: list[Point] = []
    for begin in range(0, len(points), size):
        stretch = points[begin : begin + size]
        known = [(index, y) for index, (_, y) in enumerate(stretch) if y is not None and not math.isnan(y)]
        chosen = {0, len(stretch) - 1}
        if known:
            chosen |= {min(known, key=lambda each: each[1])[0], max(known, key=lambda each: each[1])[0]}
        gap = next((index for index, (_, y) in enumerate(stretch) if y is None or math.isnan(y)), None)
        if gap is not None:
            chosen.add(gap)
        kept += [stretch[index] for index in sorted(chosen)]
    return kept
