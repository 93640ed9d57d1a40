"""The record of a watch is written; one that is too large, in brief, so that no size keeps a watch from its course."""

import logging

from watchdog.domain.brief import brief_of
from watchdog.domain.record import record_of
from watchdog.domain.state import Watch
from watchdog.ports import Journal, TooLarge

log = logging.getLogger(__name__)


async def journalled(journal: Journal, watch: Watch, *, open_watch: bool) -> None:
    """Raises `OutOfReach`, where another try may mend it."""
    try:
        await journal.write(watch.id, record_of(watch), open_watch=open_watch)
    except TooLarge as error:
        _log(watch, "record too large, kept in brief: the watch goes on, but not after a restart", error)
    else:
        return
    try:
        await journal.write(watch.id, brief_of(watch), open_watch=open_watch)
    except TooLarge as error:
        _log(watch, "record too large, even in brief: not kept", error)


def _log(watch: Watch, what: str, error: TooLarge) -> None:
    log.error(what, extra={"facts": {"watch": watch.id, "why": str(error)}})
