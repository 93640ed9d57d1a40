"""Layers as elements: each kind of layer within the frame of its panel."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

from watchdog.drawing.elements import element, fitted, path, title, width, words
from watchdog.drawing.layers import MOMENTS, Band, Bars, Dots, Layer, Limit, Line, Moment
from watchdog.drawing.scales import Scale
from watchdog.drawing.shapes import marker
from watchdog.drawing.tones import Tone, fill, stroke

SMALL = 12.0  # the font's size in pixels
_WORDS = 160.0  # pixels that a limit's words may take of a narrow panel: a number is not cut
_BESIDE = 8.0  # pixels between a mark and its caption


@dataclass(frozen=True, slots=True)
class Frame:
    """A panel's place on the page, with its scales."""

    x: Scale
    y: Scale
    left: float
    top: float
    right: float
    bottom: float

    def across(self, value: float) -> float:
        """Where a value of the x axis lies on the page."""
        return self.left + (self.right - self.left) * self.x.place(value)

    def up(self, value: float) -> float:
        """Where a value of the y axis lies on the page."""
        return self.bottom - (self.bottom - self.top) * self.y.place(value)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the page."""
        return self.across(x), self.up(y)

    def shows(self, x: float) -> bool:
        """Whether the x axis reaches there."""
        return self.x.low - 1e-9 <= x <= self.x.high + 1e-9


def text(
    x: float, y: float, said: str, *, tone: Tone = Tone.INK, size: float = SMALL, anchor: str = "start",
    strong: bool = False, halo: bool = False,
) -> str:  # fmt: skip
    """Words at a place of the page; with a halo where lines may run beneath."""
    style = fill(tone)
    behind = ""
    if halo:
        behind = element(
            "text", words(said), x=x, y=y, font_size=size, text_anchor=anchor, font_weight="600" if strong else None,
            stroke_width=3.5, stroke_linejoin="round", aria_hidden="true", **stroke(Tone.PAPER),
        )  # fmt: skip
    return behind + element(
        "text",
        words(said),
        x=x,
        y=y,
        font_size=size,
        text_anchor=anchor,
        font_weight="600" if strong else None,
        **style,
    )


def painted(layer: Layer, frame: Frame, hatch: str) -> str:
    """The layer within its frame; `hatch` is the id of the pattern that fills gaps."""
    match layer:
        case Line():
            return _line(layer, frame, hatch)
        case Band():
            return _band(layer, frame)
        case Limit():
            return _limit(layer, frame)
        case Bars():
            return _bars(layer, frame)
        case Dots():
            return _dots(layer, frame)
        case _:
            assert_never(layer)


def _line(layer: Line, frame: Frame, hatch: str) -> str:
    pieces = [[(x, y) for x, y in piece if frame.shows(x)] for piece in layer.pieces()]
    pieces = [piece for piece in pieces if piece]
    parts = []
    for before, after in pairwise(pieces):
        begin, end = before[-1][0], after[0][0]
        said = f"{layer.name}: no data from {frame.x.tell(begin)} to {frame.x.tell(end)}"
        parts.append(
            element(
                "rect",
                title(said),
                class_="wd-gap",
                x=frame.across(begin),
                y=frame.top,
                width=frame.across(end) - frame.across(begin),
                height=frame.bottom - frame.top,
                fill=f"url(#{hatch})",
            )
        )
    style = {**stroke(layer.tone), "stroke_linejoin": "round", "stroke_linecap": "butt" if layer.dash else "round"}
    for piece in pieces:
        points = [frame.at(x, y) for x, y in piece]
        if len(points) == 1:
            parts.append(element("circle", cx=points[0][0], cy=points[0][1], r=layer.thick, **fill(layer.tone)))
        else:
            dash = layer.dash or None
            parts.append(element("path", d=path(points), stroke_width=layer.thick, stroke_dasharray=dash, **style))
    return element("g", title(layer.name), *parts)


def _band(layer: Band, frame: Frame) -> str:
    points = [(x, low, high) for x, low, high in layer.points if frame.shows(x)]
    if len(points) < 2:
        return ""
    outline = [frame.at(x, high) for x, _, high in points] + [frame.at(x, low) for x, low, _ in reversed(points)]
    return element("path", title(layer.name), d=path(outline) + "Z", opacity="0.22", **fill(layer.tone))


def _limit(layer: Limit, frame: Frame) -> str:
    y = frame.up(layer.value)
    parts = [title(layer.name)]
    if layer.beyond:
        top, bottom = (frame.top, y) if layer.upward else (y, frame.bottom)
        across = {"x": frame.left, "width": frame.right - frame.left}
        parts.append(
            element("rect", y=top, height=max(bottom - top, 0.0), opacity="0.09", **across, **fill(layer.tone))
        )
    parts.append(
        element("line", x1=frame.left, x2=frame.right, y1=y, y2=y, stroke_width=1.6, stroke_dasharray="6 4",
                **stroke(layer.tone))
    )  # fmt: skip
    return element("g", *parts)


def limit_words(layer: Limit, frame: Frame, beside: Sequence[Layer]) -> str:
    """The words at a limit's line, at the end and on the side where they hide least of the curves."""
    across = frame.right - frame.left
    said = fitted(layer.name, max(across / 2, min(across, _WORDS)), SMALL)
    wide, y = width(said, SMALL), frame.up(layer.value)
    points = [
        frame.at(x, value) for line in beside if isinstance(line, Line) for piece in line.pieces() for x, value in piece
    ]

    def hidden(place: tuple[str, float]) -> int:
        anchor, baseline = place
        left = frame.right - 4 - wide if anchor == "end" else frame.left + 6
        inside = sum(left - 4 <= px <= left + wide + 4 and baseline - SMALL <= py <= baseline + 4 for px, py in points)
        return inside + (1_000_000 if baseline - SMALL < frame.top - 2 or baseline > frame.bottom else 0)

    anchor, baseline = min(((anchor, at) for anchor in ("end", "start") for at in (y - 5, y + SMALL + 2)), key=hidden)
    x = frame.right - 4 if anchor == "end" else frame.left + 6
    return text(x, baseline, said, tone=layer.tone, anchor=anchor, halo=True)


