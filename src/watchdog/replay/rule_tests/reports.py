"""The results of a file's tests: as lines for people, as JSON, and as JUnit XML for CI."""

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from watchdog.replay.rule_tests.checking import Checked, Result
from watchdog.replay.rule_tests.failing import why_failed


def lines_of(results: Sequence[Result], filename: str, *, verbose: bool = False) -> Iterator[str]:
    """One line for each test, and beneath a failed one why."""
    for result in results:
        case = result.run.case
        word = "ok    " if result.passed else "FAILED"
        yield f"{word}  {case.name}" + ("" if result.passed else f"  ({filename}:{case.line}, guard {case.guard.name})")
        if verbose:
            yield from (f"        {_label(one)}" for one in result.checked if one.met)
        yield from (f"        {line}" for line in why_failed(result.checked, result.run))
    yield total_of(results, filename)


def total_of(results: Sequence[Result], filename: str) -> str:
    """The last line: how many tests there were, and how many failed."""
    failed = sum(not result.passed for result in results)
    many = f"{len(results)} test{'' if len(results) == 1 else 's'}"
    return f"{filename}: {many}, {failed} failed" if failed else f"{filename}: {many}, all passed"


def json_of(results: Sequence[Result], filename: str, rules: str) -> dict[str, Any]:
    """The same as one JSON object; moments are seconds from the switch."""
    return {
        "file": filename,
        "rules": rules,
        "passed": sum(result.passed for result in results),
        "failed": sum(not result.passed for result in results),
        "tests": [_test(result) for result in results],
    }


def _test(result: Result) -> dict[str, Any]:
    run = result.run
    return {
        "name": run.case.name,
        "line": run.case.line,
        "guard": run.case.guard.name,
        "passed": result.passed,
        "expectations": [
            {
                "rule": one.rule or None,
                "expected": one.expected,
                "met": one.met,
                "failure": one.failure or None,
                "explained": None if one.met else [*why_failed([one], run)][1:],
            }
            for one in result.checked
        ],
        "breaches": {
            name: course.breach.at.total_seconds() for name, course in run.courses.items() if course.breach is not None
        },
        "outcome": None if run.way is None else {"outcome": run.way.outcome, "at": run.way.at.total_seconds()},
    }


def junit_of(results: Sequence[Result], filename: str) -> str:
    """JUnit XML: a suite for the file, a case for each test."""
    failed = sum(not result.passed for result in results)
    seconds = sum(result.seconds for result in results)
    counts = {
        "tests": str(len(results)),
        "failures": str(failed),
        "errors": "0",
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": "watchdog test", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": filename, **counts})
    for result in results:
        case = result.run.case
        element = ET.SubElement(
            suite,
            "testcase",
            {
                "classname": case.guard.name,
                "name": _xml(case.name),
                "file": filename,
                "line": str(case.line),
                "time": f"{result.seconds:.3f}",
            },
        )
        failures = [one for one in result.checked if not one.met]
        if failures:
            failure = ET.SubElement(element, "failure", {"type": "expectation", "message": _message(failures)})
            failure.text = _xml("\n".join(why_failed(failures, result.run)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _message(failures: Sequence[Checked]) -> str:
    return _xml("; ".join(f"{one.rule}: {one.failure}" if one.rule else one.failure for one in failures))


def _label(one: Checked) -> str:
    return f"{one.rule}: {one.expected}" if one.rule else one.expected


def _xml(text: str) -> str:
    """Without characters that XML cannot hold."""
    return "".join(character if character.isprintable() or character in "\n\t" else "\ufffd" for character in text)
