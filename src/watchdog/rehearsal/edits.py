"""Tells of edits of rules.toml during a dry run, which goes on with the rules that it began with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from watchdog.adapters.rules_file import RulesFile, Unreadable
from watchdog.ports import Clock


@asynccontextmanager
async def edits_told(path: Path, known: str, clock: Clock, told: Callable[[str], None]) -> AsyncIterator[None]:
    """Within it, `told` hears of each edit of the file that held the text `known`."""

    async def tell() -> None:
        async for text in RulesFile(path, clock).changes(known):
            if isinstance(text, Unreadable):
                told(text.reason)
            elif text != known:
                told(f"{path} was edited")

    telling = asyncio.create_task(tell(), name="tell edits of the rules")
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])
