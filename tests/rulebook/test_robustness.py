"""Whatever the file holds, the answer is a rulebook or RulesError with places inside the file."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from rulebook.test_reading import DESIGN, SHIPPED
from rulebook.texts import a_rule, a_text
from watchdog.rulebook import Mistake, RulesError, read_rules
from watchdog.rulebook.keys import SECTIONS

CHARACTERS = st.characters(codec=None)
WORDS = sorted({key.name for section in SECTIONS for key in section.keys})
FRAGMENTS = st.sampled_from(
    [
        *WORDS,
        '"',
        "'",
        '"""',
        "[",
        "]",
        "{",
        "}",
        "{{",
        "}}",
        "=",
        ",",
        ".",
        "#",
        "\n",
        "\r\n",
        "\\",
        "5",
        "5%",
        "-1",
        "true",
        "guards",
        "[[rules]]",
        "[metrics]",
        "{}",
        "[]",
        "1979-05-27",
        "nan",
        "inf",
        '""',
        "{{ secret.X }}",
        "{{ pods }}",
        "é",
        "\0",
    ]
)


def answer(text: str) -> None:
    lines = text.replace("\r\n", "\n").split("\n")
    mistakes = mistakes_of(text)
    places = [(mistake.line, mistake.column) for mistake in mistakes]
    assert places == sorted(places)
    for line, column in places:
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1


def mistakes_of(text: str) -> tuple[Mistake, ...]:
    try:
        read_rules(text)
    except RulesError as error:
        return error.mistakes
    return ()


@given(st.text(CHARACTERS))
def test_any_text_is_answered(text: str) -> None:
    answer(text)


@given(st.lists(FRAGMENTS | st.text(max_size=3), max_size=20).map(" ".join))
def test_any_heap_of_the_languages_words_is_answered(text: str) -> None:
    answer(text)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([SHIPPED, DESIGN]))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 0, 1, 2, 10, 100]))
        text = text[:start] + draw(FRAGMENTS | st.just("")) + text[start + length :]
    return text


@settings(max_examples=300)
@given(mutations())
def test_any_mutation_of_a_right_file_is_answered(text: str) -> None:
    answer(text)


@st.composite
def swapped_lines(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from([SHIPPED, DESIGN])).split("\n")
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "value", "copy"])):
            case "drop":
                del lines[place]
            case "copy":
                lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
            case _:
                values = [line.partition("=")[2] for line in lines if " = " in line and not line.startswith("#")]
                lines[place] = lines[place].partition("=")[0] + "=" + draw(st.sampled_from(values))
    return "\n".join(lines)


@settings(max_examples=300)
@given(swapped_lines())
def test_any_value_under_any_key_is_answered(text: str) -> None:
    answer(text)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 1990 + "x" + ")" * 1990,
        "-" * 3900 + "x",
        "1" + "+1" * 1900,
        "x" + "[5m:1m]" * 500,
        "sum(" * 45 + "x" + ")" * 45,
        "-x" * 100,
        "x " * 1900,
    ],
)
def test_no_query_brings_the_native_parser_down(query: str) -> None:
    answer(a_text(rule=a_rule('when = "own > 5"'), rest=f'[metrics.own]\nkind = "gauge"\nquery = "{query}"\n'))
