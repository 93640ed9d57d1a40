"""What an answer says of its failure is one line that can be shown anywhere."""

import json

from watchdog.adapters.prometheus.answers import read_answer
from watchdog.domain.measurement import QueryFailed


def test_escape_sequences_in_an_error_are_written_out() -> None:
    body = json.dumps(
        {"status": "error", "errorType": "bad_data", "error": "\x1b[31mred\u202e\n" + "x" * 5000}
    ).encode()
    failed = read_answer(400, body, "up")
    assert isinstance(failed, QueryFailed)
    assert failed.detail.startswith("HTTP 400: \\x1b[31mred\\u202e x")
    assert failed.detail.isprintable()
    assert len(failed.detail) == 300
