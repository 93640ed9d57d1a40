"""Whatever a cluster's names hold, the file stays TOML and a comment stays one."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from watchdog.survey import toml_text as toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_a_text_is_read_back_as_it_was(value: str) -> None:
    assert tomllib.loads(f"it = {toml.text(value)}")["it"] == value


@given(st.lists(TEXTS))
def test_a_list_is_read_back_as_it_was(values: list[str]) -> None:
    assert tomllib.loads(f"it = {toml.array(values)}")["it"] == values


@given(st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(0, 65535), st.dictionaries(TEXTS, TEXTS))))
def test_an_inline_table_is_read_back_as_it_was(table: dict[str, str | int | dict[str, str]]) -> None:
    assert tomllib.loads(f"it = {toml.inline(table)}")["it"] == table


@given(st.text())
def test_nothing_ends_a_comment(sentence: str) -> None:
    lines = toml.comment(sentence, bullet="- ")
    assert all(line.startswith("# ") for line in lines)
    assert tomllib.loads("\n".join(lines)) == {}


def test_a_comment_is_wrapped_and_its_bullet_hangs() -> None:
    lines = toml.comment("word " * 60, bullet="- ")
    assert len(lines) > 2
    assert all(len(line) <= toml.WIDTH for line in lines)
    assert [line[:4] for line in lines[:2]] == ["# - ", "#   "]
