"""One table of keys: the reader, the JSON Schema and docs/rules.md say the same."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rulebook.test_reading import DESIGN, SHIPPED
from rulebook.texts import a_rule, a_text
from watchdog.domain.channels import Topic
from watchdog.domain.rules import SIDECARS, Sign
from watchdog.rulebook import check_rules, schema
from watchdog.rulebook.channel_urls import NATIVE_HOSTS, SCHEMES
from watchdog.rulebook.keys import SECTIONS
from watchdog.rulebook.presets import PRESETS
from watchdog.rulebook.promql import VARIABLES
from watchdog.rulebook.tables import Section

DOCS = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
WRONG = Path(__file__).parent / "wrong"


def complaints(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(tomllib.loads(text))]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.heading)
def test_the_documentation_has_every_key_with_its_type_and_default(section: Section) -> None:
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in section.keys:
        meaning = f"Not in this version yet. {key.meaning}" if key.later else key.meaning
        rows.append(f"| `{key.name}` | {key.shape.title} | {key.shown} | {meaning} |")
    assert "\n".join(rows) in DOCS


@pytest.mark.parametrize("word", [*Sign, *Topic, *PRESETS, *SIDECARS, *SCHEMES, *NATIVE_HOSTS])
def test_the_documentation_has_every_word_that_the_language_knows(word: str) -> None:
    assert f"`{word}`" in DOCS


def test_the_documentation_has_every_variable() -> None:
    assert all(f"`{{{{ {name} }}}}`" in DOCS for name in VARIABLES)


def test_the_documentations_toml_is_right() -> None:
    snippets = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert snippets
    for snippet in snippets:
        assert (
            check_rules(
                a_text(
                    channel="" if "[channels.releases]" in snippet else '[channels.releases]\nurl = "{{ secret.U }}"',
                    rest=snippet,
                )
            ).mistakes
            == ()
        )


def properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in node.get("properties", {}).items():
        yield name, child
        yield from properties(child)
    for child in node.get("patternProperties", {}).values():
        yield from properties(child)


def test_the_schema_is_one_and_has_every_key_with_its_meaning() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    found = [(name, child.get("description", "")) for name, child in properties(schema())]
    for section in SECTIONS:
        for key in section.keys:
            assert any(name == key.name and key.meaning in description for name, description in found)


@pytest.mark.parametrize("text", [SHIPPED, DESIGN, a_text()], ids=["shipped", "design", "built"])
def test_the_schema_accepts_what_the_reader_accepts(text: str) -> None:
    assert check_rules(text).mistakes == ()
    assert complaints(text) == []


@pytest.mark.parametrize(
    "text",
    [
        a_text("intervall = '15s'"),
        a_text("bake = '10'"),
        a_text("confidence = '0.999'"),
        a_text("confidence = '49%'"),
        a_text(rule=a_rule("alerts = []")),
        a_text(rule=a_rule("alerts = ['']")),
        a_text(rule=a_rule("alerts = ['x']\nlabels = { alertname = 'y' }")),
        a_text(rule=a_rule("when = 'http_error_rate > 5% for 1m'")),
        a_text(rule=a_rule("when = 'x > 5'\nsigns = ['oom-killed']")),
        a_text(rule=a_rule("signs = ['oom']")),
        a_text("targets = ['production/deployment/web']"),
        a_text(rest="[metrics.x]\nkind = 'gauge'\ncounter = 'x'"),
        a_text(rest="[metrics.x]\nkind = 'ratio'\nbad = 'x'"),
        a_text(channel="[channels.releases]\npagerduty = { routing_key = 'abc' }"),
        a_text().replace("version = 1", "version = 2"),
    ],
)
def test_the_schema_refuses_what_an_editor_should_underline(text: str) -> None:
    assert check_rules(text).mistakes
    assert complaints(text)


def test_the_schema_refuses_nothing_that_the_reader_takes() -> None:
    # The other way round is not promised: the reader knows more (names, units, PromQL) than a schema can say.
    rules = [
        a_rule(f"when = '{when}'")
        for when in ("p95( http_latency ) >= baseline + 5ms", "cpu>1.5x baseline", "http_error_rate > 5 %")
    ]
    probes = [a_rule("probe = { port = 8080, expect = [200, '204-206'], headers = { X-A = 'b' } }\nfailures = 2")]
    alerts = [a_rule("alerts = ['CheckoutErrorsHigh', 'über %']\nlabels = { severity = ['critical', ''], team = 'a' }")]
    for rule in rules + probes + alerts:
        assert check_rules(a_text(rule=rule)).mistakes == ()
        assert complaints(a_text(rule=rule)) == []
