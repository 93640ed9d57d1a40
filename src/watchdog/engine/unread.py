"""Records that this version cannot read: kept as they are, and the targets of open ones left alone.

Two versions stand side by side during an upgrade, and one may follow the other either way. What one of them began is
its own to finish: whoever cannot read how far it got might do it a second time.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchdog.domain.codec import Unreadable
from watchdog.domain.live import Sighting
from watchdog.domain.record import is_about, watch_of
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard
from watchdog.domain.state import Watch
from watchdog.engine.exempting import Exemptions
from watchdog.engine.memories import Memories

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record that this version cannot read."""

    document: Mapping[str, Any]
    why: str

    @property
    def id(self) -> str:
        """Of its watch."""
        return str(self.document.get("watch", "?"))


def read(document: Mapping[str, Any]) -> Watch | Sealed:
    """The watch of a record, if this version can read it."""
    try:
        return watch_of(document)
    except Unreadable as error:
        return Sealed(document, str(error))


class Unread:
    """What could not be read when the records were last looked through."""

    def __init__(self) -> None:
        self._why: dict[str, str] = {}  # by the watch's id
        self._open: Sequence[Mapping[str, Any]] = ()

    def sort_out(self, records: Iterable[Watch | Sealed]) -> list[Watch]:
        """Those that could be read; the others are taken note of, and said in the log once each."""
        watches, still_open = [], []
        for one in records:
            if isinstance(one, Watch):
                watches.append(one)
                continue
            if one.id not in self._why:
                log.warning("record kept, not acted on", extra={"facts": {"watch": one.id, "why": one.why}})
            self._why[one.id] = one.why
            if one.document.get("outcome") is None:
                still_open.append(one.document)
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


class LeftAlone:
    """The targets that are left to another version, as last sighted, for when that ends."""

    def __init__(self, unread: Unread, memories: Memories, exemptions: Exemptions) -> None:
        self._unread = unread
        self._memories = memories
        self._exemptions = exemptions
        self._sightings: dict[Target, Sighting] = {}

    def leave(self, sighting: Sighting, guard: Guard) -> bool:
        """Whether the target's open watch is another version's, to whom it is left."""
        why = self._unread.of(sighting.target)
        if why:
            self._sightings[sighting.target] = sighting
            self._exemptions.leave(sighting, "is not watched", why, guard)
        elif unread := self._memories.unread(sighting.target):
            self._exemptions.leave(sighting, "is judged but not put back", unread, guard)
        return bool(why)

    def taken_again(self) -> Iterator[Sighting]:
        """What was left, and is to be looked at now: nothing of another version stands open any more."""
        for target, sighting in tuple(self._sightings.items()):
            if not self._unread.of(target):
                del self._sightings[target]
                self._exemptions.take_again(target)
                yield sighting
