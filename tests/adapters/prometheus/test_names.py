"""Lists of names as Prometheus answers them, and all that is none."""

import json
from collections.abc import Callable

import pytest

from watchdog.adapters.prometheus.answers import read_alert_names, read_names
from watchdog.domain.measurement import FailureReason, QueryFailed


def body(**document: object) -> bytes:
    return json.dumps({"status": "success", **document}).encode()


def test_a_list_of_names_is_read() -> None:
    assert read_names(200, body(data=["a", "b"]), "labels") == ("a", "b")
    assert read_names(200, body(data=[]), "labels") == ()


def test_alerting_rules_are_told_from_recording_rules() -> None:
    rules = [{"name": "Slow", "type": "alerting"}, {"name": "a:b", "type": "recording"}]
    groups = [{"name": "g", "rules": rules}, {"name": "empty", "rules": []}]
    assert read_alert_names(200, body(data={"groups": groups}), "rules") == ("Slow",)


@pytest.mark.parametrize("read", [read_names, read_alert_names])
@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (200, b"<html>Sign in</html>", FailureReason.GARBLED),
        (200, body(data=None), FailureReason.GARBLED),
        (200, body(), FailureReason.GARBLED),
        (200, body(data={"groups": [{"rules": [{"type": "alerting", "name": 7}]}]}), FailureReason.GARBLED),
        (200, body(data={"groups": [{"rules": None}]}), FailureReason.GARBLED),
        (200, body(data=[1, 2]), FailureReason.GARBLED),
        (200, body(data=["a"], warnings=["a store is away"]), FailureReason.PARTIAL),
        (400, b'{"status": "error", "errorType": "bad_data", "error": "no"}', FailureReason.REFUSED),
        (404, b"404 page not found", FailureReason.GARBLED),
        (503, b"", FailureReason.UNAVAILABLE),
    ],
)
def test_what_is_no_list_of_names_is_said_to_be_none(
    read: Callable[[int, bytes, str], object], status: int, answer: bytes, reason: FailureReason
) -> None:
    outcome = read(status, answer, "labels")
    assert isinstance(outcome, QueryFailed)
    assert outcome.reason is reason
