"""`watchdog dry-run` as people call it: wrong usage, what is out of reach, and what it prints."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from builders import GOOD, a_block, a_latency, a_live, a_pod, a_probe, a_ratio, a_rule, a_watch, at, counts, play
from cli.test_run import NOWHERE, a_file, a_kubeconfig
from cli.verbs import OWN, outcome, spawn
from town import NAMESPACE, PART_OF, RULES
from watchdog.adapters.clock import SystemClock
from watchdog.cli.closed_pipe import Reader
from watchdog.cli.rehearsed import JsonView, LinesView
from watchdog.cli.rehearsed_table import TableView
from watchdog.domain.effects import Write
from watchdog.domain.events import Looked, Measured
from watchdog.domain.state import Phase, Watch
from watchdog.simulator.access import Rule
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pods_http import SimulatedApplications
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.traffic import Behaviour, Course

RESEARCH = f"{NAMESPACE}/deployment/research"
READS = Rule(["get", "list", "watch"], ["*"])


@asynccontextmanager
async def staging(folder: Path) -> AsyncIterator[tuple[dict[str, str], SimulatedCluster]]:
    """Half an hour of good service on real time, the last ten minutes of which `brand` failed; and how to reach it."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        cluster = SimulatedCluster(clock, stack.enter_context(free_octet()), past=timedelta(hours=1))
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        for name in ("research", "brand"):
            cluster.deploy(NAMESPACE, name, f"{name}:v1", replicas=2, labels=PART_OF)
            cluster.service(NAMESPACE, name)
        cluster.deploy(NAMESPACE, "strange", "strange:v1", replicas=1)
        await stack.enter_async_context(cluster)

        def behaviour(pod: object) -> Behaviour:
            bad = "brand" in str(pod)
            errors = Course.step(0.004, 0.5, after=3000) if bad else Course.constant(0.004)
            return Behaviour(dialect="fastapi", requests_per_second=20, errors=errors)

        prometheus = SimulatedPrometheus(clock, cluster, behaviour, scrape_interval=1.0, seed=3, phases=1)
        prometheus.backfill(3600, step=15)
        await stack.enter_async_context(prometheus)
        await stack.enter_async_context(SimulatedApplications(prometheus))
        yield (
            {
                "RULES": a_file(folder, "rules.toml", RULES),
                "PROMETHEUS_URL": prometheus.url,
                "KUBECONFIG": str(cluster.kubeconfig(folder / "kubeconfig", cluster.user("reader", [READS]))),
                "NAMESPACE": OWN,
            },
            cluster,
        )


