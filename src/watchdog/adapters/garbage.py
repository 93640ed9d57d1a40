"""When Python looks for cyclic garbage: seldom, in a process that keeps much for hours and makes little of it.

A full collection goes through everything that is kept, and nothing else happens meanwhile: with a thousand open watches
a second or more. Left alone, Python makes one whenever a quarter more is kept than at the last one, which the blocks of
open watches alone bring about each minute. What a watch leaves behind is no cyclic garbage (`WatchDriver.let_go`).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from watchdog.ports import Clock

_YOUNG = 50_000  # objects made beyond those that went; so many come between two looks of ours in a burst alone
_LOOK_EVERY = 2.0
_MIDDLE = 10  # looks at the young ones for one at those that outlived one
_NEVER = 1_000_000_000
_FULL = 1800  # looks for one at everything: an hour


async def collecting(clock: Clock) -> None:
    """Look at the young objects every two seconds, through everything once an hour; until cancelled.

    Left alone, Python looks whenever 700 more were made than went, which is many times a second where answers
    are taken apart, and finds nothing. By its count alone it could not look more seldom: a thousand watches exchange
    old blocks for new ones, so that a larger number is hardly ever reached, and the look that comes then is long.
    What is there already (modules, settings) is for good, and is never looked through again.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    try:
        for look in count(1):
            await clock.sleep(_LOOK_EVERY)
            gc.collect(2 if look % _FULL == 0 else 1 if look % _MIDDLE == 0 else 0)
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
