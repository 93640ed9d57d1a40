"""A timeline: one row for each thing, one lollipop for each thing that happened to it.

A stem's height is how far it came towards its row's threshold line, so that what crossed it is seen without reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from watchdog.drawing.elements import element, fitted, title, width
from watchdog.drawing.figure import WIDTH, Figure, document, heading, key_of, x_axis
from watchdog.drawing.legends import Entry, legend
from watchdog.drawing.painting import SMALL, Frame, text
from watchdog.drawing.scales import Linear, Scale
from watchdog.drawing.shapes import marker
from watchdog.drawing.tones import Shape, Tone, fill, stroke

ROW = 44.0
_HIGHEST = 1.35  # of the threshold: what went beyond is drawn up to here
_EDGE = 14.0
_NAMES = 220.0  # pixels for the rows' names, at most


@dataclass(frozen=True, slots=True)
class Kind:
    """What lollipops of one kind look like and are called in the legend."""

    name: str
    tone: Tone
    shape: Shape


@dataclass(frozen=True, slots=True)
class Event:
    """One lollipop. `share` of the threshold that it reached; None: no stem. `ring` marks it as really so."""

    at: float
    kind: Kind
    words: str
    share: float | None = None
    ring: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline; `gaps` are stretches of which nothing is known."""

    name: str
    events: Sequence[Event]
    gaps: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows over one time axis. `threshold` names the line that stems are measured by, `ring` what a ring means."""

    title: str
    description: str
    caption: str
    x: Scale
    rows: Sequence[Row]
    threshold: str
    ring: str = ""
    subtitle: str = ""
    width: float = WIDTH
    heading: bool = True
    key: str = ""

    def svg(self, *, alone: bool = True) -> str:
        """The picture; see `Figure.svg`."""
        frame = Figure(self.title, self.description, self.caption, self.x, (), subtitle=self.subtitle,
                       width=self.width, heading=self.heading)  # fmt: skip
        key = key_of(self.key, f"{self.title}\n{self.description}\n{self.caption}")
        hatch = f"{key}-gap"
        parts, y = heading(frame, _EDGE, self.width - _EDGE)
        shown, high = legend(self._entries(), _EDGE, y, self.width - _EDGE)
        parts.append(shown)
        y += high + 10
        names = min(max((width(row.name, SMALL) for row in self.rows), default=0.0), _NAMES)
        left, right = _EDGE + names + 12, self.width - _EDGE
        spans = []
        for row in self.rows:
            place = Frame(self.x, Linear(0.0, _HIGHEST), left, y + 6, right, y + ROW - 4)
            parts.append(_row(row, place, names, hatch))
            spans.append((place.top, place.bottom))
            y += ROW
        if spans:
            parts.append(x_axis(self.caption, place, spans))
        return document(frame, key, "".join(parts), y + 40, hatch, alone=alone)

    def _entries(self) -> list[Entry]:
        kinds = dict.fromkeys(event.kind for row in self.rows for event in row.events)
        entries = [Entry(kind.name, kind.tone, kind.shape, line=False) for kind in kinds]
        if self.ring and any(event.ring for row in self.rows for event in row.events):
            entries.append(Entry(self.ring, Tone.INK, "ring", line=False))
        return [*entries, Entry(self.threshold, Tone.LIMIT, dash="6 4")]


def _row(row: Row, frame: Frame, names: float, hatch: str) -> str:
    name = element("g", title(row.name), text(_EDGE, frame.bottom - 6, fitted(row.name, names, SMALL)))
    y = frame.up(1.0)
    parts = [
        name,
        element("line", x1=frame.left, x2=frame.right, y1=frame.bottom, y2=frame.bottom, **stroke(Tone.FRAME)),
        element("line", x1=frame.left, x2=frame.right, y1=y, y2=y, stroke_width=1.1, stroke_dasharray="6 4",
                opacity="0.75", **stroke(Tone.LIMIT)),
    ]  # fmt: skip
    for begin, end in row.gaps:
        wide = frame.across(end) - frame.across(begin)
        parts.append(
            element("rect", title(f"no data from {frame.x.tell(begin)} to {frame.x.tell(end)}"), class_="wd-gap",
                    x=frame.across(begin), y=frame.top, width=wide, height=frame.bottom - frame.top,
                    fill=f"url(#{hatch})")
        )  # fmt: skip
    # What matters most lies on top: the later in the order of shares.
    shown = (event for event in row.events if frame.shows(event.at))
    parts += [_lollipop(event, frame) for event in sorted(shown, key=lambda each: (each.ring, each.share or 0.0))]
    return element("g", *parts, class_="wd-row")


def _lollipop(event: Event, frame: Frame) -> str:
    x, y = frame.across(event.at), frame.up(min(event.share or 0.0, _HIGHEST))
    drawn = [title(event.words)]
    if event.share is not None and y < frame.bottom - 1:
        drawn.append(element("line", x1=x, x2=x, y1=frame.bottom, y2=y, stroke_width=1.6, **stroke(event.kind.tone)))
    if event.ring:
        drawn.append(element("circle", cx=x, cy=y, r=7.5, stroke_width=1.6, **stroke(Tone.INK)))
    drawn.append(marker(x, y, event.kind.shape, event.kind.tone, 4.0))
    # A finger needs more to hit than the mark has.
    drawn.append(element("circle", cx=x, cy=y, r=9, fill_opacity=0, **fill(Tone.PAPER)))
    group = element("g", *drawn, class_="wd-event")
    return element("a", group, href=event.link) if event.link.startswith("#") else group
