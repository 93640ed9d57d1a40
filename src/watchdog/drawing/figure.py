"""A figure: panels over one x axis, with its title, legend and moments, laid out and written as SVG."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchdog.drawing.elements import element, fitted, width, words
from watchdog.drawing.layers import Layer, Limit, Moment
from watchdog.drawing.legends import entries_of, legend, moment_names
from watchdog.drawing.painting import SMALL, Frame, limit_words, moment_lines, painted, text
from watchdog.drawing.scales import Scale
from watchdog.drawing.tones import FONT, Tone, fill, stroke, stylesheet

WIDTH = 720.0
_EDGE = 14.0
_TITLE = 16.0
_CAPTION = 20.0  # of a panel, above it
_BELOW = 40.0  # the ticks' labels and the x axis's caption
_MOST_WORDS = 2000  # characters of a description
_PER_TICK = 28.0  # pixels that a tick of a y axis wants


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: its caption (with the unit, where the ticks do not carry it), its scale and what it shows."""

    caption: str
    scale: Scale
    layers: Sequence[Layer]
    height: float = 150.0


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels above each other that share their x axis.

    `description` is what a reader who cannot see it is told: the facts that the picture shows, in sentences.
    """

    title: str
    description: str
    caption: str  # of the x axis
    x: Scale
    panels: Sequence[Panel]
    moments: Sequence[Moment] = ()
    subtitle: str = ""
    width: float = WIDTH
    heading: bool = True  # whether title and subtitle are drawn; they are told in any case
    key: str = ""  # begins the ids within, and makes them unique on a page

    def svg(self, *, alone: bool = True) -> str:
        """The picture. One that stands alone carries its stylesheet and its paper; one within a page has the page's."""
        hatch = f"{self._key()}-gap"
        body, height = self._body(hatch)
        return document(self, self._key(), body + "", height, hatch, alone=alone)

    def _key(self) -> str:
        return key_of(self.key, f"{self.title}\n{self.description}\n{self.caption}\n{self.moments!r}")

    def _body(self, hatch: str) -> tuple[str, float]:
        parts, y = heading(self, _EDGE, self.width - _EDGE)
        ticks = [panel.scale.ticks(max(2, int(panel.height / _PER_TICK))) for panel in self.panels]
        left = _EDGE + max((width(label, SMALL) for each in ticks for _, label in each), default=20.0) + 8
        right = self.width - _EDGE
        shown, high = legend(entries_of(layer for panel in self.panels for layer in panel.layers), left, y, right)
        parts.append(shown)
        y += high + (6 if high else 0)
        frames = []
        names_at, y = y, y + self._names_height(left, right)
        for panel in self.panels:
            y += _CAPTION
            frames.append(Frame(self.x, panel.scale, left, y, right, y + panel.height))
            y += panel.height + 10
        if frames:
            parts.append(moment_names(self.moments, frames[0], names_at)[0])
        for panel, frame, rows in zip(self.panels, frames, ticks, strict=True):
            parts.append(_panel(panel, frame, rows, hatch, self.moments))
        if frames:
            parts.append(x_axis(self.caption, frames[-1], [(frame.top, frame.bottom) for frame in frames]))
        return "".join(parts), y - 10 + _BELOW

    def _names_height(self, left: float, right: float) -> float:
        if not self.panels:
            return 0.0
        probe = Frame(self.x, self.panels[0].scale, left, 0.0, right, 1.0)
        return moment_names(self.moments, probe, 0.0)[1]


