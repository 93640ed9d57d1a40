"""TOML as people write it, whatever the cluster's names hold: texts, lists, inline tables, comments."""

import json
import re
import textwrap
from collections.abc import Iterable, Mapping

from watchdog.adapters.logs import printable

WIDTH = 120
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def text(value: str) -> str:
    """A text in quotes; a query, which has quotes of its own, in single ones."""
    clean = value.encode("utf-8", "replace").decode()
    if '"' in clean and "'" not in clean and clean.isprintable():
        return f"'{clean}'"
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")


def value_of(value: str | int | float | bool) -> str:
    """A single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(value) if isinstance(value, str) else f"{value:g}"


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else text(name)


def inline(table: Mapping[str, str | int | Mapping[str, str]]) -> str:
    """An inline table."""
    parts = [
        f"{key(name)} = {inline(value) if isinstance(value, Mapping) else value_of(value)}"
        for name, value in table.items()
    ]
    return f"{{ {', '.join(parts)} }}"


def array(values: Iterable[str]) -> str:
    """A list of texts, on one line where it fits."""
    items = [text(value) for value in values]
    line = f"[{', '.join(items)}]"
    if len(line) < WIDTH - 20:
        return line
    return "[\n" + "".join(f"  {item},\n" for item in items) + "]"


def comment(sentence: str, *, bullet: str = "") -> list[str]:
    """A comment in as many lines as it needs, perhaps behind a bullet; what others wrote in it cannot end it."""
    words = printable(sentence.encode("utf-8", "replace").decode())
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=f"# {bullet}",
        subsequent_indent=f"# {' ' * len(bullet)}",
        break_long_words=False,
        break_on_hyphens=False,
    )
