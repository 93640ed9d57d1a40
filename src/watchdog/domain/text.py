"""Text of other people made harmless to show: names, error bodies and answers are never ours."""

from collections.abc import Iterable


def cut(text: str, most: int) -> str:
    """At most so many characters, the last of them an ellipsis where some are left out."""
    return text if len(text) <= most else f"{text[: max(0, most - 1)]}…"


def in_words(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def printable(text: str) -> str:
    """`text` with newlines, escape sequences and invisible characters written out as `\\n`, `\\x1b`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
