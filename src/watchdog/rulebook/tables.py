"""Keys and tables: how a table of rules.toml is described once, and read, documented and completed from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from watchdog.rulebook.mistakes import Mistakes, nearest, suggest
from watchdog.rulebook.nodes import Node
from watchdog.rulebook.shapes import MapOf, Schema, Shape, wrong_type

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Key(Generic[T_co]):
    """One key of a table: its shape, its meaning, and what holds where it is absent.

    `shown` is the default as the documentation writes it. `later` marks a key that the language has and this version
    has not: it is read for its form, then refused with this remedy.
    """

    name: str
    shape: Shape[T_co]
    meaning: str
    default: T_co
    shown: str = "none"
    required: bool = False
    later: str | None = None

    def schema(self) -> Schema:
        """The key's JSON Schema; a key that is refused is described but matches nothing."""
        if self.later is not None:
            return {"description": f"Not in this version yet. {self.meaning}", "not": {}}
        return {"description": self.meaning} | self.shape.schema()


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A kind of table: its heading, and all keys that it may have. `choices` is its JSON Schema's `oneOf`."""

    heading: str
    noun: str
    keys: tuple[Key[object], ...]
    choices: tuple[Schema, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its keys."""
        return tuple(key.name for key in self.keys)

    def schema(self) -> Schema:
        """The table's JSON Schema."""
        required = [key.name for key in self.keys if key.required]
        schema: Schema = {
            "type": "object",
            "properties": {key.name: key.schema() for key in self.keys},
            "additionalProperties": False,
        }
        return (
            schema | ({"required": required} if required else {}) | ({"oneOf": [*self.choices]} if self.choices else {})
        )


class Fields:
    """A table that was read against its section: values or defaults by key, and where each stands."""

    def __init__(self, node: Node, nodes: dict[str, Node], section: Section, mistakes: Mistakes) -> None:
        self.node = node
        self.nodes = nodes
        self.mistakes = mistakes
        self._values: dict[str, object] = {}
        self._wrong: set[str] = set()
        for name in nodes.keys() - set(section.names):
            mistakes.add(nodes[name].key_at, f'"{name}" is no key of {section.heading}', _elsewhere(name, section))
        for key in section.keys:
            self._read(key, section)

    def _read(self, key: Key[object], section: Section) -> None:
        node = self.nodes.get(key.name)
        if node is None:
            if key.required:
                example = key.shape.example
                remedy = (
                    f"add a table {example}" if key.shape.title == "table of tables" else f"add {key.name} = {example}"
                )
                self.mistakes.add(self.node.key_at, f"the {section.noun} has no {key.name}", remedy)
                self._wrong.add(key.name)
            return
        value = key.shape.read(node, key.name, self.mistakes)
        if value is None:
            self._wrong.add(key.name)
        elif key.later is not None:
            self.mistakes.add(node.key_at, f'"{key.name}" is not in this version yet', key.later)
            self._wrong.add(key.name)
        else:
            self._values[key.name] = value

    def get(self, key: Key[T]) -> T:
        """The key's value, or its default where it is absent or wrong."""
        return cast("T", self._values.get(key.name, key.default))

    def has(self, *keys: Key[object]) -> bool:
        """Whether all these keys are written."""
        return all(key.name in self.nodes for key in keys)

    def fine(self, *keys: Key[object]) -> bool:
        """Whether none of these keys is wrong, so that their values may be compared."""
        return not any(key.name in self._wrong for key in keys)

    def at(self, *keys: Key[object]) -> int:
        """Where the first of these keys that is written has its value; the table's place if none is."""
        return next((self.nodes[key.name].at for key in keys if key.name in self.nodes), self.node.key_at)

    def key_at(self, key: Key[object]) -> int:
        """Where the key itself stands; the table's place if it is absent."""
        node = self.nodes.get(key.name)
        return self.node.key_at if node is None else node.key_at


@dataclass(frozen=True, slots=True)
class TableOf:
    """The shape of a table with its own section."""

    section: Section
    example: str
    title: str = "table"

    def read(self, node: Node, name: str, mistakes: Mistakes) -> Fields | None:
        if isinstance(node.value, dict):
            return Fields(node, node.value, self.section, mistakes)
        wrong_type(node, name, self, mistakes)
        return None

    def schema(self) -> Schema:
        return self.section.schema()


@dataclass(frozen=True, slots=True)
class OpenFields:
    """A table that has keys of its own and, beside them, tables under names that the author chose."""

    own: Fields
    tables: Mapping[str, Fields]


@dataclass(frozen=True, slots=True)
class OpenTable:
    """The shape of such a table: its own section, and the shape of the others."""

    section: Section
    others: MapOf[Fields]
    example: str
    title: str = "table"

    def read(self, node: Node, name: str, mistakes: Mistakes) -> OpenFields | None:
        if not isinstance(node.value, dict):
            wrong_type(node, name, self, mistakes)
            return None
        others = {
            key: item
            for key, item in node.value.items()
            if isinstance(item.value, dict) and key not in self.section.names
        }
        own = {key: item for key, item in node.value.items() if key not in others}
        tables = self.others.read(Node(others, node.at, node.key_at), name, mistakes)
        return OpenFields(Fields(node, own, self.section, mistakes), tables or {})

    def schema(self) -> Schema:
        others = self.others
        names: Schema = {"propertyNames": {"pattern": others.key_pattern}}
        return self.section.schema() | {"additionalProperties": others.of.schema()} | names


_HOMES: dict[str, str] = {}
_A_LETTER = 0.85
"""So much alike that a key of this table was meant, even if another table has one that is spelt like it."""


def home_of_keys(sections: Sequence[Section]) -> None:
    """Remember which section knows which key, for the remedy of a key that stands in the wrong table."""
    for section in sections:
        for name in section.names:
            _HOMES.setdefault(name, section.heading)


def _elsewhere(name: str, section: Section) -> str:
    if misspelt := nearest(name, section.names, _A_LETTER):
        return f'did you mean "{misspelt}"?'
    if name in _HOMES and _HOMES[name] != section.heading:
        return f"it is a key of {_HOMES[name]}"
    return suggest(name, section.names)
