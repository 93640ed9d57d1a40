"""Other people's text in markdown: no name ends a table's row, becomes markup, or calls a person."""

import re

from watchdog.domain.text import printable
from watchdog.drawing.elements import shortened

_LONGEST = 160
# What begins markup, a cell, a link or a mention in GitHub's dialect: as a character reference it begins nothing.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#~|&@!$^=\"'+]|(?<=www)\.|:(?=//)|(?<=\w)-(?=-)")
_CALLS = re.compile(r"(&#(?:64|35);)")  # @somebody and #12 are linked after the markup was read


def plain(text: str, most: int = _LONGEST) -> str:
    """Text within a line or a cell, as text."""
    shown = shortened(printable(text[: most + 1]), most)
    # A word joiner keeps "@name" from being looked up as a person.
    return _CALLS.sub("\\1\u2060", _referenced(shown))


def name(text: str, most: int = 80) -> str:
    """A name in a cell or a line, set as code, in which nothing is looked up."""
    return f"<code>{_referenced(shortened(printable(text[: most + 1]), most))}</code>" if text else ""


def _referenced(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)


def row(*cells: str) -> str:
    """A row of a table, of cells that are markdown already."""
    return f"| {' | '.join(cells)} |"


def header(*captions: str) -> list[str]:
    """The head of a table; a caption that ends with `:` is aligned to the right."""
    return [row(*(caption.rstrip(":") for caption in captions)),
            row(*("---:" if caption.endswith(":") else "---" for caption in captions))]  # fmt: skip
