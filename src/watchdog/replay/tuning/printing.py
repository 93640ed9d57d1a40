"""What tuning found, as a patch for people or as JSON for programs."""

import json
from collections.abc import Mapping
from typing import Any

from watchdog.replay.rendering.wording import headline, moment, plural
from watchdog.replay.report import Report, Severity
from watchdog.replay.tuning.patching import patch
from watchdog.replay.tuning.scoring import Score
from watchdog.replay.tuning.searching import Suggestion
from watchdog.replay.tuning.session import Tuned


def printed(tuned: Tuned, text: str, name: str, output: str) -> str:
    """The text of a format, with its last line's end."""
    if output == "json":
        return json.dumps(document(tuned, text, name), allow_nan=False) + "\n"
    return patch(text, name, tuned.suggestions, _summary(tuned))


def closing(tuned: Tuned, written: str, output: str) -> str:
    """What is said where the patch went to a file."""
    changed = [suggestion.rule for suggestion in tuned.suggestions if suggestion.values]
    if not changed:
        return f"no change is suggested; {written} says why, rule by rule"
    how = f"; take it up with: git apply {written}" if output == "patch" else ""
    return f"{written} changes {', '.join(changed)}{how}"


def _summary(tuned: Tuned) -> list[str]:
    report = tuned.report
    stretch = f"{moment(report.since)} to {moment(report.until)} UTC"
    counts = f"{plural(len(report.real), 'switch', 'switches')} and {plural(len(report.placebos), 'quiet window')}"
    warned = [f"warning: {one}" for one in _warnings(report)]
    lines = [f"watchdog tune: {counts}, {stretch}", *warned, f"as it is: {headline(report)}"]
    if tuned.comparison is None:
        return [*lines, "no change is suggested"]
    return [
        *lines,
        f"with this patch: {headline(tuned.comparison.new)}",
        f"replayed in full: {tuned.comparison.summary}",
    ]


def _warnings(report: Report) -> list[str]:
    """What was asked for and is missing from the past that was replayed."""
    missing = [note for note in report.notes if note.severity is Severity.WARNING]
    return [f"{note.target}: {note.text}" if note.target else note.text for note in missing]


def document(tuned: Tuned, text: str, name: str) -> Mapping[str, Any]:
    """Every rule with its suggestion and its front, and the patch."""
    return {
        "rules_file": name,
        "digest": tuned.report.digest,
        "since": tuned.report.since.isoformat(),
        "until": tuned.report.until.isoformat(),
        "warnings": _warnings(tuned.report),
        "rules": [_rule(suggestion) for suggestion in tuned.suggestions],
        "replayed_in_full": tuned.comparison.summary if tuned.comparison is not None else None,
        "patch": patch(text, name, tuned.suggestions, _summary(tuned)),
    }


def _rule(suggestion: Suggestion) -> Mapping[str, Any]:
    return {
        "rule": suggestion.rule,
        "suggested": {value.axis: value.shown for value in suggestion.values},
        "reason": suggestion.reason,
        "front": [
            {"setting": {value.axis: value.shown for value in tried.values}, **_score(tried.score)}
            for tried in suggestion.front
        ],
    }


def _score(score: Score) -> Mapping[str, Any]:
    return {
        "bad": score.bad,
        "missed": score.missed,
        "clean": score.clean,
        "false_alarms": score.false_alarms,
        "mean_seconds": score.seconds,
    }
