"""The past's `MetricSource`: polite to Prometheus, and plain about what it answered."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from replay.standin import Answer, data, standing_in
from watchdog.adapters.prometheus.cache import AnswerCache, Key
from watchdog.adapters.prometheus.dialects import AS_OF_NOW
from watchdog.adapters.prometheus.history import MOST_POINTS, HistoryPrometheus
from watchdog.adapters.prometheus.shown import Asked, Resolved, Shown
from watchdog.adapters.secrets import SecretMissing
from watchdog.domain.measurement import Answer as Answered
from watchdog.domain.measurement import FailureReason, QueryFailed, Series

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


def asked(
    url: str,
    *questions: tuple[str, datetime],
    cache: AnswerCache | None = None,
    max_samples: int | None = None,
    shown: Shown | None = None,
) -> tuple[list[Answered | QueryFailed], HistoryPrometheus]:
    async def main() -> tuple[list[Answered | QueryFailed], HistoryPrometheus]:
        async with HistoryPrometheus(url, until=NOW, cache=cache, max_samples=max_samples, shown=shown) as source:
            return [await source.query(query, at, deadline=5.0) for query, at in questions], source

    return asyncio.run(main())


def counting(answer: Answer) -> tuple[Callable[[str, dict[str, str]], Answer], list[dict[str, str]]]:
    seen: list[dict[str, str]] = []

    def handle(_path: str, parameters: dict[str, str]) -> Answer:
        seen.append(parameters)
        return answer

    return handle, seen


TIMED_OUT = '{"status":"error","errorType":"timeout","error":"slow"}'
UP = data([{"metric": {"job": "a"}, "values": [[1.0, "1"], [16.0, "NaN"]]}])


def test_a_range_vectors_samples_come_as_they_are() -> None:
    handle, seen = counting(UP)
    with standing_in(handle) as url:
        (answer,), _ = asked(url, ("up[1m]", LONG_AGO))
    assert isinstance(answer, Answered)
    assert answer.series[0].labels == {"job": "a"}
    assert answer.series[0].samples[0] == (1.0, 1.0)
    assert seen == [{"query": "up[1m]", "time": f"{LONG_AGO.timestamp():.3f}", **AS_OF_NOW}]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, "application/json", '{"status":"success"}'), FailureReason.GARBLED),
        (
            (200, "application/json", '{"status":"error","errorType":"timeout","error":"slow"}'),
            FailureReason.UNAVAILABLE,
        ),
        ((200, "text/html", "<html>"), FailureReason.GARBLED),
        ((400, "application/json", '{"status":"error","errorType":"bad_data","error":"x"}'), FailureReason.REFUSED),
        ((401, "text/plain", "no"), FailureReason.REFUSED),
        ((503, "text/plain", "later"), FailureReason.UNAVAILABLE),
        (data([], warnings=["partial response"]), FailureReason.PARTIAL),
        (
            (
                200,
                "application/json",
                '{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}',
            ),
            FailureReason.PARTIAL,
        ),
    ],
)
def test_what_is_no_whole_answer_is_a_failure_of_its_kind_and_asked_once(answer: Answer, reason: FailureReason) -> None:
    handle, seen = counting(answer)
    with standing_in(handle) as url:
        (outcome,), _ = asked(url, ("up", LONG_AGO))
    assert isinstance(outcome, QueryFailed)
    assert outcome.reason is reason
    assert len(seen) == 1


def test_a_range_of_too_many_points_goes_out_in_pieces_that_join() -> None:
    seen: list[dict[str, str]] = []

    def answer(_path: str, parameters: dict[str, str]) -> Answer:
        seen.append(parameters)
        return data([{"metric": {"job": "a"}, "values": [[float(parameters["start"]), "1"]]}])

    async def main(url: str) -> Answered | QueryFailed:
        async with HistoryPrometheus(url, until=NOW) as source:
            end = LONG_AGO + timedelta(seconds=15 * (MOST_POINTS + 5))
            return await source.query_range("up", LONG_AGO, end, 15.0, deadline=5.0)

    with standing_in(answer) as url:
        outcome = asyncio.run(main(url))
    assert len(seen) == 2
    first, second = seen
    assert float(second["start"]) - float(first["end"]) == 15.0
    assert (float(first["end"]) - float(first["start"])) / 15.0 == MOST_POINTS - 1
    assert isinstance(outcome, Answered)
    assert len(outcome.series) == 1
    assert len(outcome.series[0].samples) == 2


def test_an_answer_that_has_settled_is_kept_and_a_young_one_is_not(tmp_path: Path) -> None:
    handle, seen = counting(UP)
    old, young = ("up[1m]", LONG_AGO), ("up[1m]", NOW - timedelta(minutes=5))
    with standing_in(handle) as url:
        for _ in range(2):
            answers, source = asked(url, old, young, cache=AnswerCache(tmp_path, url, NOW.timestamp()))
        elsewhere, _ = asked(url, old, cache=AnswerCache(tmp_path, "http://another", NOW.timestamp()))
    assert len(seen) == 2 + 1 + 1
    assert source.spent.from_cache == 1
    kept, fresh = (repr(answer) for answer in (answers[0], elsewhere[0]))
    assert kept == fresh  # NaN and all; a NaN equals nothing, so by its looks


def test_a_failure_is_never_kept(tmp_path: Path) -> None:
    handle, seen = counting((503, "text/plain", "later"))
    with standing_in(handle) as url:
        for _ in range(2):
            asked(url, ("up", LONG_AGO), cache=AnswerCache(tmp_path, url, NOW.timestamp()))
    assert len(seen) == 2


def test_a_broken_cache_costs_time_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite3").write_text("this is no database, and long enough to look like a file of one" * 20)
    handle, _ = counting(UP)
    with standing_in(handle) as url:
        (answer,), _ = asked(url, ("up", LONG_AGO), cache=AnswerCache(tmp_path, url, NOW.timestamp()))
    assert isinstance(answer, Answered)


def test_what_nobody_wanted_for_a_month_is_dropped(tmp_path: Path) -> None:
    key = Key("query", "up", None, 1.0, None)
    cache = AnswerCache(tmp_path, "http://here", NOW.timestamp())
    cache.put(key, Answered("up", (Series({}, ((1.0, 2.0),)),)))
    cache.close()
    later = AnswerCache(tmp_path, "http://here", NOW.timestamp() + 29 * 86400)
    assert later.get(key) is not None
    later.close()
    assert AnswerCache(tmp_path, "http://here", NOW.timestamp() + 31 * 86400).get(key) is None


def test_beyond_the_limit_of_samples_nothing_is_asked() -> None:
    handle, seen = counting(UP)
    with standing_in(handle) as url:
        answers, source = asked(url, ("a", LONG_AGO), ("b", LONG_AGO), ("c", LONG_AGO), max_samples=4)
    assert len(seen) == 2
    assert isinstance(answers[2], QueryFailed)
    assert source.exhausted()


def test_the_daemon_does_not_load_the_client_of_the_past() -> None:
    code = "import sys, watchdog.app, watchdog.remote, watchdog.cli.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "watchdog.app" in loaded
    assert not [name for name in loaded if name.startswith(("prometheus_api_client", "watchdog.replay"))]


def test_what_is_shown_goes_with_each_question_and_what_is_missing_for_it_fails_the_question() -> None:
    signed: list[str] = []

    class Signature(Resolved):
        def headers(self, asked: Asked) -> Mapping[str, str]:
            signed.append(asked.url.partition("?")[0].rpartition("/")[2])
            return super().headers(asked)

    def missing(name: str) -> str:
        raise SecretMissing(f"the secret {name} is missing")

    handle, seen = counting(UP)
    with standing_in(handle) as url:
        (answer,), _ = asked(url, ("up", LONG_AGO), shown=Signature({"X-Scope-OrgID": "shop"}, missing))
        (failure,), _ = asked(url, ("up", LONG_AGO), shown=Resolved({"X-Scope-OrgID": "{{ secret.TENANT }}"}, missing))
    assert isinstance(answer, Answered)
    assert signed == ["query"]
    assert isinstance(failure, QueryFailed)
    assert failure.detail == "the secret TENANT is missing"
    assert len(seen) == 1
