"""What stands around a plot: the legend's entries in rows, and the names of moments where they do not overlap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchdog.drawing.elements import element, fitted, title, width
from watchdog.drawing.layers import MOMENTS, Band, Bars, Dots, Layer, Limit, Line, Moment
from watchdog.drawing.painting import SMALL, Frame, text
from watchdog.drawing.shapes import marker
from watchdog.drawing.tones import Shape, Tone, fill, stroke

ROW = 18.0
_SWATCH = 24.0
_APART = 18.0
_LONGEST = 260.0  # pixels of one name


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a legend."""

    name: str
    tone: Tone
    shape: Shape | None = None
    dash: str = ""
    line: bool = True
    area: bool = False


def entries_of(layers: Iterable[Layer]) -> list[Entry]:
    """An entry for each layer that does not carry its name itself, each name once."""
    entries: dict[str, Entry] = {}
    for layer in layers:
        match layer:
            case Line():
                entry = Entry(layer.name, layer.tone, dash=layer.dash)
            case Band() | Bars():
                entry = Entry(layer.name, layer.tone, line=False, area=True)
            case Dots():
                entry = Entry(layer.name, layer.tone, layer.shape, layer.dash, line=layer.joined)
            case Limit():
                continue
        entries.setdefault(layer.name, entry)
    return list(entries.values())


def legend(entries: Sequence[Entry], left: float, top: float, right: float) -> tuple[str, float]:
    """The entries from left to right in as many rows as they need, and the height of that."""
    parts, x, row = [], left, 0
    for entry in entries:
        name = fitted(entry.name, min(_LONGEST, right - left - _SWATCH), SMALL)
        wide = _SWATCH + width(name, SMALL) + _APART
        if x > left and x + wide - _APART > right:
            x, row = left, row + 1
        y = top + ROW * row + ROW / 2
        parts.append(element("g", title(entry.name), _swatch(entry, x, y), text(x + _SWATCH, y + 4, name)))
        x += wide
    return "".join(parts), ROW * (row + 1) if entries else 0.0


def _swatch(entry: Entry, x: float, y: float) -> str:
    middle, parts = x + 9.0, []
    if entry.area:
        opacity = "0.35"
        parts.append(element("rect", x=x, y=y - 5, width=18, height=10, opacity=opacity, **fill(entry.tone)))
    if entry.line:
        dash = entry.dash or None
        parts.append(
            element("line", x1=x, x2=x + 18, y1=y, y2=y, stroke_width=2, stroke_dasharray=dash, **stroke(entry.tone))
        )
    if entry.shape:
        parts.append(marker(middle, y, entry.shape, entry.tone, 4.5))
    return "".join(parts)


def moment_names(moments: Sequence[Moment], frame: Frame, top: float) -> tuple[str, float]:
    """The moments' names above the panels, in as many rows as keep them apart, and the height of that."""
    parts: list[str] = []
    taken: list[float] = []  # how far to the right each row is used
    placed: list[tuple[float, int, Moment, str, str]] = []
    for moment in sorted((each for each in moments if frame.shows(each.at)), key=lambda each: each.at):
        name = fitted(moment.name, 260.0, SMALL)
        x = frame.across(moment.at)
        wide = width(name, SMALL) + 10.0
        anchor, begin = ("start", x - 5.0) if x + wide <= frame.right + 12 else ("end", x - wide)
        row = next((row for row, end in enumerate(taken) if begin > end + 8), len(taken))
        taken[row : row + 1] = [begin + wide + 5]
        placed.append((x, row, moment, name, anchor))
    for x, row, moment, name, anchor in placed:
        tone, shape, dash = MOMENTS[moment.what]
        y = top + ROW * row + ROW / 2
        line = element("line", x1=x, x2=x, y1=y + 4, y2=frame.top, stroke_width=1.4, stroke_dasharray=dash or None,
                       **stroke(tone))  # fmt: skip
        beside = x + 8 if anchor == "start" else x - 8
        said = title(f"{moment.name}: {frame.x.tell(moment.at)}")
        mark, label = marker(x, y, shape, tone, 4.0), text(beside, y + 4, name, anchor=anchor, halo=True)
        parts.append(element("g", said, line, mark, label, class_=f"wd-moment wd-moment-{moment.what}"))
    return "".join(parts), ROW * len(taken)
