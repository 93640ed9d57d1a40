"""Time that runs as fast as the work allows, for real sockets and real clients in one process.

`SimulatedLoop` is an asyncio loop that never waits for a timer: when nothing is ready to run and no socket has
news, it moves its own time to the next timer. Everything that counts with the loop's time (timeouts of httpx
and aiohttp, `asyncio.timeout`, sleeps) therefore agrees with `SimulatedClock`. Threads live in real time, so
the loop never jumps while a call in an executor is under way.
"""

import asyncio
import selectors
import time
from asyncio import selector_events
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from watchdog.simulator.loop import TidyLoop

T = TypeVar("T")

# A byte written to a loopback socket is readable at once, but not in the same instant on a busy kernel. A long jump
# could run into a deadline of whoever waits for that byte, so it is worth a millisecond of real patience, a few times
# after a socket was last used. Many short jumps in a row are as a long one. Hours in which nobody speaks cost none.
_QUIET_POLLS = 3
_LONG_JUMP = 0.25
_PATIENCE = 0.001
_PATIENT_JUMPS = 4


class _JumpingSelector(selectors.DefaultSelector):
    """Polls the real sockets; where they are quiet, tells the loop's time to jump instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0.0
        self.in_threads = 0
        self._patience = _PATIENT_JUMPS
        self._jumped = 0.0

    def stir(self) -> None:
        """A socket was used: something may be on its way."""
        self._patience = _PATIENT_JUMPS
        self._jumped = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self.stir()
        return super().register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        self.stir()
        return super().unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            self.stir()
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.in_threads or timeout is None:
            # Only the outside (a thread, a signal, another process) can end this wait: wait for it in real time.
            return super().select(0.05 if self.in_threads else timeout)
        if self._patience and (ready := self._patient(timeout)):
            self.stir()
            return ready
        self.offset += timeout
        return []

    def _patient(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        for _ in range(_QUIET_POLLS):
            if ready := super().select(0):
                return ready
        self._jumped += timeout
        if self._jumped < _LONG_JUMP:
            return []
        self._jumped = 0.0
        self._patience -= 1
        return super().select(_PATIENCE)


class _Stirring(selector_events._SelectorSocketTransport):  # type: ignore[name-defined, misc]
    """A socket whose writes are noticed: an answer may come."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._loop._jumping.stir()
        super().write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._loop._jumping.stir()
        super().writelines(list_of_data)

    def write_eof(self) -> None:
        self._loop._jumping.stir()
        super().write_eof()


class SimulatedLoop(TidyLoop):
    """An event loop whose time jumps to the next timer whenever nothing else is to be done."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        self._began = time.monotonic()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Seconds since the loop was made. Real time passes only while code runs, so it is left out."""
        return self._jumping.offset

    def _make_socket_transport(
        self, sock: Any, protocol: Any, waiter: Any = None, *, extra: Any = None, server: Any = None
    ) -> _Stirring:
        return _Stirring(self, sock, protocol, waiter, extra, server)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        self._jumping.in_threads += 1
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)

        def done(_: asyncio.Future[T]) -> None:
            self._jumping.in_threads -= 1

        future.add_done_callback(done)
        return future


class SimulatedClock:
    """The `Clock` port on a `SimulatedLoop`: `now` is `start` plus the loop's own seconds."""

    def __init__(self, start: datetime, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._start = start.astimezone(UTC) - timedelta(seconds=self._loop.time())

    def now(self) -> datetime:
        """The simulated time of day, in UTC."""
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        """The loop's seconds."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(max(0.0, seconds))


def run_simulated(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a fresh `SimulatedLoop`, as `asyncio.run` would."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
