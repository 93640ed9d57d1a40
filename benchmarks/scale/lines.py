"""Processes of the bench talk in lines of JSON: a request on standard input, its answer on standard output."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Answer = Callable[[Mapping[str, Any]], Awaitable[Any]]


async def answering(answer: Answer) -> None:
    """Answer each line of standard input until it ends."""
    reader = asyncio.StreamReader(limit=2**28)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await answer(json.loads(line))), flush=True)


class Program:
    """A module of the bench as a process of its own; it ends with the `with` block."""

    def __init__(self, module: str, *arguments: str, directory: Path) -> None:
        self._log = directory / f"{module}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.scale.{module}", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def ask(self, what: str, **more: Any) -> Any:
        """One request and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"what": what, **more}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the bench ended while it was asked {what}; its log: {self._log}")
        return json.loads(line)

    def until(self, what: str, count: int, within: float = 600.0) -> None:
        """Ask until the answer is at least so many."""
        until = time.monotonic() + within
        while (found := self.ask(what)) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{found} of {count} are {what} after {within:.0f} s")
            time.sleep(2)
