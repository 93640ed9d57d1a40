"""The parts of the scale bench: what fails takes nothing with it, and what is told of a run is what it measured."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.scale.audits import Audits
from benchmarks.scale.keeping import PERFORMANCE, RESULTS, Kept
from benchmarks.scale.lag import lag, less
from benchmarks.scale.page import page
from benchmarks.scale.pictures import pictures
from benchmarks.scale.promises import promises, written_into
from benchmarks.scale.tables import exponent
from benchmarks.scale.tasks import Outcome, Task, carried_out

STAMP = {"at": "2026-11-28T15:00:00+00:00", "commit": "abc", "machine": "2 cores", "took": 60}
RUN: dict[str, Any] = {
    "targets": 100,
    "interval": 15.0,
    "load before": 0.1,
    "load after": 0.2,
    "queries per interval": 60.0,
    "bytes per interval": 1024,
    "query failures": 0.0,
    "Prometheus query seconds per interval": 0.1,
    "peers: queries per interval": 400,
    "peers: Prometheus CPU s per interval": 0.65,
    "Prometheus CPU s per interval, all": 0.2,
    "Prometheus CPU s per interval, scraping alone": 0.1,
    "CPU % of a core": 5.4,
    "CPU s to open": 8.1,
    "idle MiB": 83.0,
    "MiB": 116.0,
    "peak MiB": 148.0,
    "seconds to take over": None,
    "loop lag p99 ms, steady": 40.0,
    "loop lag max ms, steady": None,
}

GUARD: dict[str, Any] = {
    "targets": 60,
    "interval": 15.0,
    "at work": 60,
    "queries per interval": 60.0,
    "API requests per interval": 825.2,
    "CPU % of a core": 1.41,
    "MiB": 62.7,
    "idle MiB": 61.7,
    "Prometheus CPU s per interval": 0.08,
    "Prometheus CPU s per interval, without it": 0.01,
    "API server CPU s per interval": 0.87,
    "API server CPU s per interval, without it": 0.217,
    "load before": 1,
    "load after": 2,
}


MARKED = "before\n\n<!-- measured: written by `make bench-scale` -->\nold\n<!-- measured: end -->\n\nafter\n"


def kept_in(directory: Path) -> Kept:
    """What is kept there, with a page of promises beside it."""
    promised = directory / "performance.md"
    if not promised.exists():
        promised.write_text(MARKED)
    return Kept(directory, promised)


def _any(_commit: str) -> bool:
    return True


def _task(number: int) -> Task:
    return Task("watches", {"targets": number}, ("runs", str(number)), within=60)


def test_a_measurement_that_fails_leaves_the_others_and_its_own_last_success(tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    kept.keep(_task(100), Outcome(RUN, None), STAMP)
    kept.keep(_task(300), Outcome({"targets": 300}, "TimeoutError: 5 of 300 watches are open"), STAMP)
    kept.keep(_task(100), Outcome({}, "not done after 60 s"), STAMP)

    written = json.loads((tmp_path / "scale.json").read_text())
    assert set(written["runs"]) == {"100"}
    assert set(written["failed"]) == {"runs 300", "runs 100"}
    text = (tmp_path / "scale.md").read_text()
    assert "runs 300, 2026-11-28 15:00, abc: TimeoutError: 5 of 300 watches are open" in text
    assert "| 100 | 60 | 400 | 7 |" in text


def test_a_success_ends_what_was_told_of_the_failure(tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    kept.keep(_task(100), Outcome({}, "not done after 60 s"), STAMP)
    assert not kept.has(_task(100), _any)

    kept.keep(_task(100), Outcome(RUN, None), STAMP)

    assert kept.has(_task(100), _any)
    assert "What failed" not in (tmp_path / "scale.md").read_text()


def test_what_is_kept_is_gone_on_with_by_the_next_start(tmp_path: Path) -> None:
    kept_in(tmp_path).keep(_task(100), Outcome(RUN, None), STAMP)

    assert kept_in(tmp_path).has(_task(100), _any)
    assert not kept_in(tmp_path).has(_task(1000), _any)
    assert not kept_in(tmp_path).has(_task(100), lambda commit: commit == "another")
    assert not kept_in(tmp_path).has(Task("rivals", {}, ("rivals", "60", "Flagger"), within=60), _any)
    assert not kept_in(tmp_path).has(_task(100), lambda commit: commit == "another")


def test_two_benches_that_run_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = kept_in(tmp_path), kept_in(tmp_path)
    one.keep(_task(100), Outcome(RUN, None), STAMP)
    other.keep(Task("rivals", {}, ("rivals", "60", "Flagger"), within=60), Outcome(GUARD, None), STAMP)

    assert set(json.loads((tmp_path / "scale.json").read_text())) == {"runs", "rivals", "failed"}


def test_what_a_run_does_not_know_is_a_dash() -> None:
    row = next(
        line for line in page({"runs": {"100": {**RUN, **STAMP}}}).splitlines() if line.startswith("| 100 | – | 5.4")
    )

    assert row == "| 100 | – | 5.4 | – | 8.1 | 83 | 116 | 148 | – | – | – |"


def test_a_lag_beyond_the_largest_bucket_is_told_as_such() -> None:
    text = page({"runs": {"100": {**RUN, **STAMP}}})

    assert "| 100 | – | ≤ 40 | > 2,500 |" in text


def test_each_section_stands_on_the_page_when_it_was_measured() -> None:
    text = page({"rivals": {"60": {"Flagger": {**GUARD, **STAMP}}}})

    assert "| 60 | Flagger | 60 | 60 | 0.07 | 825 | 0.65 | 1.4 | 63 | 62 | 1, 2 |" in text
    assert "On a real control plane" not in text
    assert "On a real control plane" in page({"plane": {"100": {**RUN, **STAMP}}})


@pytest.mark.parametrize("number", [1, 60, 3000])
def test_pictures_are_drawn_of_the_first_number_already(number: int) -> None:
    nothing_asked = {"targets": number, "Prometheus CPU s per interval, all": 0.0, "CPU % of a core": 0.0}

    drawn = pictures({"runs": {str(number): {**RUN, **nothing_asked}}, "rivals": {str(number): {"Flagger": GUARD}}})

    assert set(drawn) == {"scale.svg", "scale-itself.svg", "scale-rivals.svg"}


def test_a_task_that_cannot_be_done_says_why() -> None:
    outcome = carried_out(Task("nothing of that kind", {}, ("x",), within=60))

    assert outcome == Outcome({}, "ValueError: nothing of that kind")


def test_a_task_that_takes_too_long_is_given_up() -> None:
    outcome = carried_out(Task("watches", {"targets": 1}, ("x",), within=0.05))

    assert outcome == Outcome({}, "not done after 0 s")


def _counted(*counts: float) -> dict[str, float]:
    bounds = ("0.001", "0.01", "0.05", "inf")
    name = "watchdog_loop_lag_seconds"
    buckets = {f"{name}_bucket{{le={bound}}}": count for bound, count in zip(bounds, counts, strict=True)}
    return {**buckets, f"{name}_count": counts[-1]}


def test_lag_is_of_the_phase_alone() -> None:
    before, after = _counted(0, 0, 0, 10), _counted(60, 99, 100, 110)  # ten were long before the phase began

    assert lag(less(after, before), "steady") == {
        "loop lag p50 ms, steady": 1.0,
        "loop lag p99 ms, steady": 10.0,
        "loop lag max ms, steady": 50.0,
    }


def test_lag_longer_than_every_bound_has_no_bound() -> None:
    assert lag(_counted(0, 0, 0, 4), "acting")["loop lag max ms, acting"] is None
    assert lag(_counted(0, 0, 0, 0), "acting") == {}


@pytest.mark.parametrize(("power", "expected"), [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)])
def test_growth_is_the_power_by_which_a_cost_grows(power: float, expected: float) -> None:
    found = exponent([(n, 7 * n**power) for n in (10.0, 100.0, 1000.0)])

    assert found == pytest.approx(expected, abs=1e-9)


def _event(verb: str, uri: str, agent: str, **more: Any) -> str:
    event = {"verb": verb, "requestURI": uri, "userAgent": agent, "stageTimestamp": "2026-11-28T15:00:00.5Z", **more}
    return json.dumps(event) + "\n"


def _about(resource: str, name: str, group: str = "") -> dict[str, Any]:
    return {"objectRef": {"resource": resource, "name": name, "apiGroup": group}, "responseStatus": {"code": 200}}


def test_the_audit_log_is_read_on_from_where_it_was_left_and_a_half_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    whole = _event("get", "/api/v1/pods", "flagger/v1 (linux/amd64)")
    log.write_text(whole + whole[:20])
    audits = Audits(log)
    assert audits.requests == {"flagger": {"get": 1}}

    with log.open("a") as file:
        file.write(whole[20:])

    assert audits.requests == {"flagger": {"get": 2}}
    assert audits.requests == {"flagger": {"get": 2}}


def test_writes_are_counted_and_dry_runs_reviews_and_other_clients_are_not(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    mine, deployments = "rollback-watchdog", "/apis/apps/v1/namespaces/a/deployments/service-0001"
    record = _about("configmaps", "rollback-watchdog-service-0001-x")
    patched = _about("deployments", "service-0001", "apps")
    log.write_text(
        _event("create", "/api/v1/namespaces/watchdog/configmaps", mine, **record)
        + _event("update", "/api/v1/namespaces/watchdog/configmaps/x", mine, **record)
        + _event("patch", f"{deployments}?dryRun=All", mine, **patched)
        + _event("patch", deployments, mine, **patched)
        + _event("patch", deployments, "python-httpx/1", **patched)
        + _event("create", "/apis/x", mine, **_about("selfsubjectaccessreviews", "", "authorization.k8s.io"))
    )
    audits = Audits(log)

    assert audits.writes == {"kinds": {"records and memories": 2, "put-backs": 1}, "records": [2]}
    assert list(audits.patches) == ["service-0001"]


def test_each_measurement_writes_the_promises_and_leaves_the_rest_of_their_page(tmp_path: Path) -> None:
    kept_in(tmp_path).keep(Task("watches", {}, ("runs", "1000"), within=60), Outcome(RUN, None), STAMP)

    text = (tmp_path / "performance.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert (
        "| the watchdog's CPU while nothing happens | at most 25 % of a core | 5.4 % of a core | yes | – | – |" in text
    )


def test_a_promise_that_was_not_kept_is_told_as_such_and_one_without_a_figure_too() -> None:
    run = {**RUN, "CPU % of a core": 27.03, "MiB": 160.0, "peers: CPU % of a core, to ask": 13.5}
    rows = {line.split("|")[1].strip(): line for line in promises({"runs": {"1000": run}})}

    assert "| 27.0 % of a core | **no** |" in rows["the watchdog's CPU while nothing happens"]
    assert "| 168 MB | **no** |" in rows["memory with Slack and PagerDuty"]
    assert "| – | not measured |" in rows["answer to patch p99, one alone"]
    assert "| at least 50 | 7 | **no** |" in rows["times fewer queries than as peers ask"]
    assert "|  | 2.00 |  |" in rows["the same over the CPU of a program that only asks, as peers ask"]


def test_growth_beyond_a_thousand_is_judged_by_the_two_runs() -> None:
    more = {**RUN, "CPU % of a core": 16.2, "MiB": 83.0 + 4 * 33.0, "queries per interval": 60.0}
    lines = promises({"runs": {"1000": RUN, "3000": more}})

    assert any(
        line.startswith("| the watchdog's CPU: 3,000 over 1,000") and "| yes | 3.0 times" in line for line in lines
    )
    assert any(
        line.startswith("| memory above idle: 3,000 over 1,000") and "| **no** | 4.0 times" in line for line in lines
    )


def test_growth_is_judged_by_a_thousand_of_the_same_age_where_they_were_measured() -> None:
    more = {**RUN, "MiB": 83.0 + 4 * 33.0}
    lines = promises({"runs": {"1000": RUN, "3000": more}, "aged": {"1000": {**RUN, "MiB": 83.0 + 44.0}}})

    assert any(
        line.startswith("| memory above idle: 3,000 over 1,000") and "| yes | 3.0 times" in line for line in lines
    )


def test_a_page_without_a_place_for_the_promises_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="no table between"):
        written_into("nothing is marked here", {})


def test_what_the_documentation_says_of_the_promises_is_what_was_measured() -> None:
    kept = json.loads((RESULTS / "scale.json").read_text())
    text = PERFORMANCE.read_text()

    assert written_into(text, kept) == text
    assert page(kept) == (RESULTS / "scale.md").read_text()
