"""The recorded positions, held to tomllib: what stands at a place is what was read from it."""

import tomllib
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import given

from watchdog.rulebook.document import read_document
from watchdog.rulebook.mistakes import Fault
from watchdog.rulebook.nodes import Node

BARE = st.text("abcXYZ019_-", min_size=1, max_size=4)
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc"])
BLANK = st.sampled_from(["", " ", "\t", "  "])


def basic(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@st.composite
def keys(draw: st.DrawFn) -> str:
    name = draw(BARE)
    return draw(st.sampled_from([name, f'"{name} é"', f"'{name}.'", f'"\\u0041{name}"']))


@st.composite
def strings(draw: st.DrawFn) -> str:
    text = draw(st.text(CHARACTERS, max_size=8))
    plain = text.replace("'", "")
    quotes = text.replace("\\", "").replace('"', "")
    return draw(
        st.sampled_from(
            [
                basic(text),
                f"'{plain}'",
                f"'''{plain}'''",
                f"'''\n{plain}\nline'''''",
                f'"""\n{quotes}\n""x"""',
                f'"""{quotes} \\\n   \n  more"""""',
                '"\\u00e9\\U0001F600\\t\\\\"',
            ]
        )
    )


SCALARS = st.one_of(
    strings(),
    st.integers(-9999, 9999).map(str),
    st.sampled_from(
        ["1.5", "-2e3", "0xFF", "1_000", "true", "false", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "07:32:00"]
    ),
)


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gap = st.sampled_from(["", " ", "\n", " # a, ] comment\n"])
    items = st.lists(st.tuples(gap, values, gap).map("".join), max_size=3)
    return st.tuples(items.map(",".join), st.sampled_from(["", "\n"])).map(lambda parts: f"[{parts[0]}{parts[1]}]")


def inline_tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.dictionaries(keys(), values, max_size=3).map(
        lambda table: [f"{key} = {value}" for key, value in table.items()]
    )
    return pairs.map(lambda texts: "{ " + ", ".join(texts) + " }")


VALUES = st.recursive(SCALARS, lambda inner: arrays(inner) | inline_tables(inner), max_leaves=5)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 7))):
        path = f"{draw(BLANK)}.{draw(BLANK)}".join(draw(st.lists(keys(), min_size=1, max_size=3)))
        match draw(st.sampled_from(["pair", "pair", "table", "tables", "comment"])):
            case "pair":
                lines.append(f"{draw(BLANK)}{path}{draw(BLANK)}={draw(BLANK)}{draw(VALUES)}{draw(BLANK)}# é = 1")
            case "table":
                lines.append(f"[{draw(BLANK)}{path}{draw(BLANK)}]")
            case "tables":
                lines.append(f"[[{path}]]")
            case _:
                lines.append('# a = "b')
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def plain(node: Node) -> object:
    match node.value:
        case dict():
            return {key: plain(item) for key, item in node.value.items()}
        case list():
            return [plain(item) for item in node.value]
    return node.value


def all_nodes(node: Node, name: str | None = None) -> Iterator[tuple[str | None, Node]]:
    yield name, node
    if isinstance(node.value, dict):
        for key, item in node.value.items():
            yield from all_nodes(item, key)
    elif isinstance(node.value, list):
        for item in node.value:
            yield from all_nodes(item)


def reads_as(text: str, value: object) -> bool:
    try:
        return tomllib.loads(f"value = {text}") == {"value": value}
    except tomllib.TOMLDecodeError:
        return False


def key_reads_as(text: str, name: str) -> bool:
    try:
        return tomllib.loads(f"{text} = 1") == {name: 1}
    except tomllib.TOMLDecodeError:
        return False


@given(documents())
def test_what_stands_at_a_recorded_place_is_what_tomllib_read(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(Fault):
            read_document(text)
        return
    root = read_document(text)
    assert plain(root) == expected
    for name, node in all_nodes(root):
        if name is not None:
            assert any(key_reads_as(text[node.key_at : end], name) for end in range(node.key_at, len(text) + 1))
        if node is not root and not (isinstance(node.value, dict | list) and text[node.at] not in "[{"):
            assert any(reads_as(text[node.at : end], plain(node)) for end in range(node.at, len(text) + 1))


@given(st.text(CHARACTERS, max_size=20))
def test_each_character_of_a_text_knows_its_place(text: str) -> None:
    node = read_document(f"key = {basic(text)}").value
    assert isinstance(node, dict)
    assert node["key"].value == text
    source = f"key = {basic(text)}"
    for index, character in enumerate(text):
        spot = node["key"].spot(index)
        assert source[spot] == ("\\" if character in '\\"\n' else character)
    assert source[node["key"].spot(len(text))] == '"'


def test_a_table_stands_where_its_own_header_does_even_if_its_child_came_first() -> None:
    text = "[a.b]\nx = 1\n[a]\ny = 2\n"
    tables = read_document(text).value
    assert isinstance(tables, dict)
    assert tables["a"].key_at == text.index("[a]\n") + 1


def test_arrays_of_tables_are_read_and_placed() -> None:
    text = "[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 2\n"
    root = read_document(text)
    assert plain(root) == tomllib.loads(text)
