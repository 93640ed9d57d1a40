"""docs/rule-tests.md says what the reader reads: every key, and files that are right."""

import re
from pathlib import Path

import pytest

from replay.rule_tests.suites import read, results
from watchdog.domain.judge import Finding
from watchdog.domain.rules import Sign
from watchdog.replay.rule_tests.expectations import OUTCOMES
from watchdog.replay.rule_tests.keys import SECTIONS
from watchdog.replay.rule_tests.series_texts import PLACEHOLDERS
from watchdog.rulebook.tables import Section

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "rule-tests.md").read_text(encoding="utf-8")
SHIPPED = (ROOT / "rules.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.heading)
def test_the_documentation_has_every_key_with_its_type_and_default(section: Section) -> None:
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    rows += [f"| `{key.name}` | {key.shape.title} | {key.shown} | {key.meaning} |" for key in section.keys]
    assert "\n".join(rows) in DOCS, "\n".join(rows)


@pytest.mark.parametrize("word", [*Finding, *OUTCOMES, *Sign])
def test_the_documentation_has_every_word(word: str) -> None:
    assert word in DOCS


def test_the_documentation_has_every_placeholder() -> None:
    assert all(f"`{{{{ {name} }}}}`" in DOCS for name in PLACEHOLDERS)


def test_the_documentations_files_are_right_and_say_what_they_show() -> None:
    snippets = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert len(snippets) >= 3
    for snippet in snippets:
        assert read(snippet, SHIPPED).mistakes == ()
    passed = [all(result.passed for result in results(snippet, SHIPPED)) for snippet in snippets]
    assert passed == [True] * len(snippets)
