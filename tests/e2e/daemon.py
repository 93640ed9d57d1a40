"""The watchdog as people run it: a process of its own, set by its environment, known by its log and its endpoints."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from e2e.controlplane.processes import Child

Line = dict[str, Any]


OF_ANOTHER_SCHEMA = (
    "-c",
    "from watchdog.domain import record; record.SCHEMA += 1; from watchdog.cli import main; main()",
)
"""How a version runs that writes another schema."""


class Daemon:
    """`watchdog run`, started as often as a story wants. Its JSON log is one, over all its lives."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], program: Sequence[str] = ("-m", "watchdog")
    ) -> None:
        self._directory = directory
        self._given = environment
        self._environment = {f"WATCHDOG_{name}": value for name, value in environment.items()}
        self._program = program
        self._lives: list[Child] = []
        self._beside: list[Daemon] = []
        self._pid = 0
        self.url = ""

    async def start(self) -> None:
        """Return when it is ready."""
        name = f"watchdog-{len(self._lives) + 1}"
        child = Child(name, [sys.executable, *self._program, "run"], self._directory, self._environment)
        self._lives.append(child)
        started = await self.line(lambda line: line["event"] == "started")
        self.url = started["listen"]
        self._pid = child.pids[1]
        async with httpx.AsyncClient(trust_env=False) as client:
            while not (await client.get(f"{self.url}/readyz")).is_success:
                child.check()
                await asyncio.sleep(0.1)

    def replica(self, program: Sequence[str] = ("-m", "watchdog")) -> Daemon:
        """Another one with the same settings, not started yet; it ends with this one at the latest."""
        directory = self._directory / f"replica-{len(self._beside) + 2}"
        directory.mkdir()
        self._beside.append(Daemon(directory, self._given, program))
        return self._beside[-1]

    async def kill(self) -> None:
        """SIGKILL."""
        os.kill(self._pid, signal.SIGKILL)
        await self._ended()

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        os.kill(self._pid, signal.SIGTERM)
        return await self._ended()

    async def _ended(self) -> int:
        return await asyncio.to_thread(self._lives[-1].wait)

    def clean_up(self) -> None:
        """End whatever still runs."""
        for child in self._lives:
            child.end()
        for replica in self._beside:
            replica.clean_up()

    def log(self, life: int | None = None) -> list[Line]:
        """All lines of its log, or those of one of its lives (0 is the first). A line that is not JSON fails."""
        lives = self._lives if life is None else [self._lives[life]]
        whole = [text for child in lives for text in child.log.read_text().splitlines(keepends=True)]
        # A last line may still be in writing, or was as the process was killed.
        return [json.loads(text) for text in whole if text.endswith("\n")]

    async def line(self, wanted: Callable[[Line], bool], within: float = 60) -> Line:
        """The first such line of its present life."""
        deadline = time.monotonic() + within
        while True:
            for line in self.log(-1):
                if wanted(line):
                    return line
            self._lives[-1].check()
            assert time.monotonic() < deadline, f"not in the log:\n{self._lives[-1].last_words()}"
            await asyncio.sleep(0.05)

    async def metrics(self) -> str:
        """What /metrics says."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.url}/metrics")).raise_for_status().text


async def verb(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `watchdog VERB ...` from a laptop, so to speak: with a kubeconfig and nothing else."""
    settings = {f"WATCHDOG_{name}": value for name, value in environment.items()}
    ran = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "watchdog", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), "COLUMNS": "200", **settings},
    )
    async with asyncio.timeout(60):
        out, err = await ran.communicate()
    assert ran.returncode is not None
    return subprocess.CompletedProcess(arguments, ran.returncode, out.decode(), err.decode())