def key_of(key: str, content: str) -> str:
    """What begins the ids of a picture: what was asked for, where that can be one, else a digest of its content."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", key):
        return key
    return "wd-" + hashlib.sha256(f"{key}\n{content}".encode()).hexdigest()[:10]


def heading(figure: Figure, left: float, right: float) -> tuple[list[str], float]:
    """Title and subtitle, and where what follows begins."""
    if not figure.heading:
        return [], 8.0
    parts = [text(left, 26, fitted(figure.title, right - left, _TITLE), size=_TITLE, strong=True)]
    if figure.subtitle:
        parts.append(text(left, 46, fitted(figure.subtitle, right - left, SMALL), tone=Tone.FAINT))
    return parts, 56.0 if figure.subtitle else 38.0


def _panel(
    panel: Panel, frame: Frame, ticks: Sequence[tuple[float, str]], hatch: str, moments: Sequence[Moment]
) -> str:
    parts = []
    for value, label in ticks:
        y = frame.up(value)
        parts.append(element("line", x1=frame.left, x2=frame.right, y1=y, y2=y, **stroke(Tone.GRID)))
        parts.append(text(frame.left - 7, y + 4, label, tone=Tone.FAINT, anchor="end"))
    wide = frame.right - frame.left
    caption = text(frame.left, frame.top - 6, fitted(panel.caption, wide, SMALL), strong=True, halo=True)
    parts += [painted(layer, frame, hatch) for layer in panel.layers]
    parts.append(moment_lines(moments, frame))
    parts.append(element("line", x1=frame.left, x2=frame.left, y1=frame.top, y2=frame.bottom, **stroke(Tone.FRAME)))
    parts += [limit_words(layer, frame, panel.layers) for layer in panel.layers if isinstance(layer, Limit)]
    return element("g", *parts, caption, class_="wd-panel")


def x_axis(caption: str, frame: Frame, spans: Sequence[tuple[float, float]]) -> str:
    """The x axis below the lowest panel: ticks whose labels do not touch, and the caption."""
    parts, wide = [], frame.right - frame.left
    parts.append(element("line", x1=frame.left, x2=frame.right, y1=frame.bottom, y2=frame.bottom, **stroke(Tone.FRAME)))
    for value, label, middle in _apart(frame):
        x = frame.across(value)
        parts.append(element("line", x1=x, x2=x, y1=frame.bottom, y2=frame.bottom + 5, **stroke(Tone.FRAME)))
        parts.append(text(middle, frame.bottom + 18, label, tone=Tone.FAINT, anchor="middle"))
    said = fitted(caption, wide, SMALL)
    parts.append(text(frame.right, frame.bottom + 34, said, tone=Tone.FAINT, anchor="end"))
    return element("g", *parts, class_="wd-x-axis")


def _apart(frame: Frame) -> list[tuple[float, str, float]]:
    """As many ticks of the x axis as have room for their labels, each with the middle of its label."""
    count = max(2, int((frame.right - frame.left) / 66.0))
    while True:
        placed: list[tuple[float, str, float]] = []
        end, fits = -1e9, True
        for value, label in frame.x.ticks(count):
            half = width(label, SMALL) / 2
            middle = min(frame.across(value), frame.right + _EDGE - 6 - half)
            if middle - half < end + 6:
                fits = False
                continue
            end = middle + half
            placed.append((value, label, middle))
        if fits or count <= 2:
            return placed
        count -= 1


def document(figure: Figure, key: str, body: str, height: float, hatch: str, *, alone: bool) -> str:
    """The `svg` element around a body, with its text alternatives."""
    pattern = element(
        "pattern", element("line", x1=0, y1=0, x2=0, y2=7, stroke_width=2.2, **stroke(Tone.GRID)), id=hatch,
        width=7, height=7, patternUnits="userSpaceOnUse", patternTransform="rotate(45)",
    )  # fmt: skip
    paper = element("rect", width=figure.width, height=height, rx=6, **fill(Tone.PAPER)) if alone else ""
    return element(
        "svg",
        element("title", words(figure.title), id=f"{key}-title"),
        element("desc", words(figure.description, _MOST_WORDS), id=f"{key}-desc"),
        element("style", stylesheet()) if alone else "",
        element("defs", pattern),
        paper,
        body,
        xmlns="http://www.w3.org/2000/svg",
        class_="wd",
        viewBox=f"0 0 {figure.width:.0f} {height:.0f}",
        width=round(figure.width),
        height=round(height),
        # What an image holds is not told, so that a picture with links is a group.
        role="group" if "<a " in body else "img",
        aria_labelledby=f"{key}-title {key}-desc",
        font_family=FONT,
    )


def in_page(figure: Figure, key: str) -> str:
    """The picture as a part of a page that serves `tones.stylesheet()`, with ids that begin with `key`."""
    return replace(figure, key=key).svg(alone=False)
