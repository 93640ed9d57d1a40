"""The shapes that values of rules.toml have: each reads a node, names itself for people, and gives its JSON Schema."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from watchdog.rulebook.mistakes import FOR_THESE_ONLY, OUTSIDE, Fault, Mistakes, shown, suggest
from watchdog.rulebook.nodes import Node

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, object]


class Shape(Protocol[T_co]):
    """What a value must look like. `read` gives None, with the mistakes noted, where it does not."""

    @property
    def title(self) -> str:
        """The type as the documentation names it."""

    @property
    def example(self) -> str:
        """A right value, as written in TOML."""

    def read(self, node: Node, name: str, mistakes: Mistakes) -> T_co | None:
        """Read the value of the key `name`."""

    def schema(self) -> Schema:
        """The value's JSON Schema."""


def kind_of(node: Node) -> str:
    """What a node is, with its article."""
    match node.value:
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date"


def wrong_type(node: Node, name: str, shape: Shape[object], mistakes: Mistakes) -> None:
    """Note that a value has another type than its key."""
    mistakes.add(node.at, f"{name} is {kind_of(node)}, not {_article(shape.title)}", f"write it like {shape.example}")


def _article(title: str) -> str:
    if title.startswith('"'):
        return title
    return f"an {title}" if title[0] in "aeiou" else f"a {title}"


@dataclass(frozen=True, slots=True)
class Text(Generic[T]):
    """A text that `parse` understands; `parse` raises Fault with the index of what it does not.

    Only where `templates` says so may it hold `{{ ... }}`; `parse` then knows which.
    """

    title: str
    example: str
    parse: Callable[[str], T]
    pattern: str | None = None
    templates: bool = False

    def read(self, node: Node, name: str, mistakes: Mistakes) -> T | None:
        if not isinstance(node.value, str):
            wrong_type(node, name, self, mistakes)
            return None
        if "{{" in node.value and not self.templates:
            secret = re.search(r"\{\{\s*secret\b", node.value)
            what = OUTSIDE if secret else f"{name} holds a {{{{ placeholder }}}}"
            remedy = FOR_THESE_ONLY if secret else "write it out; placeholders are for queries and channels"
            mistakes.add(node.spot(node.value.index("{{")), what, remedy)
            return None
        try:
            return self.parse(node.value)
        except Fault as fault:
            mistakes.add(node.spot(fault.index), fault.message, fault.remedy)
            return None

    def schema(self) -> Schema:
        schema: Schema = {"type": "string"}
        return schema | {"pattern": self.pattern} if self.pattern else schema


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    title: str = "boolean"
    example: str = "true"

    def read(self, node: Node, name: str, mistakes: Mistakes) -> bool | None:
        if isinstance(node.value, bool):
            return node.value
        wrong_type(node, name, self, mistakes)
        return None

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int
    example: str
    title: str = "whole number"

    def read(self, node: Node, name: str, mistakes: Mistakes) -> int | None:
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            wrong_type(node, name, self, mistakes)
            return None
        if not self.least <= node.value <= self.most:
            remedy = (
                f"write a whole number from {self.least} to {self.most}"
                if self.least < self.most
                else f"write {self.most}"
            )
            mistakes.add(node.at, f"{name} is out of bounds", remedy)
            return None
        return node.value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One word of a few; `later` are words that a later version will know."""

    noun: str
    words: Mapping[str, T]
    later: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return " or ".join(f'"{word}"' for word in self.words) if len(self.words) < 4 else self.noun

    @property
    def example(self) -> str:
        return f'"{next(iter(self.words))}"'

    def read(self, node: Node, name: str, mistakes: Mistakes) -> T | None:
        if not isinstance(node.value, str):
            wrong_type(node, name, self, mistakes)
        elif node.value in self.words:
            return self.words[node.value]
        elif node.value in self.later:
            mistakes.add(node.at, f'{name} = "{node.value}" is not in this version yet', f"write {self.example}")
        else:
            mistakes.add(node.at, f"{shown(node.value)} is no {self.noun}", suggest(node.value, self.words))
        return None

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class ListOf(Generic[T]):
    """A list without repetitions, never empty."""

    of: Shape[T]
    plural: str

    @property
    def title(self) -> str:
        return f"list of {self.plural}"

    @property
    def example(self) -> str:
        return f"[{self.of.example}]"

    def read(self, node: Node, name: str, mistakes: Mistakes) -> tuple[T, ...] | None:
        if not isinstance(node.value, list):
            wrong_type(node, name, self, mistakes)
            return None
        if not node.value:
            mistakes.add(node.at, f"{name} is empty", f"name at least one, like {self.example}")
            return None
        read = [(item, self.of.read(item, f"an item of {name}", mistakes)) for item in node.value]
        seen: list[T] = []
        for item, value in read:
            if value is not None and value in seen:
                mistakes.add(item.at, f"{shown(str(item.value))} stands twice in {name}", "write it once")
            elif value is not None:
                seen.append(value)
        return tuple(seen) if len(seen) == len(read) else None

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema(), "minItems": 1, "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class OneOrMore(Generic[T]):
    """A value, or a list of them."""

    of: Shape[T]
    plural: str

    @property
    def title(self) -> str:
        return f"{self.of.title} or list of {self.plural}"

    @property
    def example(self) -> str:
        return self.of.example

    def read(self, node: Node, name: str, mistakes: Mistakes) -> tuple[T, ...] | None:
        if isinstance(node.value, list):
            return ListOf(self.of, self.plural).read(node, name, mistakes)
        if not isinstance(node.value, str):
            wrong_type(node, name, self, mistakes)
            return None
        value = self.of.read(node, name, mistakes)
        return None if value is None else (value,)

    def schema(self) -> Schema:
        return {"anyOf": [self.of.schema(), ListOf(self.of, self.plural).schema()]}


@dataclass(frozen=True, slots=True)
class MapOf(Generic[T]):
    """A table whose keys the author chooses; `parse_key` raises Fault for a name that may not be one."""

    title: str
    example: str
    of: Shape[T]
    parse_key: Callable[[str], object]
    key_pattern: str

    def read(self, node: Node, name: str, mistakes: Mistakes) -> dict[str, T] | None:
        if not isinstance(node.value, dict):
            wrong_type(node, name, self, mistakes)
            return None
        values: dict[str, T] = {}
        for key, item in node.value.items():
            value = self.of.read(item, key, mistakes)
            try:
                self.parse_key(key)
            except Fault as fault:
                mistakes.add(item.key_at, fault.message, fault.remedy)
                continue
            if value is not None:
                values[key] = value
        return values

    def schema(self) -> Schema:
        return {
            "type": "object",
            "patternProperties": {self.key_pattern: self.of.schema()},
            "additionalProperties": False,
        }


def words(values: Iterable[T]) -> dict[str, T]:
    """The members of a StrEnum by their words."""
    return {str(value): value for value in values}
