"""Changes of single values in the text of rules.toml: comments, order and alignment stay as they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from watchdog.rulebook.conditions import parse_condition
from watchdog.rulebook.document import read_document
from watchdog.rulebook.nodes import Node

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class NotEditable(Exception):
    """The text has no such place; the message says which."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One value of one rule: `limit` is the number within `when`, in the unit that stands there."""

    rule: str
    key: Literal["limit", "for", "confidence"]
    value: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with these values. Raises NotEditable; the text must be valid."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    windows = text.count("\r\n")
    if windows and windows != text.count("\n"):
        raise NotEditable("the file mixes two kinds of line ends; save it with one")
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    document = read_document(plain)
    places = [(*_place(plain, document, edit), index) for index, edit in enumerate(edits)]
    # From the end on: what is behind a change moves, what is before it does not.
    for begin, end, new, _ in sorted(places, key=lambda place: (place[0], place[3]), reverse=True):
        plain = plain[:begin] + new + plain[end:]
    return mark + (plain.replace("\n", "\r\n") if windows else plain)


def _place(text: str, document: Node, edit: Edit) -> tuple[int, int, str]:
    """Where the text changes: from, to, and what is written there."""
    rule = _table(_table(document, "rules"), edit.rule)
    when = rule.get("when")
    if when is None or not isinstance(when.value, str):
        raise NotEditable(f"rule {edit.rule} has no condition")
    if edit.key == "limit":
        number_at = parse_condition(when.value).number_at
        number = _NUMBER.match(when.value, number_at)
        assert number is not None
        return when.spot(number_at), when.spot(number.end()), edit.value
    old = rule.get(edit.key)
    if old is not None and isinstance(old.value, str):
        return old.spots[0], old.spots[-1], edit.value
    return _inserted(text, when, edit)


def _table(node: Node | dict[str, Node], name: str) -> dict[str, Node]:
    tables = node.value if isinstance(node, Node) else node
    found = tables.get(name) if isinstance(tables, dict) else None
    if found is None or not isinstance(found.value, dict):
        raise NotEditable(f"there is no table {name}")
    return found.value


def _inserted(text: str, when: Node, edit: Edit) -> tuple[int, int, str]:
    """A new key beside `when`: on a line of its own, its equals sign below the other; in an inline table behind it."""
    line = text.rfind("\n", 0, when.key_at) + 1
    before = text[line : when.key_at]
    closing = when.spots[-1]
    quotes = 3 if text.startswith(text[when.at] * 3, when.at) and closing > when.at + 1 else 1
    behind = closing + quotes
    if "{" in before:
        return behind, behind, f', {edit.key} = "{edit.value}"'
    end = text.find("\n", behind)
    end = len(text) if end < 0 else end
    written = _BARE.match(text, when.key_at)
    key = written[0] if written else '"when"'
    equals = text.index("=", when.key_at + len(key))
    after = text[equals + 1 : when.at]
    wide = max(equals - when.key_at, len(edit.key) + (1 if text[equals - 1] in " \t" else 0))
    return end, end, f'\n{before}{edit.key:<{wide}}={after}"{edit.value}"'
