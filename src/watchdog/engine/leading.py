"""The one that leads works, the others stand by: begins the leader's work with the lead, and ends it with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from watchdog.ports import Leadership


async def lead(
    leadership: Leadership,
    work: Callable[[], Coroutine[Any, Any, None]],
    leads: Callable[[bool], None] = lambda _: None,
) -> None:
    """Do `work` whenever this process leads, anew each time; until cancelled, or until `work` fails.

    With the lead the work is cancelled, and the lead is not sought again before the work has ended. `leads` is told of
    each change.
    """
    while True:
        await leadership.acquire()
        async with asyncio.TaskGroup() as term:
            task = term.create_task(work(), name="the leader's work")
            leads(True)
            try:
                await leadership.keep()
            finally:
                leads(False)
                task.cancel()
