"""A panel as text: the curve in braille, limit and baseline as rows of signs, moments as columns with a letter.

It is told by its signs alone; colours are the caller's to add, by the tone of each run. `plain` keeps to ASCII.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from watchdog.drawing.figure import Figure, Panel
from watchdog.drawing.layers import MOMENTS, Band, Happened, Layer, Limit, Line, Moment
from watchdog.drawing.scales import Scale
from watchdog.drawing.tones import Tone

Run = tuple[str, Tone | None]
"""Some characters in a row, of one tone."""

_LETTERS = {Happened.SWITCH: "S", Happened.BREACH: "B", Happened.ACT: "P", Happened.RECOVERY: "R", Happened.NOTE: "E"}
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell, by row and column
_CURVES = frozenset({Tone.VALUE, Tone.RECOVERY, Tone.EVIDENCE})
_LABEL = 9  # columns of a label of the y axis, with the space behind it
_STEEP = 40  # points on a line that climbs, so that no row stays empty
_PER_LABEL = 12  # columns that a label of the x axis wants


@dataclass(frozen=True, slots=True)
class _Signs:
    """What the kinds of layers are drawn with."""

    limit: str
    baseline: str
    moment: str
    axis: str
    curve: str  # "": braille
    recovery: str = "o"  # the curve after the act: another revision's, and told apart without colours

    def curve_of(self, tone: Tone) -> str:
        """The sign of a curve; "": braille."""
        return self.recovery if tone is Tone.RECOVERY else self.curve

    def of(self, tone: Tone) -> str:
        """The sign of a layer in the legend."""
        if tone in _CURVES:
            return self.curve_of(tone) or "⠒"
        return self.limit if tone is Tone.LIMIT else self.baseline


_BRAILLE, _PLAIN = _Signs("─", "·", "│", "┤", ""), _Signs("-", ".", "|", "|", "*")


def in_terminal(figure: Figure, panel: Panel, *, width: int, rows: int = 8, plain: bool = False) -> list[list[Run]]:
    """Lines of at most `width` characters: the plot, the x axis's labels, what the signs mean."""
    signs = _PLAIN if plain else _BRAILLE
    grid = _Grid(figure.x, panel.scale, max(width - _LABEL - 1, 20), rows, signs)
    for layer in sorted(panel.layers, key=_below):
        grid.draw(layer)
    letters = grid.mark(figure.moments)
    labels = {grid.row_of(value): label for value, label in panel.scale.ticks(max(2, rows // 3))}
    lines: list[list[Run]] = [[(" " * (_LABEL + 1) + letters, Tone.MUTED)]] if letters.strip() else []
    for number, row in enumerate(grid.lines()):
        label = labels.get(number, "")
        lines.append([(f"{label[: _LABEL - 1]:>{_LABEL - 1}} ", Tone.FAINT), (signs.axis, Tone.FRAME), *row])
    lines.append([(" " * (_LABEL + 1) + _x_labels(figure.x, grid.columns), Tone.FAINT)])
    lines += [[(" " * (_LABEL + 1) + line, Tone.FAINT)] for line in _legend(panel, figure, signs, grid.columns)]
    return [[(_ascii(text) if plain else text, tone) for text, tone in line] for line in lines]


class _Grid:
    """Cells of the plot; each holds a sign and its tone, and of curves the dots of a braille cell."""

    def __init__(self, x: Scale, y: Scale, columns: int, rows: int, signs: _Signs) -> None:
        self.columns = columns
        self._x, self._y, self._rows, self._signs = x, y, rows, signs
        self._cells: dict[tuple[int, int], tuple[str, Tone]] = {}
        self._dots: dict[tuple[int, int], tuple[int, Tone]] = {}

    def row_of(self, value: float) -> int:
        """The row that a value lies in, the uppermost being 0."""
        return min(int((1.0 - self._y.place(value)) * self._rows), self._rows - 1)

    def _column_of(self, value: float) -> int:
        return min(int(self._x.place(value) * self.columns), self.columns - 1)

    def draw(self, layer: Layer) -> None:
        """One layer over those before it."""
        match layer:
            case Limit(value=value):
                self._level(value, self._signs.limit, layer.tone)
            case Line(tone=tone) if tone in _CURVES:
                for piece in layer.pieces():
                    self._curve(piece, tone)
            case Line(tone=tone):
                sign = self._signs.of(tone)
                for piece in layer.pieces():
                    for x, y in _between(piece, self.columns, self._x):
                        self._cells[self.row_of(y), self._column_of(x)] = (sign, tone)
            case Band():
                pass  # of a few rows a band leaves no room for anything else: its words are in the evidence

    def _level(self, value: float, sign: str, tone: Tone) -> None:
        for column in range(self.columns):
            self._cells[self.row_of(value), column] = (sign, tone)

    def _curve(self, piece: Sequence[tuple[float, float]], tone: Tone) -> None:
        sign = self._signs.curve_of(tone)
        if sign:
            for x, y in _between(piece, self.columns, self._x):
                self._cells[self.row_of(y), self._column_of(x)] = (sign, tone)
            return
        for x, y in _between(piece, 2 * self.columns, self._x):
            right = min(int(self._x.place(x) * 2 * self.columns), 2 * self.columns - 1)
            down = min(int((1.0 - self._y.place(y)) * 4 * self._rows), 4 * self._rows - 1)
            cell = (down // 4, right // 2)
            dots = self._dots.get(cell, (0, tone))[0] | _DOTS[down % 4][right % 2]
            self._dots[cell] = (dots, tone)

    def mark(self, moments: Sequence[Moment]) -> str:
        """A column for each moment, below everything else; returns the row of their letters."""
        letters: dict[int, str] = {}
        for moment in moments:
            column = self._column_of(moment.at)
            for row in range(self._rows):
                self._cells.setdefault((row, column), (self._signs.moment, MOMENTS[moment.what][0]))
            while column in letters and column + 1 < self.columns:
                column += 1
            letters[column] = _LETTERS[moment.what]
        return "".join(letters.get(column, " ") for column in range(self.columns)).rstrip()

    def lines(self) -> Iterator[list[Run]]:
        """The rows from above, as runs of one tone."""
        for row in range(self._rows):
            cells = [self._cell(row, column) for column in range(self.columns)]
            runs = groupby(cells, key=lambda cell: cell[1])
            yield [("".join(sign for sign, _ in run), tone) for tone, run in runs]

    def _cell(self, row: int, column: int) -> tuple[str, Tone | None]:
        dots = self._dots.get((row, column))
        if dots is not None:
            return chr(0x2800 + dots[0]), dots[1]
        return self._cells.get((row, column), (" ", None))


def _below(layer: Layer) -> int:
    """What is drawn first: the curve lies over the limit, the limit over the baseline."""
    if isinstance(layer, Line) and layer.tone in _CURVES:
        return 2
    return 1 if layer.tone is Tone.LIMIT else 0


def _between(piece: Sequence[tuple[float, float]], steps: int, x: Scale) -> Iterator[tuple[float, float]]:
    """The points of a curve and enough in between that no column stays empty."""
    yield piece[0]
    for (left, low), (right, high) in pairwise(piece):
        count = max(1, math.ceil((x.place(right) - x.place(left)) * steps), 1 if low == high else _STEEP)
        for step in range(1, count + 1):
            share = step / count
            yield left + (right - left) * share, low + (high - low) * share


def _x_labels(x: Scale, columns: int) -> str:
    row = [" "] * columns
    free = 0
    for value, label in x.ticks(max(2, columns // _PER_LABEL)):
        begin = min(max(int(x.place(value) * columns) - len(label) // 2, 0), columns - len(label))
        if begin >= free:
            row[begin : begin + len(label)] = label
            free = begin + len(label) + 1
    return "".join(row).rstrip()


def _legend(panel: Panel, figure: Figure, signs: _Signs, columns: int) -> list[str]:
    named = [f"{signs.of(layer.tone)} {layer.name}" for layer in panel.layers if isinstance(layer, Line | Limit)]
    marked = [f"{_LETTERS[one.what]} {one.name} {figure.x.tell(one.at)}" for one in figure.moments]
    lines = [""]
    for entry in (*dict.fromkeys(named), *marked):
        longer = f"{lines[-1]}   {entry}" if lines[-1] else entry
        if len(longer) <= columns or not lines[-1]:
            lines[-1] = longer[:columns]
        else:
            lines.append(entry[:columns])
    return lines


def _ascii(text: str) -> str:
    return text.replace("−", "-").replace("µ", "u").encode("ascii", "replace").decode("ascii")
