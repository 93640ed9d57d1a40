"""Markers: shapes that are told apart without colour."""

from watchdog.drawing.elements import element
from watchdog.drawing.elements import number as n
from watchdog.drawing.tones import Shape, Tone, fill, stroke


def marker(x: float, y: float, shape: Shape, tone: Tone, size: float = 5.0, said: str = "") -> str:
    """A marker with its middle at a place of the page; `said` is markup of its tooltip."""
    return drawn(x, y, shape, size, fill(tone), {**stroke(tone), "stroke_width": "2"}, said)


def drawn(
    x: float, y: float, shape: Shape, size: float, filled: dict[str, str], outlined: dict[str, str], said: str = ""
) -> str:
    """The shape with the attributes that fill it, or those that draw its outline where it is an open one."""
    s = n(size)
    match shape:
        case "circle" | "ring":
            return element("circle", said, cx=x, cy=y, r=size, **(filled if shape == "circle" else outlined))
        case "square" | "box":
            style = filled if shape == "square" else outlined
            return element("rect", said, x=x - size, y=y - size, width=2 * size, height=2 * size, **style)
        case "cross":
            across = n(2 * size)
            d = f"M{n(x - size)} {n(y - size)}l{across} {across}m0 -{across}l-{across} {across}"
            return element("path", said, d=d, **outlined)
        case "plus":
            d = f"M{n(x - size)} {n(y)}h{n(2 * size)}m{n(-size)} {n(-size)}v{n(2 * size)}"
            return element("path", said, d=d, **outlined)
        case "triangle":
            return element("path", said, d=f"M{n(x)} {n(y - size)}l{s} {n(2 * size)}h{n(-2 * size)}z", **filled)
        case "down":
            return element("path", said, d=f"M{n(x)} {n(y + size)}l{s} {n(-2 * size)}h{n(-2 * size)}z", **filled)
        case "diamond":
            r = n(size * 1.3)
            return element("path", said, d=f"M{n(x)} {n(y - size * 1.3)}l{r} {r}l-{r} {r}l-{r} -{r}z", **filled)
