"""Records that this version cannot read: kept as they are, and the targets of open ones left alone.

Two versions stand side by side during an upgrade, and one may follow the other either way. What one of them began is
its own to finish: whoever cannot read how far it got might do it a second time.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.domain.codec import Unreadable
from watchdog.domain.record import is_about, watch_of
from watchdog.domain.rollout import Target
from watchdog.domain.state import Watch

log = logging.getLogger(__name__)


class Unread:
    """What could not be read when the records were last looked through."""

    def __init__(self) -> None:
        self._why: dict[str, str] = {}  # by the watch's id
        self._open: Sequence[Mapping[str, Any]] = ()

    def sort_out(self, documents: Sequence[Mapping[str, Any]]) -> list[Watch]:
        """The watches of those that can be read; the others are taken note of, and said in the log once each."""
        watches, still_open = [], []
        for document in documents:
            try:
                watches.append(watch_of(document))
            except Unreadable as error:
                name = str(document.get("watch", "?"))
                if name not in self._why:
                    log.warning("record kept, not acted on", extra={"facts": {"watch": name, "why": str(error)}})
                self._why[name] = str(error)
                if document.get("outcome") is None:
                    still_open.append(document)
        self._open = still_open
        return watches

    def has(self, watch_id: str) -> bool:
        """Whether a watch of that id is on record, for others to read."""
        return watch_id in self._why

    def of(self, target: Target) -> str:
        """Why the target is left alone; "" where it is not."""
        for document in self._open:
            if is_about(document, str(target)):
                watch = str(document.get("watch", "?"))
                return f"its open watch {watch} cannot be read by this version: {self._why[watch]}"
        return ""
