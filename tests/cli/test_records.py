"""`status`, `history` and `explain` against a cluster that holds records."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.web.pages.markup_reading import read
from builders import a_ratio, a_rule, a_watch, at
from cli.verbs import a_cluster, call, call_beside
from watchdog.adapters.clock import SystemClock
from watchdog.domain.record import record_of
from watchdog.domain.state import Phase
from watchdog.simulator.cluster import SimulatedCluster

HOSTILE = "[bold red]boo[/bold red] \x1b[31mred\x1b[0m\x07 second\nline \u202egnirts [link=http://x]y[/link]"


def a_record(name: str, phase: Phase = Phase.WATCHING, **changes: Any) -> dict[str, Any]:
    watch = a_watch(a_rule(a_ratio(), name="error-rate"))
    ended = at(700) if phase.terminal else None
    record = record_of(replace(watch, id=name, phase=phase, ended_at=ended))
    return record | changes


OPEN = a_record("research-1")
PASSED = a_record("research-2", Phase.PASSED, reason="kept all its rules")
UNDONE = a_record("brand-3", Phase.ROLLED_BACK, reason="put back", target="production/deployment/brand")


async def test_status_lists_the_open_watches_alone(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, OPEN, PASSED, UNDONE) as settings:
        result = await call_beside("status", **settings)
        as_json = await call_beside("status", "-o", "json", **settings)
    assert result.exit_code == 0
    assert "research-1" in result.stdout
    assert "research-2" not in result.stdout
    assert [json.loads(line)["watch"] for line in as_json.stdout.splitlines()] == ["research-1"]


async def test_history_lists_the_ended_ones_as_one_json_object_a_line(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, OPEN, PASSED, UNDONE) as settings:
        everything = await call_beside("history", "-o", "json", **settings)
        undone = await call_beside("history", "-o", "json", "--outcome", "rolled-back", **settings)
        of_research = await call_beside("history", "-o", "json", "--target", PASSED["target"], **settings)
        one = await call_beside("history", "-o", "json", "--limit", "1", **settings)
        table = await call_beside("history", **settings)
    assert {json.loads(line)["watch"] for line in everything.stdout.splitlines()} == {"research-2", "brand-3"}
    assert all("state" not in json.loads(line) for line in everything.stdout.splitlines())
    assert [json.loads(line)["watch"] for line in undone.stdout.splitlines()] == ["brand-3"]
    assert [json.loads(line)["watch"] for line in of_research.stdout.splitlines()] == ["research-2"]
    assert len(one.stdout.splitlines()) == 1
    assert all(word in table.stdout for word in ("research-2", "brand-3", "passed", "rolled-back"))


async def test_where_nothing_is_recorded_it_says_so(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as settings:
        assert (await call_beside("status", **settings)).stdout == "no watch is open\n"
        assert (await call_beside("history", **settings)).stdout == "no watch has ended yet\n"
        assert (await call_beside("status", "-o", "json", **settings)).stdout == ""


@pytest.mark.parametrize("words", [("status",), ("history",), ("pause",)])
async def test_a_namespace_that_is_not_there_is_one_line_and_one_not_nothing(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    async with a_cluster(tmp_path) as settings:
        result = await call_beside(*words, "-n", "wacthdog", **settings)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "watchdog: there is no namespace wacthdog; --namespace names the watchdog's own\n"


async def test_where_namespaces_may_not_be_asked_about_nothing_is_nothing(tmp_path: Path) -> None:
    async with SimulatedCluster(SystemClock(), octet=91) as cluster:
        cluster.create("namespaces", "", {"metadata": {"name": "watchdog"}})
        cluster.faults.answer(403, method="GET", path=re.compile(r"/namespaces/watchdog$"))
        settings = {"KUBECONFIG": str(cluster.kubeconfig(tmp_path / "kubeconfig")), "NAMESPACE": "watchdog"}
        result = await call_beside("status", **settings)
    assert (result.exit_code, result.stdout) == (0, "no watch is open\n")


async def test_history_says_why_as_people_were_told_and_pads_no_line(tmp_path: Path) -> None:
    title = "production/deployment/brand was put back from brand-2 to brand-1: error-rate: 8 of 100 requests were bad"
    told = [{"id": "brand-3/rolled-back", "title": title, "at": "", "deliveries": {}}]
    record = UNDONE | {"notices": told, "reason": "put back, and each breached rule is kept again"}
    async with a_cluster(tmp_path, record) as settings:
        shown = (await call_beside("history", **settings)).stdout
    assert f"  {title}\n" in shown
    assert "is kept again" not in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


async def test_explain_says_where_it_hurts(tmp_path: Path) -> None:
    sentence = f"error-rate: 96 % of the failures are {HOSTILE} (20 % of the requests)"
    hurt = {**UNDONE, "slices": [sentence]}
    async with a_cluster(tmp_path, hurt, {**PASSED, "slices": "no list"}) as settings:
        told = await call_beside("explain", "brand", **settings)
        broken = await call_beside("explain", "research", **settings)
    assert told.exit_code == broken.exit_code == 0
    assert "Where it hurts" in told.stdout
    assert "\n  error-rate: 96 % of the failures are [bold red]boo" in told.stdout
    assert "\x1b[31m" not in told.stdout
    assert "Where it hurts" not in broken.stdout


async def test_explain_tells_one_story_and_takes_an_unambiguous_beginning(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, OPEN, PASSED, UNDONE) as settings:
        whole = await call_beside("explain", "research-2", **settings)
        short = await call_beside("explain", "bra", **settings)
        many = await call_beside("explain", "research", **settings)
        none = await call_beside("explain", "content", **settings)
        as_json = await call_beside("explain", "brand-3", "-o", "json", **settings)
    assert whole.exit_code == 0
    assert "kept all its rules" in whole.stdout
    assert "production/deployment/brand" in short.stdout
    assert (many.exit_code, none.exit_code) == (1, 1)
    assert "begins several watches" in many.stderr
    assert "there is no watch 'content'" in none.stderr
    assert json.loads(as_json.stdout)["watch"] == "brand-3"


async def test_explain_tells_how_the_peers_fared(tmp_path: Path) -> None:
    def peer(name: str, sentence: str, **made_of_it: bool) -> dict[str, Any]:
        return {"target": name, "sentence": sentence, "usable": True, "alike": False} | made_of_it

    peers = [peer("x/deployment/a", "9 %", alike=True), peer("x/deployment/b", HOSTILE, usable=False)]
    compared = {"rule": "error-rate", "from": HOSTILE, "to": "", "shared": False, "why": "", "peers": peers}
    alone = {"rule": "latency", "from": "", "to": "", "shared": False, "why": "b alone is a peer", "peers": []}
    async with a_cluster(tmp_path, UNDONE | {"peers": [compared, alone]}, PASSED) as settings:
        told = await call_beside("explain", "brand-3", **settings)
        silent = await call_beside("explain", "research-2", **settings)
    assert told.exit_code == 0, told.exception
    assert "alike      x/deployment/a: 9 %" in told.stdout
    assert "not usable x/deployment/b: [bold red]boo" in told.stdout
    assert "b alone is a peer" in told.stdout
    assert not set(told.stdout) & {"\x1b", "\x07", "\u202e"}
    assert "Peers" not in silent.stdout


async def test_hostile_text_in_a_record_stays_text(tmp_path: Path) -> None:
    rules = {HOSTILE: {"finding": HOSTILE, "sentence": HOSTILE, "query": HOSTILE}}
    notices = [{"id": "x", "title": HOSTILE, "at": "2026-03-02T03:00:00+00:00", "deliveries": {HOSTILE: HOSTILE}}]
    fields = ("target", "candidate", "stable", "reason", "switched_by", "guard", "switched_at")
    record = UNDONE | dict.fromkeys(fields, HOSTILE) | {"rules": rules, "notices": notices}
    still_open = OPEN | dict.fromkeys(fields, HOSTILE) | {"reason": "", "rules": rules}
    async with a_cluster(tmp_path, record, still_open) as settings:
        for words in (("history",), ("status",), ("explain", "brand-3")):
            result = await call_beside(*words, **settings)
            assert result.exit_code == 0, result.exception
            assert "[bold red]boo" in re.sub(r"\s+", " ", result.stdout), words
            assert not set(result.stdout) & {"\x1b", "\x07", "\u202e"}, words
            plain = await call_beside(*words, "-o", "json", **settings)
            assert all(json.loads(line) for line in plain.stdout.splitlines()) if words[0] != "explain" else True
            assert not set(plain.stdout) & {"\x1b", "\x07"}, words


def without_rules() -> Mapping[str, Any]:
    return {"watch": "odd-4", "schema": 99, "outcome": "passed"}


async def test_a_record_of_another_version_is_listed_as_far_as_it_is_understood(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, without_rules()) as settings:
        table = await call_beside("history", **settings)
        story = await call_beside("explain", "odd-4", **settings)
    assert (table.exit_code, story.exit_code) == (0, 0)
    assert "odd-4" in table.stdout


def unreachable(folder: Path) -> str:
    """A kubeconfig of a server that is not there."""
    path = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {"token": "t"}}],
    }  # fmt: skip
    path.write_text(json.dumps(config))
    return str(path)


def test_a_cluster_that_cannot_be_reached_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    for words in (("status",), ("history",), ("explain", "x")):
        result = call(*words, KUBECONFIG=unreachable(tmp_path))
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("watchdog: ")
        assert "Traceback" not in result.output


def test_a_context_that_is_not_there_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    result = call("status", "--context", "moon", KUBECONFIG=unreachable(tmp_path))
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "moon" in result.stderr


def become_nobody(folder: Path) -> None:
    """Another token in the kubeconfig."""
    path = folder / "kubeconfig"
    config = json.loads(path.read_text())
    config["users"][0]["user"]["token"] = "nobody"
    path.write_text(json.dumps(config))


async def test_someone_without_the_right_to_list_is_told_which_is_missing(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, OPEN) as settings:
        become_nobody(tmp_path)
        result = await call_beside("status", **settings)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


async def test_the_records_of_a_dry_run_are_shown_only_where_they_are_asked_for(tmp_path: Path) -> None:
    write = {"method": "PATCH", "path": "/apis/apps/v1/x", "content_type": "application/json-patch+json", "body": "[]"}
    dry = a_record("content-9", Phase.WOULD_ROLL_BACK, reason="would be put back", dry_run=True, would_send=[write])
    async with a_cluster(tmp_path, UNDONE, dry_runs=(dry,)) as settings:
        real = await call_beside("history", **settings)
        asked = await call_beside("history", "--dry-run", **settings)
        story = await call_beside("explain", "content-9", "--dry-run", **settings)
        none = await call_beside("explain", "content-9", **settings)
        still_open = await call_beside("status", "--dry-run", **settings)
    assert "content-9" not in real.stdout
    assert "[dry run] would-roll-back" in asked.stdout
    assert "watchdog explain --dry-run content-9" in asked.stdout
    assert "brand-3" not in asked.stdout
    assert "would-roll-back  (a dry run)" in story.stdout
    assert "PATCH /apis/apps/v1/x" in story.stdout
    assert none.exit_code == 1
    assert still_open.stdout == "no watch is open\n"


async def test_explain_writes_the_watchs_page_as_one_file_that_needs_nobody(tmp_path: Path) -> None:
    record = a_record("research-2", Phase.ROLLED_BACK, reason=HOSTILE, recovery="recovered")
    async with a_cluster(tmp_path, record) as settings:
        shown = await call_beside("explain", "research", "-o", "html", **settings)
        kept = await call_beside("explain", "research", "-o", "html", "--to", str(tmp_path / "watch.html"), **settings)
        table = await call_beside("explain", "research", "--to", str(tmp_path / "watch.txt"), **settings)
        nowhere = await call_beside("explain", "x", "-o", "html", "--to", str(tmp_path / "no" / "x.html"), **settings)
        unwritable = await call_beside("explain", "research", "-o", "html", "--to", "/proc/watch.html", **settings)
    assert (shown.exit_code, kept.exit_code, kept.stdout) == (0, 0, "")
    for text in (shown.stdout, (tmp_path / "watch.html").read_text(encoding="utf-8")):
        page = read(text)
        assert "research-2" in page.by_id("main").words
        assert "[bold red]boo[/bold red]" in page.by_id("main").words
        assert "\x1b" not in text
        assert not [one for one in page.all if one.tag in ("script", "link")]
    assert (table.exit_code, nowhere.exit_code, unwritable.exit_code) == (2, 2, 1)
    assert "-o html" in table.stderr
    assert "is no directory" in nowhere.stderr
    assert "/proc/watch.html cannot be written" in unwritable.stderr


async def test_history_of_late_and_what_it_amounts_to(tmp_path: Path) -> None:
    now = SystemClock().now()

    def ended(name: str, phase: Phase, days: float, **changes: Any) -> dict[str, Any]:
        return a_record(name, phase) | {"ended_at": (now - timedelta(days=days)).isoformat()} | changes

    switched = {"switched_at": at(0).isoformat(), "breached_at": at(94).isoformat(), "acted_at": at(96).isoformat()}
    records = (
        ended("a-1", Phase.ROLLED_BACK, 1, recovery="recovered", **switched),
        ended("b-2", Phase.PASSED, 20),
        ended("c-3", Phase.HELD, 40),
        a_record("d-4", Phase.PASSED) | {"ended_at": "once"},
        OPEN,
    )
    async with a_cluster(tmp_path, *records) as settings:
        month = await call_beside("history", "--since", "30d", **settings)
        lines = await call_beside("history", "--since", "30d", "-o", "json", **settings)
        one = await call_beside("history", "--since", "30d", "--limit", "1", **settings)
        summary = await call_beside("history", "--since", "30d", "--summary", "--limit", "1", **settings)
        document = await call_beside("history", "--summary", "-o", "json", **settings)
        nothing = await call_beside("history", "--since", "1h", **settings)
    assert "c-3" not in month.stdout
    assert "2 watches ended: 1 passed, 1 rolled-back" in month.stdout
    assert "from the switch to the decision: 94 s at the median" in month.stdout
    assert {json.loads(line)["watch"] for line in lines.stdout.splitlines()} == {"a-1", "b-2"}
    assert "1 more, older; --limit shows them" in one.stdout
    assert "2 watches ended" in one.stdout, "the summary is over all of them, whatever is listed"
    assert summary.stdout.strip().startswith("2 watches ended")
    assert "watchdog explain" not in summary.stdout
    assert json.loads(document.stdout)["watches"] == 4
    assert nothing.stdout == "no ended watch matches\n"


def test_a_since_that_is_no_duration_is_one_line_and_two() -> None:
    for since, says in (("a month", "is no duration"), ("0s", "out of bounds"), ("9999d", "out of bounds")):
        result = call("history", "--since", since)
        assert result.exit_code == 2
        assert says in result.stderr
        assert len(result.stderr.splitlines()) == 1
