"""Findings as pull requests and code scanners read them."""

import json
from pathlib import Path

import jsonschema
import pytest

from watchdog.rulebook import check_rules
from watchdog.survey.findings import Finding, Kind, Level, in_order
from watchdog.survey.formats import as_annotations, as_json, as_sarif, as_text, findings_of

PATH = Path("deploy/rules.toml")
BLIND = Finding(
    Kind.BLIND_RULE, Level.ERROR, "rule a is blind", "did you mean b?", 30, 8, targets=("production/deployment/x",)
)
NOWHERE = Finding(Kind.NO_PROMETHEUS, Level.WARNING, "Prometheus does not answer")
NOTE = Finding(Kind.TIME_TO_SAFETY, Level.NOTE, "guard g: 10 min", "", 4, 1)

# The parts of SARIF 2.1.0's schema that a log of this size touches, as the standard has them.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": {
                                                    "type": "object",
                                                    "required": ["text"],
                                                    "properties": {"text": {"type": "string"}},
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {
                                    "type": "object",
                                    "required": ["text"],
                                    "properties": {"text": {"type": "string"}},
                                },
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "additionalProperties": False,
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {"type": "string", "format": "uri-reference"}
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "startColumn": {"type": "integer", "minimum": 1},
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_text_is_a_line_each_as_compilers_write_it() -> None:
    assert list(as_text([NOWHERE, NOTE, BLIND], PATH)) == [
        "deploy/rules.toml: Prometheus does not answer (warning)",
        "deploy/rules.toml:4:1: guard g: 10 min (note)",
        "deploy/rules.toml:30:8: production/deployment/x: rule a is blind; did you mean b?",
    ]


def test_annotations_land_on_the_line_with_their_level() -> None:
    assert list(as_annotations([NOWHERE, NOTE, BLIND], PATH)) == [
        "::warning file=deploy/rules.toml,title=watchdog check%3A no-prometheus::Prometheus does not answer",
        "::notice file=deploy/rules.toml,line=4,col=1,title=watchdog check%3A time-to-safety::guard g: 10 min",
        "::error file=deploy/rules.toml,line=30,col=8,title=watchdog check%3A blind-rule::"
        "production/deployment/x: rule a is blind; did you mean b?",
    ]


def test_an_annotation_cannot_be_broken_out_of() -> None:
    hostile = Finding(Kind.MISTAKE, Level.ERROR, "50 % \r\n::warning::no, \x1b[31mred", "", 1, 1)
    (line,) = as_annotations([hostile], Path("a,b:c%.toml"))
    assert "\n" not in line
    assert "\r" not in line
    assert "\x1b" not in line
    assert line.startswith("::error file=a%2Cb%3Ac%25.toml,line=1,col=1,")
    assert line.count("::") == 4, "two of its own, and two that stand in its message"
    assert "50 %25 " in line


def test_a_path_is_told_from_where_the_check_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (inside,) = as_annotations([BLIND], tmp_path / "deploy" / "rules.toml")
    (outside,) = as_annotations([BLIND], Path("/elsewhere/rules.toml"))
    assert "file=deploy/rules.toml," in inside
    assert "file=/elsewhere/rules.toml," in outside


@pytest.mark.parametrize("findings", [[], [BLIND], [NOWHERE, NOTE, BLIND, BLIND]], ids=len)
def test_sarif_has_the_shape_of_its_schema(findings: list[Finding]) -> None:
    log = json.loads(as_sarif([(PATH, findings)]))
    jsonschema.Draft7Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(findings)
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_sarif_leaves_the_region_out_where_there_is_no_place() -> None:
    (result,) = json.loads(as_sarif([(PATH, [NOWHERE])]))["runs"][0]["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "deploy/rules.toml"}}}]


def test_json_has_all_targets_and_text_some() -> None:
    many = in_order(
        Finding(Kind.BLIND_RULE, Level.ERROR, "blind", "", 1, 1, targets=(f"a/deployment/{name}",)) for name in "edcba"
    )
    (whole,) = as_json(many)
    assert whole["targets"] == [f"a/deployment/{name}" for name in "abcde"]
    (line,) = as_text(many, PATH)
    assert line == "deploy/rules.toml:1:1: a/deployment/a, a/deployment/b, a/deployment/c and 2 more: blind"


def test_what_is_hardly_meant_flows_through_with_its_severity() -> None:
    text = 'version = 1\n[guards.a]\ntargets = ["x/deployment/y"]\nrules = ["errors"]\n[rules.errors]\n' + (
        'when = "p95(http_latency) > 40ms"\n[rules.unused]\nwhen = "cpu > 2x baseline"\n[metrics]\npreset = "express"\n'
    )
    findings = findings_of(check_rules(text))
    assert {(finding.kind, finding.level) for finding in findings} == {(Kind.DOUBTFUL, Level.WARNING)}
    lines = list(as_annotations(findings, PATH))
    assert any(line.startswith("::warning") and "no guard uses rule" in line for line in lines)
    assert any("a limit of 40 ms is judged at the bucket 100 ms" in line for line in lines)


def test_every_kind_is_described_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "check.md").read_text()
    for kind in Kind:
        assert kind.description
        assert f"`{kind.value}`" in page, kind
