"""Pictures as plain SVG, written by hand: axes with units, colours that colour-blind people tell apart, words for those
who cannot see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast
from xml.sax.saxutils import escape

from watchdog.drawing.shapes import drawn
from watchdog.drawing.tones import Shape

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 86, 200, 64, 64

# Okabe and Ito's palette: told apart with any kind of colour vision. Shapes differ as well.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A00", "#666666")
SHAPES = ("diamond", "circle", "square", "triangle", "cross", "down", "ring", "plus", "box")
_FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its caption with unit, its ticks (value, label), and where a value lies on it (0 to 1)."""

    caption: str
    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float]


@dataclass(slots=True)
class Picture:
    """A plot under construction. `title` and `words` are read aloud by screen readers."""

    title: str
    words: str
    x: Axis
    y: Axis
    subtitle: str = ""
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the plot lies on the page."""
        width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + width * self.x.place(x), TOP + height * (1.0 - self.y.place(y))

    def text(
        self, x: float, y: float, words: str, *, size: int = 13, anchor: str = "start", fill: str = "#222"
    ) -> None:
        """Words at a place on the page."""
        self.parts.append(
            f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='{size}' text-anchor='{anchor}' fill='{fill}'>"
            f"{escape(words)}</text>"
        )

    def area(self, start: tuple[float, float], end: tuple[float, float], fill: str) -> None:
        """A shaded rectangle between two points of the plot."""
        (x0, y0), (x1, y1) = self.at(*start), self.at(*end)
        self.parts.append(
            f"<rect x='{min(x0, x1):.1f}' y='{min(y0, y1):.1f}' width='{abs(x1 - x0):.1f}' "
            f"height='{abs(y1 - y0):.1f}' fill='{fill}'/>"
        )

    def line(
        self, points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False, width: float = 2
    ) -> None:
        """A line through points of the plot."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        dash = " stroke-dasharray='5 4'" if dashed else ""
        self.parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='{width}'{dash}/>")

    def whisker(self, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
        """The interval of an estimate."""
        self.line([start, end], colour, width=1.2)

    def mark(
        self, point: tuple[float, float], shape: str, colour: str, *, size: float = 5, faint: bool = False
    ) -> None:
        """A marker at a point of the plot."""
        x, y = self.at(*point)
        opacity = " opacity='0.35'" if faint else ""
        self.parts.append(f"<g{opacity}>{_shape(x, y, shape, colour, size)}</g>")

    def svg(self) -> str:
        """The picture."""
        body = "\n".join([*self._frame(), *self.parts])
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' "
            f"aria-labelledby='title desc'>\n<title id='title'>{escape(self.title)}</title>\n"
            f"<desc id='desc'>{escape(self.words)}</desc>\n"
            f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>\n{body}\n</svg>\n"
        )

    def _frame(self) -> list[str]:
        frame = Picture("", "", self.x, self.y)
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value, label in self.x.ticks:
            at = LEFT + (right - LEFT) * self.x.place(value)
            frame.parts.append(f"<line x1='{at:.1f}' x2='{at:.1f}' y1='{TOP}' y2='{bottom + 5}' stroke='#e3e3e3'/>")
            frame.text(at, bottom + 20, label, size=12, anchor="middle")
        for value, label in self.y.ticks:
            at = bottom - (bottom - TOP) * self.y.place(value)
            frame.parts.append(f"<line x1='{LEFT - 5}' x2='{right}' y1='{at:.1f}' y2='{at:.1f}' stroke='#e3e3e3'/>")
            frame.text(LEFT - 9, at + 4, label, size=12, anchor="end")
        frame.parts.append(f"<path d='M{LEFT} {TOP}V{bottom}H{right}' fill='none' stroke='#555'/>")
        frame.text((LEFT + right) / 2, HEIGHT - 18, self.x.caption, anchor="middle")
        middle = (TOP + bottom) / 2
        frame.parts.append(
            f"<text transform='translate(22 {middle:.0f}) rotate(-90)' {_FONT} font-size='13' text-anchor='middle' "
            f"fill='#222'>{escape(self.y.caption)}</text>"
        )
        frame.text(LEFT, 28, self.title, size=17)
        frame.text(LEFT, 48, self.subtitle, size=12, fill="#555")
        return frame.parts


def _shape(x: float, y: float, shape: str, colour: str, size: float) -> str:
    return drawn(
        x, y, cast(Shape, shape), size, {"fill": colour}, {"fill": "none", "stroke": colour, "stroke_width": "2"}
    )
