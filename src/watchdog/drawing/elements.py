"""SVG as text: elements, attributes and escaping. Whatever a name holds, it stays text.

Colours are presentation attributes, so that a picture renders anywhere and needs no `style` attribute (a strict
Content-Security-Policy forbids those); classes beside them let a stylesheet take over (see `tones`).
"""

from collections.abc import Iterable
from html import escape

from watchdog.domain.text import printable

LONGEST = 300  # characters of a text alternative; names may be 10 kB long
_WIDE = 0.66  # of the font's size: an upper estimate, since the reader's font is not known
_NARROW = 0.31
_USUAL = 0.56


def element(name: str, *children: str, **attributes: str | float | None) -> str:
    """`<name attribute="...">children</name>`. Children are markup already; use `words` for text.

    A trailing underscore is dropped (`class_`), others become hyphens (`stroke_width`); None leaves one out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(children)
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def words(text: str, most: int = LONGEST) -> str:
    """Text as markup: escaped, on one line, invisible and right-to-left marks written out, cut after `most`."""
    return escape(shortened(printable(text[: most + 1]), most))


def shortened(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis where some are left out."""
    return text if len(text) <= most else text[: max(most - 1, 0)].rstrip() + "…"


def fitted(text: str, pixels: float, size: float) -> str:
    """As much of a text as fits into so many pixels; the middle is left out, since the ends tell names apart."""
    text = printable(text[:LONGEST])
    if width(text, size) <= pixels:
        return text
    head, tail = text, ""
    while head and width(f"{head}…{tail}", size) > pixels:
        half = max((len(head) + len(tail) - 1) // 2, 0)
        head, tail = text[:half], text[len(text) - half :]
        if half == 0:
            break
        text = head + tail
    return f"{head}…{tail}" if head else "…"


def width(text: str, size: float) -> float:
    """About how many pixels a text takes at a font size: a little more rather than less."""
    share = sum(
        _WIDE if c.isupper() or c in "mwMW%@—" or ord(c) > 0x2E80 else _NARROW if c in " .,:;'|ijl!()[]" else _USUAL
        for c in text
    )
    return share * size


def number(value: float) -> str:
    """A coordinate: two decimals at most, without a needless zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def title(text: str) -> str:
    """The text alternative of an element: a tooltip for those who point, words for those who listen."""
    return element("title", words(text))


def path(points: Iterable[tuple[float, float]]) -> str:
    """A path's `d` through points of the page."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