def _bars(layer: Bars, frame: Frame) -> str:
    parts = [title(layer.name)]
    for begin, end, amount in layer.bars:
        if frame.shows(begin) and frame.shows(end):
            left, right, top = frame.across(begin), frame.across(end), frame.up(amount)
            said = f"{layer.name}: {frame.y.tell(amount)}, {frame.x.tell(begin)} to {frame.x.tell(end)}"
            wide = max(right - left - 1.0, 0.6)
            parts.append(
                element("rect", title(said), x=left, y=top, width=wide, height=frame.bottom - top, **fill(layer.tone))
            )
    return element("g", *parts)


def _dots(layer: Dots, frame: Frame) -> str:
    parts = [title(layer.name)]
    seen = [dot for dot in layer.dots if frame.shows(dot.x)]
    whisker = {**stroke(layer.tone), "stroke_width": "1.2", "opacity": "0.7"}
    if layer.joined and len(seen) > 1:
        line = path([frame.at(dot.x, dot.y) for dot in seen])
        parts.append(
            element("path", d=line, stroke_width=1.4, stroke_dasharray=layer.dash or None, **stroke(layer.tone))
        )
    for dot in seen:
        x, y = frame.at(dot.x, dot.y)
        if dot.x_interval:
            parts.append(element("path", d=path([(frame.across(each), y) for each in dot.x_interval]), **whisker))
        if dot.y_interval:
            parts.append(element("path", d=path([(x, frame.up(each)) for each in dot.y_interval]), **whisker))
        said = title(dot.words) if dot.words else ""
        parts.append(marker(x, y, layer.shape, layer.tone, 7.0 if dot.large else 4.5, said))
        if dot.caption:
            parts.append(_caption(dot.caption, x, y, frame, strong=dot.large))
    return element("g", *parts)


def _caption(said: str, x: float, y: float, frame: Frame, *, strong: bool) -> str:
    right = x + _BESIDE + width(said, SMALL) > frame.right
    beside = x - _BESIDE - 2 if right else x + _BESIDE + 2
    return text(beside, y - 6, said, anchor="end" if right else "start", halo=True, strong=strong)


def moment_lines(moments: Sequence[Moment], frame: Frame) -> str:
    """The moments as lines through a panel."""
    parts = []
    for moment in moments:
        if frame.shows(moment.at):
            tone, _, dash = MOMENTS[moment.what]
            x = frame.across(moment.at)
            parts.append(
                element("line", x1=x, x2=x, y1=frame.top, y2=frame.bottom, stroke_width=1.4,
                        stroke_dasharray=dash or None, **stroke(tone))
            )  # fmt: skip
    return "".join(parts)
