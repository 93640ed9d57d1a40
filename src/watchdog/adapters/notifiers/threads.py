"""Threads for a library that blocks, none of which can keep the process alive."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads(Executor):
    """A daemon thread a call; whoever calls bounds their number.

    A ThreadPoolExecutor's threads are joined when the interpreter exits: one that hangs on a silent server would
    hold up SIGTERM.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run `fn` in a thread of its own."""
        future: Future[T] = Future()
        threading.Thread(target=self._run, args=(future, fn, args, kwargs), name=self._name, daemon=True).start()
        return future

    @staticmethod
    def _run(future: Future[T], fn: Callable[..., T], args: Any, kwargs: Any) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - as every executor: the future carries it to whoever waits
            future.set_exception(error)
        else:
            future.set_result(result)
