"""Threads for a library that blocks, none of which can keep the process alive."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads(Executor):
    """A daemon thread a call, at most `limit` at a time.

    A ThreadPoolExecutor's threads are joined when the interpreter exits: one that hangs on a silent server would
    hold up SIGTERM. Calls that would have to queue are refused: the caller asks `full` first.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._running = 0

    @property
    def full(self) -> bool:
        """Whether `submit` would refuse."""
        return self._running >= self._limit

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run `fn` in a thread of its own; raises RuntimeError when full."""
        with self._lock:
            if self.full:
                raise RuntimeError(f"all {self._limit} threads of {self._name} are taken")
            self._running += 1
        future: Future[T] = Future()
        threading.Thread(target=self._run, args=(future, fn, args, kwargs), name=self._name, daemon=True).start()
        return future

    def _run(self, future: Future[T], fn: Callable[..., T], args: Any, kwargs: Any) -> None:
        if not future.set_running_or_notify_cancel():
            self._ended()
            return
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - as every executor: the future carries it to whoever waits
            self._ended()
            future.set_exception(error)
        else:
            self._ended()
            future.set_result(result)

    def _ended(self) -> None:
        """Before whoever waits hears of it, who may then submit at once."""
        with self._lock:
            self._running -= 1
