"""A pipe that nobody reads any more ends a verb that goes on for long, as it ends the others: quietly, with 1."""

import asyncio
import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable
from typing import Self, TypeVar

T = TypeVar("T")


class Reader:
    """Whoever reads standard output. When they go, `stop` is set; leaving the block then raises BrokenPipeError."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._gone = False
        self._pipe = _pipe()

    def __enter__(self) -> Self:
        if self._pipe is not None:
            # The writing end has nothing to read; it is reported when the last reader has closed the other end.
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_reader(self._pipe, self._leave)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._unregister()
        if self._gone and kind is None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def told(self, show: Callable[[T], None]) -> Callable[[T], None]:
        """`show`, for tasks that nothing may be raised in."""

        def showing(what: T) -> None:
            if self._gone:
                return
            try:
                show(what)
            except BrokenPipeError:
                self._leave()

        return showing

    def _leave(self) -> None:
        self._gone = True
        self._unregister()
        self._stop.set()

    def _unregister(self) -> None:
        if self._pipe is not None:
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().remove_reader(self._pipe)
            self._pipe = None


def _pipe() -> int | None:
    """Standard output where it is a pipe."""
    try:
        descriptor = sys.stdout.fileno()
        return descriptor if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
    except OSError:  # no descriptor at all, or a closed one
        return None
