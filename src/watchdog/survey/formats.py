"""Findings as people, pull requests and code scanners read them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from watchdog import __version__
from watchdog.adapters.logs import printable
from watchdog.rulebook import Report
from watchdog.survey.findings import Finding, Kind, Level

Json = dict[str, Any]

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def findings_of(report: Report) -> tuple[Finding, ...]:
    """What a reading found. What is hardly meant is only said of a file that is right: a mistake may be the cause."""
    mistakes = tuple(
        Finding(Kind.MISTAKE, Level.ERROR, one.message, one.remedy, one.line, one.column) for one in report.mistakes
    )
    return mistakes or tuple(
        Finding(Kind.DOUBTFUL, Level.WARNING, one.message, one.remedy, one.line, one.column) for one in report.warnings
    )


def as_text(findings: Iterable[Finding], path: Path) -> Iterable[str]:
    """One line each, as compilers write them, so that editors jump to the place."""
    for one in findings:
        place = f"{path}:{one.line}:{one.column}" if one.line else str(path)
        level = "" if one.level is Level.ERROR else f" ({one.level})"
        yield printable(f"{place}: {one.text}{level}")


def as_json(findings: Iterable[Finding]) -> list[Json]:
    """One object each."""
    return [
        {
            "kind": one.kind.value,
            "level": one.level.value,
            "message": one.message,
            "remedy": one.remedy,
            "line": one.line or None,
            "column": one.column or None,
            "targets": list(one.targets),
        }
        for one in findings
    ]


def as_annotations(findings: Iterable[Finding], path: Path) -> Iterable[str]:
    """Workflow commands of GitHub Actions: each becomes an annotation at its line of the pull request."""
    for one in findings:
        place = f",line={one.line},col={one.column}" if one.line else ""
        properties = f"file={_property(_relative(path))}{place},title={_property(f'watchdog check: {one.kind}')}"
        yield f"::{_COMMANDS[one.level]} {properties}::{_escaped(printable(one.text))}"


def as_sarif(checked: Iterable[tuple[Path, Sequence[Finding]]]) -> str:
    """A SARIF 2.1.0 log of one run, for code scanning."""
    found = [(path, one) for path, findings in checked for one in findings]
    kinds = sorted({one.kind for _, one in found})
    driver = {
        "name": "watchdog check",
        "version": __version__,
        "rules": [{"id": kind.value, "shortDescription": {"text": kind.description}} for kind in kinds],
    }
    results = [_result(one, kinds.index(one.kind), path) for path, one in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(one: Finding, index: int, path: Path) -> Json:
    location: Json = {"artifactLocation": {"uri": _relative(path)}}
    if one.line:
        location["region"] = {"startLine": one.line, "startColumn": one.column}
    return {
        "ruleId": one.kind.value,
        "ruleIndex": index,
        "level": one.level.value,
        "message": {"text": one.text},
        "locations": [{"physicalLocation": location}],
    }


def _relative(path: Path) -> str:
    """As seen from where the check runs, which in a pipeline is the repository's root."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
