"""Verbs as people call them: in this process where that is enough, else as a process of its own."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from watchdog.adapters.clock import SystemClock
from watchdog.adapters.kubernetes.documents import record_name
from watchdog.cli import cli
from watchdog.simulator.cluster import SimulatedCluster

OWN = "watchdog"
LABEL = "rollback-watchdog.dev"


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of the watchdog, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATCHDOG_")}
    return kept | {f"WATCHDOG_{name}": value for name, value in settings.items()}


def call(*words: str, text: str = "", **settings: str) -> Result:
    """`watchdog WORDS` in this process."""
    gone = {name: None for name in os.environ if name.startswith("WATCHDOG_")}
    given = {f"WATCHDOG_{name}": value for name, value in settings.items()}
    with _logging_left_as_it_was():
        return CliRunner(env={**gone, **given}).invoke(cli, words, input=text, prog_name="watchdog")


@contextmanager
def _logging_left_as_it_was() -> Iterator[None]:
    """A verb sets up logging for a process of its own; the tests after it are of this one."""
    root = logging.getLogger()
    names = [name for name in root.manager.loggerDict if name.startswith("watchdog")] + ["watchdog", "watchdog.engine"]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        logging.captureWarnings(False)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        root.setLevel(level)


async def call_beside(*words: str, text: str = "", **settings: str) -> Result:
    """The same, in a thread: what it asks is served from this one."""
    return await asyncio.to_thread(call, *words, text=text, **settings)


async def spawn(
    *words: str, folder: Path, stdout: int = asyncio.subprocess.PIPE, proxy: str = "", **settings: str
) -> asyncio.subprocess.Process:
    """`watchdog WORDS` as a process; `stdout`: a descriptor of where its output goes; `proxy`: of its environment."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy) if proxy else {}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "watchdog",
        *words,
        cwd=folder,
        env=environment(**settings) | proxies | ({"no_proxy": "", "NO_PROXY": ""} if proxy else {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome(*words: str, folder: Path, **settings: str) -> tuple[int, str, str]:
    """Run it to its end: exit code, standard output, standard error."""
    process = await spawn(*words, folder=folder, **settings)
    async with asyncio.timeout(60):
        stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()


@asynccontextmanager
async def a_cluster(
    folder: Path, *records: Mapping[str, Any], dry_runs: Sequence[Mapping[str, Any]] = ()
) -> AsyncIterator[dict[str, str]]:
    """A cluster on real time that holds these records, and those of dry runs; yields the settings that lead to it."""
    async with SimulatedCluster(SystemClock(), octet=91) as cluster:
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        for record in (*records, *dry_runs):
            still_open = "true" if record.get("outcome") is None else "false"
            series = "dry-run-" if record in dry_runs else ""
            labels = {f"{LABEL}/record": f"{series}watch", f"{LABEL}/open": still_open}
            metadata = {"name": record_name(series + str(record["watch"])), "labels": labels}
            cluster.create("configmaps", OWN, {"metadata": metadata, "data": {"record.json": json.dumps(record)}})
        yield {"KUBECONFIG": str(cluster.kubeconfig(folder / "kubeconfig")), "NAMESPACE": OWN}
