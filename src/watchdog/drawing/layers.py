"""What a panel shows: lines, bands, limits, bars, dots; and the moments that cross all panels. Plain data."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchdog.drawing.tones import Shape, Tone

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve. It breaks where a value is None or no number, and where points lie further apart than `reach`."""

    name: str
    points: Sequence[Point]
    tone: Tone = Tone.VALUE
    dash: str = ""
    thick: float = 2.0
    reach: float | None = None

    def pieces(self) -> Iterator[list[tuple[float, float]]]:
        """The unbroken stretches, in order."""
        piece: list[tuple[float, float]] = []
        for x, y in self.points:
            known = y is not None and not math.isnan(y)
            if piece and (not known or (self.reach is not None and x - piece[-1][0] > self.reach)):
                yield piece
                piece = []
            if known and y is not None:
                piece.append((x, y))
        if piece:
            yield piece


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two curves, as what stable did before: points are (x, low, high)."""

    name: str
    points: Sequence[tuple[float, float, float]]
    tone: Tone = Tone.BASELINE


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that is not to be crossed, with its words at the line; `beyond` shades the wrong side."""

    name: str
    value: float
    tone: Tone = Tone.LIMIT
    beyond: bool = False
    upward: bool = True  # whether above it is wrong


@dataclass(frozen=True, slots=True)
class Bars:
    """Amounts over stretches: (begin, end, amount), from 0 up."""

    name: str
    bars: Sequence[tuple[float, float, float]]
    tone: Tone = Tone.VALUE


@dataclass(frozen=True, slots=True)
class Dot:
    """One mark, with its words and, where it is an estimate, its interval along each axis."""

    x: float
    y: float
    words: str = ""
    caption: str = ""  # shown beside it
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    large: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """Marks of one kind; `joined` by a line in their order."""

    name: str
    dots: Sequence[Dot]
    tone: Tone = Tone.VALUE
    shape: Shape = "circle"
    joined: bool = False
    dash: str = ""


Layer = Line | Band | Limit | Bars | Dots


class Happened(StrEnum):
    """What happened at a moment."""

    SWITCH = "switch"
    BREACH = "breach"
    ACT = "act"
    RECOVERY = "recovery"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, as a line through all panels with its name above them."""

    at: float
    what: Happened
    name: str


MOMENTS: dict[Happened, tuple[Tone, Shape, str]] = {
    Happened.SWITCH: (Tone.SWITCH, "diamond", ""),
    Happened.BREACH: (Tone.BREACH, "triangle", "5 3"),
    Happened.ACT: (Tone.ACT, "square", "2 2"),
    Happened.RECOVERY: (Tone.RECOVERY, "circle", "8 3"),
    Happened.NOTE: (Tone.MUTED, "ring", "1 3"),
}
