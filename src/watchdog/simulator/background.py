"""A task that works beside the body of an `async with`, and whose failure is not lost."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(work: Coroutine[object, object, None], name: str) -> AsyncIterator[None]:
    """Run `work` until the body ends. If it failed by then, raise that; if the body failed too, note it there.

    A TaskGroup would wrap every failure of the body, a test's assertion among them, in a group.
    """
    task = asyncio.create_task(work, name=name)
    try:
        yield
    except BaseException as error:
        failure = await _ended(task)
        if failure is not None:
            error.add_note(f"{name} had failed before: {failure!r}")
        raise
    failure = await _ended(task)
    if failure is not None:
        raise failure


async def _ended(task: asyncio.Task[None]) -> BaseException | None:
    task.cancel()
    await asyncio.wait([task])
    return None if task.cancelled() else task.exception()
