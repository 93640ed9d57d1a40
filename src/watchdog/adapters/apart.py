"""Work in a process of its own, of which nothing stays but what it found: not the libraries that it took."""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What `work` returns, or raises, as a copy. For the start of a process: others of its threads must not hold locks.

    Where no process can be made, or it dies, the work is done in this one: then it takes more memory.
    """
    try:
        ends = os.pipe()
        child = os.fork()
    except OSError:
        return work()
    if not child:
        _tell(ends[1], work)
    os.close(ends[1])
    with os.fdopen(ends[0], "rb") as told:
        text = told.read()
    os.waitpid(child, 0)
    if not text:
        return work()
    failed, found = pickle.loads(text)  # noqa: S301 - our own child wrote it
    if failed:
        raise found
    result: T = found
    return result


def _tell(end: int, work: Callable[[], T]) -> None:
    """Write down what came of it, and end: whatever happens, the child must not go on as if it were its parent."""
    with suppress(BaseException):
        outcome: tuple[bool, T | Exception]
        try:
            outcome = False, work()
        except Exception as error:  # noqa: BLE001 - the parent raises it
            outcome = True, error
        with os.fdopen(end, "wb") as telling:
            telling.write(pickle.dumps(outcome))
    os._exit(0)
