"""TOML with positions: every key, value and character of a text knows where in the file it stands.

tomllib reads values but forgets places. `Walk` goes over a text that tomllib has accepted and records offsets; because
the text is valid, it needs no error handling of its own.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar

T = TypeVar("T")
Value = str | int | float | bool | datetime | date | time | list["Node"] | dict[str, "Node"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]+")
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_STRING_END = {
    '"""': re.compile(r'(?:\\[\s\S]|(?!""")[\s\S])*("{3,5})'),
    "'''": re.compile(r"(?:(?!''')[\s\S])*('{3,5})"),
    '"': re.compile(r'(?:\\.|[^"\\])*(")'),
    "'": re.compile(r"[^']*(')"),
}
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}
_CODE_POINT_DIGITS = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file: where it begins, where its key begins and, of a text, where each character stands."""

    value: Value
    at: int
    key_at: int
    spots: tuple[int, ...] = ()

    def spot(self, index: int) -> int:
        """The file's offset of a text's character (or of the text's end)."""
        return self.spots[min(index, len(self.spots) - 1)] if self.spots else self.at


class Walk:
    """One pass over a text that tomllib has accepted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.statement_at = 0
        self.pair_at = 0

    def document(self) -> Node:
        """The whole file as a tree of its tables and values, each with its place."""
        root: dict[str, Node] = {}
        table = root
        self._skip(_BLANK)
        while self.at < len(self.text):
            self.statement_at = self.at
            if self.text[self.at] == "[":
                table = self._header(root)
            else:
                self._pair(table)
            self._skip(_BLANK)
        return Node(root, 0, 0)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _header(self, root: dict[str, Node]) -> dict[str, Node]:
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        *parents, (name, at) = self._key()
        self.at += 2 if double else 1
        table = root
        for parent, parent_at in parents:
            table = _enter(table, parent, parent_at)
        if double:
            item: dict[str, Node] = {}
            known = table.get(name)
            items = known.value if known is not None and isinstance(known.value, list) else []
            items.append(Node(item, at, at))
            table[name] = Node(items, items[0].at, items[0].at)
            return item
        entered = _enter(table, name, at)
        # A child's header may have come first; the table stands where its own header does.
        table[name] = Node(entered, at, at)
        return entered

    def _pair(self, table: dict[str, Node]) -> None:
        self.pair_at = self.at
        *parents, (name, key_at) = self._key()
        self.at += 1
        self._skip(_SPACE)
        for parent, parent_at in parents:
            table = _enter(table, parent, parent_at)
        table[name] = self._value(key_at)

    def _key(self) -> list[tuple[str, int]]:
        parts = []
        while True:
            self._skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                parts.append((self._string()[0], start))
            else:
                self._skip(_BARE_KEY)
                parts.append((self.text[start : self.at], start))
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _value(self, key_at: int | None = None) -> Node:
        start = self.at
        key_at = start if key_at is None else key_at
        match self.text[start]:
            case '"' | "'":
                value, spots = self._string()
                return Node(value, start, key_at, spots)
            case "[":
                return Node(self._items("]", self._value), start, key_at)
            case "{":
                table: dict[str, Node] = {}
                self._items("}", lambda: self._pair(table))
                return Node(table, start, key_at)
        self._skip(_BARE_VALUE)
        written = self.text[start : self.at].rstrip()
        self.at = start + len(written)
        return Node(tomllib.loads(f"value = {written}")["value"], start, key_at)

    def _items(self, end: str, read: Callable[[], T]) -> list[T]:
        self.at += 1
        items = []
        self._skip(_BLANK)
        while self.text[self.at] != end:
            items.append(read())
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self._skip(_BLANK)
        self.at += 1
        return items

    def _string(self) -> tuple[str, tuple[int, ...]]:
        quote = self.text[self.at]
        opening = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        start = self.at + len(opening)
        match = _STRING_END[opening].match(self.text, start)
        assert match is not None
        self.at = match.end()
        end = match.end() - len(opening)
        if len(opening) == 3 and self.text.startswith("\n", start):
            start += 1
        if quote == "'":
            return self.text[start:end], tuple(range(start, end + 1))
        return _unescape(self.text, start, end)


def _enter(table: dict[str, Node], name: str, at: int) -> dict[str, Node]:
    node = table.get(name)
    value = node.value if node is not None else None
    if isinstance(value, list) and value:
        value = value[-1].value
    if isinstance(value, dict):
        return value
    fresh: dict[str, Node] = {}
    table[name] = Node(fresh, at, at)
    return fresh


def _unescape(text: str, start: int, end: int) -> tuple[str, tuple[int, ...]]:
    characters: list[str] = []
    spots: list[int] = []
    at = start
    while at < end:
        spot = at
        if text[at] != "\\":
            characters.append(text[at])
            at += 1
        elif text[at + 1] in " \t\n":
            # A backslash at a line's end swallows the line break and all blanks after it.
            at += 1
            while at < end and text[at] in " \t\n":
                at += 1
            continue
        elif text[at + 1] in _CODE_POINT_DIGITS:
            digits = _CODE_POINT_DIGITS[text[at + 1]]
            characters.append(chr(int(text[at + 2 : at + 2 + digits], 16)))
            at += 2 + digits
        else:
            characters.append(_ESCAPES[text[at + 1]])
            at += 2
        spots.append(spot)
    return "".join(characters), (*spots, end)
