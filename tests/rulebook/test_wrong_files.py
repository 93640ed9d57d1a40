"""Each file in `wrong/` is one way to get rules.toml wrong; the lines `# => ` at its end are the whole answer to it."""

from pathlib import Path

import pytest

from watchdog.rulebook import RulesError, check_rules, read_rules

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.toml"))


def test_there_are_at_least_thirty_wrong_files() -> None:
    assert len(WRONG) >= 30


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_file_is_answered_with_each_place_and_remedy(path: Path) -> None:
    # Bytes, so that line ends stay as they are in the file.
    text = path.read_bytes().decode()
    expected = [f"rules.toml:{line[5:]}" for line in text.splitlines() if line.startswith("# => ")]
    with pytest.raises(RulesError) as error:
        read_rules(text)
    assert [str(mistake) for mistake in error.value.mistakes] == expected
    assert str(error.value) == "\n".join(expected)


def test_a_mistake_bears_the_files_own_name() -> None:
    (mistake,) = check_rules("version = 1\n[guards]\n", "staging.toml").mistakes
    assert str(mistake) == "staging.toml:2:2: there is no guard; add a table [guards.NAME]"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "rules.toml:1:1: the file has no version; add version = 1"),
        (
            "a = [1,",
            "rules.toml:1:8: no TOML: invalid value; "
            "write a text in quotes, a number, true, false, or a list in brackets",
        ),
        ("a = " + "[" * 5000, "rules.toml:1:1: the file is nested too deeply to be read; write flat tables"),
        ("a = " + "9" * 5000, "rules.toml:1:5: a number has too many digits; write a smaller one"),
        ("a = '\ud800'", "rules.toml:1:6: a character is no Unicode; save the file as UTF-8 text"),
        (
            "a = {b = 1}\na.c = 2\n",
            "rules.toml:2:1: no TOML: cannot mutate immutable namespace a; write each key and each table once",
        ),
    ],
)
def test_what_is_hardly_a_file_is_answered_too(text: str, answer: str) -> None:
    assert str(check_rules(text).mistakes[0]) == answer
