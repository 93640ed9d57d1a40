"""`watchdog dry-run` as people call it: wrong usage, what is out of reach, and what it prints."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cli.test_run import NOWHERE, a_file, a_kubeconfig
from cli.verbs import OWN, outcome, spawn
from town import NAMESPACE, PART_OF, RULES
from watchdog.adapters.clock import SystemClock
from watchdog.cli.closed_pipe import Reader
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
