"""Child processes that cannot outlive the tests, and free loopback ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
GRACE = 0.5  # nothing they hold is kept, so nobody needs long to put it in order


class Child:
    """One running program, its output in a log file. Ends with `end()`, and with this process in any case."""

    def __init__(
        self, name: str, command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(KEEPER), str(GRACE), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=directory,
                # Nothing of this machine's settings (proxies, a kubeconfig, ~/.kwok) may reach it.
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), **(environment or {})},
                start_new_session=True,  # Ctrl-C goes to the tests; they end the programs in order
            )

    @property
    def pids(self) -> list[int]:
        """The keeper and the program itself, while they run."""
        keeper = self._keeper.pid
        try:
            children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        except FileNotFoundError:
            return []
        return [keeper, *map(int, children)]

    def check(self) -> None:
        """Raises, with the last lines of its log, if the program has ended by itself."""
        if (code := self._keeper.poll()) is not None:
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.last_words()}")

    def last_words(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait(self, within: float = GRACE + 10) -> int:
        """Its exit code, once it has ended by itself or by someone's signal."""
        return self._keeper.wait(within)

    def ask_to_end(self) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()

    def end(self) -> None:
        self.ask_to_end()
        try:
            self._keeper.wait(GRACE + 10)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()


def wait_until(ready: Callable[[], bool], what: str, children: Sequence[Child], within: float = 60) -> None:
    """Polls until `ready()`. Raises at once if a child dies, and with all their last words when time is up."""
    deadline = time.monotonic() + within
    while not ready():
        for child in children:
            child.check()
        if time.monotonic() > deadline:
            words = "\n".join(f"--- {child.name}\n{child.last_words(10)}" for child in children)
            raise TimeoutError(f"after {within:.0f} s still waiting for {what}\n{words}")
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now. Taken together, so that no two are the same."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