def ago(**span: float) -> str:
    """A moment of the past, with its UTC offset."""
    return (SystemClock().now() - timedelta(**span)).isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--target", "research"),
            "write namespace/kind/name, of kind deployment, service, statefulset",
        ),
        (("--at", "2026-03-02T12:00:00+00:00"), "--at needs a --target"),
        (("--target", RESEARCH, "--at", "yesterday"), "is no time; write it like 20"),
        (("--target", RESEARCH, "--at", "2026-03-02T12:00:00"), "write 2026-03-02T12:00:00+00:00, or with the offset"),
        (("--target", RESEARCH, "--at", "2926-03-02T12:00:00Z"), "is still to come; write a time up to now"),
        (("--target", RESEARCH, "--at", "0001-01-01T00:00:00Z"), "the year cannot be meant; write a time from 1970 on"),
        (("--target", RESEARCH, "--at", "0001-01-01T00:00:00+14:00"), "the year cannot be meant"),
        (("--target", RESEARCH, "--at", "9999-12-31T23:59:59-14:00"), "the year cannot be meant"),
        ((), "set WATCHDOG_PROMETHEUS_URL or pass --prometheus-url"),
    ],
)
async def test_wrong_usage_ends_with_two_and_one_line_that_says_what_is_right(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    rules = a_file(tmp_path, "rules.toml", RULES)
    code, stdout, stderr = await outcome("dry-run", *words, folder=tmp_path, RULES=rules)
    assert (code, stdout) == (2, "")
    [line] = stderr.splitlines()
    assert says in line


async def test_what_is_missing_or_out_of_reach_ends_with_one_and_one_line(tmp_path: Path) -> None:
    rules = a_file(tmp_path, "rules.toml", RULES)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    nothing = {"RULES": rules, "PROMETHEUS_URL": NOWHERE, "KUBECONFIG": a_kubeconfig(elsewhere)}
    async with staging(tmp_path) as (there, cluster):
        blind = cluster.user("blind", [Rule(["get", "list", "watch"], ["deployments"])])
        cases = {
            "cannot be read": {"RULES": "none.toml", "PROMETHEUS_URL": NOWHERE},
            "/apis/apps/v1/": nothing,
            f"Prometheus at {NOWHERE}": there | {"PROMETHEUS_URL": NOWHERE},
            "get, list and watch of deployments": there
            | {"KUBECONFIG": str(cluster.kubeconfig(tmp_path / "blind", blind))},
        }
        for says, settings in cases.items():
            code, stdout, stderr = await outcome("dry-run", "--once", folder=tmp_path, **settings)
            assert (code, stdout) == (1, ""), stderr
            [line] = stderr.splitlines()
            assert says in line


async def test_it_judges_the_past_and_the_present_of_a_real_cluster(tmp_path: Path) -> None:
    async with staging(tmp_path) as (settings, cluster):

        async def ran(*words: str) -> tuple[int, str, str]:
            return await outcome("dry-run", *words, folder=tmp_path, **settings)

        good = await ran("--target", RESEARCH, "--at", ago(minutes=25))
        bad = await ran("--target", f"{NAMESPACE}/deployment/brand", "--at", ago(minutes=12), "-o", "json")
        none = await ran("--once")
        unknown = await ran("--once", "--target", f"{NAMESPACE}/deployment/reserch")
        unguarded = await ran("--target", f"{NAMESPACE}/deployment/strange", "--at", ago(minutes=12))
        assert {one.method for one in cluster.requests if one.user == "reader"} == {"GET"}

    assert good[0] == 0, good
    lines = good[1].splitlines()
    assert lines[0].startswith(f"{RESEARCH}: as if it had been switched at ")
    assert "  not judged, for it leaves no past: health, crash" in lines
    assert any(" error-rate pass: " in line for line in lines)
    assert lines[-1] == "all that was judged passes; nothing was written"
    assert bad[0] == 3, bad
    facts = [json.loads(line) for line in bad[1].splitlines()]
    assert [fact["event"] for fact in facts if fact["event"] != "verdict"] == [
        "begun", "switch", "would-roll-back", "summary",
    ]  # fmt: skip
    assert facts[-1]["exit_code"] == 3
    assert none[0] == 4
    assert "no guarded target was switched: nothing was judged" in none[1]
    for code, _, said in (unknown, unguarded):
        assert code == 2
        assert len(said.splitlines()) == 1
    assert f'is not there, or in no guarded namespace; did you mean "{RESEARCH}"?' in unknown[2]
    assert f"no guard covers it; guarded are: {NAMESPACE}/deployment/brand, {RESEARCH}" in unguarded[2]


@pytest.mark.parametrize("minutes", [None, 2], ids=["while nothing happens", "while much is told"])
async def test_it_ends_quietly_when_nobody_reads_it_any_more(tmp_path: Path, minutes: int | None) -> None:
    words = ("--target", f"{NAMESPACE}/deployment/brand", "--at", ago(minutes=minutes)) if minutes else ()
    reading, writing = os.pipe()
    async with staging(tmp_path) as (settings, _):
        process = await spawn("dry-run", *words, folder=tmp_path, stdout=writing, **settings)
        os.close(writing)
        first = await asyncio.to_thread(os.read, reading, 1)
        os.close(reading)
        async with asyncio.timeout(60):
            _, stderr = await process.communicate()
    assert first
    assert (process.returncode, stderr.decode()) == (1, "")


async def test_it_says_that_an_edit_of_the_rules_is_not_taken_up(tmp_path: Path) -> None:
    async with staging(tmp_path) as (settings, _):
        process = await spawn("dry-run", folder=tmp_path, **settings)
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert b"a dry run" in await process.stdout.readline()
            a_file(tmp_path, "rules.toml", RULES + "\n# edited\n")
            said = ""
            while "edited" not in said:
                said = (await process.stdout.readline()).decode()
            process.terminate()
            await process.communicate()
    assert said == f"{settings['RULES']} was edited; this dry run goes on with the rules it began with\n"


async def test_what_a_task_tells_nobody_stops_it_and_raises_only_at_the_end() -> None:
    def unread(_watch: str) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    stop = asyncio.Event()

    def unheard() -> None:
        with Reader(stop) as reader:
            reader.told(unread)("a step")
            assert stop.is_set()

    with pytest.raises(BrokenPipeError):
        unheard()


# -- how it is shown -------------------------------------------------------------------------------------------------

PATCH = Write(
    "PATCH",
    "/apis/apps/v1/namespaces/production/deployments/research",
    "application/json-patch+json",
    '[{"op": "test"}]',
)


def steps() -> list[Watch]:
    """A watch as it goes on: opened, measured, ended by what a dry run withholds."""
    rules = (
        a_rule(a_ratio(), name="error-rate", alpha=0.0005),
        a_rule(a_latency(), name="latency"),
        a_rule(a_probe(), name="health"),
    )
    pods = (a_pod("research-a", ready=-60),)
    watch, _ = play(a_watch(*rules), (Looked(a_live(candidate_pods=pods, completed_at=at(0))), 1))
    measured, _ = play(watch, (Measured({"error-rate": a_block(1, counts(8, 100))}), 17))
    again, _ = play(measured, *((Measured({"error-rate": a_block(n, counts(9, 100))}), 15.0 * n + 2) for n in (2, 3)))
    ended = replace(again, phase=Phase.WOULD_ROLL_BACK, reason="would be put back; nothing was done", withheld=(PATCH,))
    return [watch, measured, again, ended]


def test_the_table_has_each_rule_with_its_value_its_evidence_and_the_time_left() -> None:
    console = Console(force_terminal=True, width=200, record=True)
    view = TableView(lambda: at(60), console)
    watch, measured, _, ended = steps()
    view.stepped(watch)
    view.stepped(measured)
    console.print(view.table())
    text = console.export_text()
    assert "TARGET" in text
    [errors] = [line for line in text.splitlines() if " error-rate " in line]
    assert "8 % / 5 %" in errors
    assert "%" in errors.split("5 %")[1]  # of the evidence
    assert "9 min" in errors
    assert " latency " in text
    view.stepped(ended)
    shown = console.export_text()
    assert "WOULD BE ROLLED BACK" in shown
    assert PATCH.body in shown.splitlines()[-2]


def test_on_a_narrow_terminal_each_rule_has_a_line_of_its_own() -> None:
    console = Console(force_terminal=True, width=60, record=True)
    view = TableView(lambda: at(60), console)
    watch, measured, again, _ = steps()
    for step in (watch, measured, again):
        view.watches[step.id] = step
    console.print(view.table())
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert "production/deployment/research" in lines
    assert "TARGET" not in " ".join(lines)
    [errors] = [line for line in lines if line.startswith("  error-rate  ")]
    assert "undecided  8.67 % / 5 %  " in errors
    assert errors.endswith("%")
    assert "  latency  no-data" in lines
    assert any(line.endswith(", 9 min") for line in lines)


def test_a_table_without_a_switch_says_that_it_waits() -> None:
    console = Console(record=True, width=100)
    console.print(TableView(lambda: at(0), console).table())
    assert "waiting for a switch" in console.export_text()


def test_plain_lines_say_a_verdict_when_it_changes_and_the_patch_whole(capsys: pytest.CaptureFixture[str]) -> None:
    view = LinesView()
    for watch in steps():
        view.stepped(watch)
    assert view.ended() == 3
    lines = capsys.readouterr().out.splitlines()
    target = "production/deployment/research"
    assert lines[0].startswith(f"{target} rolled out research-7c9d")
    assert lines[1] == f"  stable {GOOD}; watched for 10 min by guard {steps()[0].guard.name}"
    assert len([line for line in lines if " error-rate undecided: " in line]) == 1
    assert any("of what is needed)" in line for line in lines)
    assert f"  {PATCH.method} {PATCH.path}" in lines
    assert f"  {PATCH.body}" in lines
    assert lines[-1] == "something would be rolled back; nothing was written"


def test_json_has_each_verdict_and_the_patch_as_it_would_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    view = JsonView()
    for watch in steps():
        view.stepped(watch)
    view.ended()
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    verdicts = [fact for fact in facts if fact["event"] == "verdict" and fact["rule"] == "error-rate"]
    assert [(one["value"], one["limit"]) for one in verdicts] == [(0.08, 0.05), (pytest.approx(26 / 300), 0.05)]
    assert all(datetime.fromisoformat(one["at"]).tzinfo == UTC for one in verdicts)
    [would] = [fact for fact in facts if fact["event"] == "would-roll-back"]
    assert would["requests"][0]["body"] == PATCH.body


async def test_a_dry_run_of_one_target_says_nothing_of_others_that_cannot_be_read(tmp_path: Path) -> None:
    rules = RULES.replace("rules      =", 'kinds = ["deployment", "httproute"]\nrules      =')
    strange = f"{NAMESPACE}/httproute/strange"
    async with staging(tmp_path) as (settings, cluster):
        body = {"metadata": {"name": "strange", "labels": PART_OF}, "spec": {"rules": "nope"}}
        cluster.create("httproutes", NAMESPACE, body)
        settings["RULES"] = a_file(tmp_path, "rules.toml", rules)
        _, _, all_told = await outcome("dry-run", "--once", folder=tmp_path, **settings)
        _, _, of_one = await outcome("dry-run", "--once", "--target", RESEARCH, folder=tmp_path, **settings)
        code, _, of_it = await outcome("dry-run", "--once", "--target", strange, folder=tmp_path, **settings)
    assert "cannot be read" in all_told
    assert "spec.rules is text, not a list" in all_told
    assert strange in all_told
    assert "strange" not in of_one
    assert code == 1
    assert f"{strange} cannot be read: not the shape of its kind (spec.rules is text, not a list)" in of_it
