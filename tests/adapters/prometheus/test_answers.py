"""What an answer says of its failure is one line that can be shown anywhere."""

import json
import tracemalloc

import pytest

from watchdog.adapters.prometheus.answers import read_answer
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed


def test_escape_sequences_in_an_error_are_written_out() -> None:
    body = json.dumps(
        {"status": "error", "errorType": "bad_data", "error": "\x1b[31mred\u202e\n" + "x" * 5000}
    ).encode()
    failed = read_answer(400, body, "up")
    assert isinstance(failed, QueryFailed)
    assert failed.detail.startswith("HTTP 400: \\x1b[31mred\\u202e x")
    assert failed.detail.isprintable()
    assert len(failed.detail) == 300


def a_matrix(*series: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()


def a_series(samples: int, **labels: str) -> dict[str, object]:
    return {"metric": labels, "values": [[1764355000.25 + 15 * n, str(n / 7)] for n in range(samples)]}


@pytest.mark.parametrize("samples", [0, 1, 8, 9, 100])
def test_a_series_has_its_samples_however_many_they_are(samples: int) -> None:
    answer = read_answer(200, a_matrix(a_series(samples, pod="a"), a_series(1, pod="b")), "up[1h]")
    assert isinstance(answer, Answer)
    expected = tuple((1764355000.25 + 15 * n, n / 7) for n in range(samples))
    assert [one.labels for one in answer.series] == [{"pod": "a"}, {"pod": "b"}]
    assert answer.series[0].samples == expected
    assert tuple(answer.series[0].samples) == expected


def test_a_long_answer_is_never_there_as_json_in_whole() -> None:
    body = a_matrix(*(a_series(40, pod=f"pod-{n}", le=str(n)) for n in range(200)))
    tracemalloc.start()
    try:
        answer = read_answer(200, body, "up[10m]")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(answer, Answer)
    assert peak < 4 * len(body)  # as lists and texts its samples alone are seven times that


@pytest.mark.parametrize(
    "odd",
    [
        {"metric": {"pod": 1}, "values": [[1, "1"]]},
        {"metric": ["pod"], "values": [[1, "1"]]},
        {"metric": {}, "values": [["1", "1"]]},
        {"metric": {}, "values": [[1, 1]]},
        {"metric": {}, "values": [[1, "one"]]},
        {"metric": {}, "values": [[1]]},
        {"metric": {}, "values": 3},
        {"metric": {}, "values": [[1, "1"]], "histograms": []},
        {"values": [[1, "1"]]},
        {"metric": {}},
    ],
)
def test_one_odd_series_makes_the_answer_garbled(odd: object) -> None:
    failed = read_answer(200, a_matrix(a_series(2, pod="a"), odd), "up")
    assert isinstance(failed, QueryFailed)
    assert failed.reason is FailureReason.GARBLED
    assert failed.detail.startswith("no answer of the Prometheus API: ")


def test_labels_may_be_named_as_the_parts_of_a_series_are() -> None:
    answer = read_answer(200, a_matrix(a_series(2, metric="m", values="v")), "up")
    assert isinstance(answer, Answer)
    assert answer.series[0].labels == {"metric": "m", "values": "v"}
