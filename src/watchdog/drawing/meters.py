"""Small pictures within a line or a table's cell: how full something is, and how sure an estimate is."""

from watchdog.drawing.elements import element, words
from watchdog.drawing.tones import Tone, fill, stroke

_WIDTH, _HEIGHT = 120.0, 14.0


def meter(share: float, said: str, *, tone: Tone = Tone.VALUE, threshold: float | None = None) -> str:
    """A bar that is full at 1, with a mark where it must not or has to come."""
    wide = _WIDTH * min(max(share, 0.0), 1.0)
    parts = [
        element("rect", x=0, y=4, width=_WIDTH, height=6, rx=3, **fill(Tone.GRID)),
        element("rect", x=0, y=4, width=wide, height=6, rx=3, **fill(tone)) if wide else "",
    ]
    if threshold is not None:
        x = _WIDTH * min(max(threshold, 0.0), 1.0)
        parts.append(element("line", x1=x, x2=x, y1=0, y2=_HEIGHT, stroke_width=2, **stroke(Tone.LIMIT)))
    return _small(parts, said)


def estimate(low: float, value: float, high: float, most: float, said: str, *, tone: Tone = Tone.VALUE) -> str:
    """An estimate as a dot within its interval, on an axis from 0 to `most`."""
    scale = (_WIDTH - 8) / most if most > 0 else 0.0
    begin, at, end = (4 + scale * min(max(each, 0.0), most) for each in (low, value, high))
    middle = _HEIGHT / 2
    parts = [
        element("line", x1=4, x2=_WIDTH - 4, y1=middle, y2=middle, **stroke(Tone.GRID)),
        element("line", x1=begin, x2=end, y1=middle, y2=middle, stroke_width=3, opacity="0.55",
                stroke_linecap="round", **stroke(tone)),
        element("circle", cx=at, cy=middle, r=4, **fill(tone)),
    ]  # fmt: skip
    return _small(parts, said)


def _small(parts: list[str], said: str) -> str:
    return element(
        "svg", element("title", words(said)), *parts, class_="wd wd-small", viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        width=_WIDTH, height=_HEIGHT, role="img", xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip
