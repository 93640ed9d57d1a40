"""When Python looks for cyclic garbage: seldom, in a process that keeps much for hours and makes little of it.

A full collection goes through everything that is kept, and nothing else happens meanwhile: with a thousand open watches
a second or more. Left alone, Python makes one whenever a quarter more is kept than at the last one, which the blocks of
open watches alone bring about each minute. What a watch leaves behind is no cyclic garbage (`WatchDriver.let_go`).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from watchdog.ports import Clock

_YOUNG = 2_000  # objects made and kept since the last look at the young ones: a fraction of a millisecond
_MIDDLE = 10  # looks at the young ones for one at those that outlived one: some milliseconds
_NEVER = 1_000_000_000
_FULL_EVERY = 3600.0


async def collecting(clock: Clock) -> None:
    """Look through everything once an hour, at the young more often than Python does; until cancelled.

    What is there already (modules, settings) is for good, and is never looked through again.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    try:
        while True:
            await clock.sleep(_FULL_EVERY)
            gc.collect()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """Not now: for work in one go that makes very much, most of which is gone at its end without the collector."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
