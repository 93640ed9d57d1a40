"""The peers of a watch among all targets that are known: its own namespace first, so that few need be gone through."""

from collections.abc import Sequence

from watchdog.domain.memory import Memory
from watchdog.domain.state import Watch
from watchdog.domain.untouched import MOST, Peer, untouched
from watchdog.engine.elsewhere import Elsewhere
from watchdog.engine.guarding import Guarding
from watchdog.engine.unread import Unread


class Neighbours:
    """Asks what is remembered here, and of other shards' targets where that does not do."""

    def __init__(self, guarding: Guarding, unread: Unread, elsewhere: Elsewhere | None) -> None:
        self._guarding = guarding
        self._unread = unread
        self._elsewhere = elsewhere

    async def of(self, watch: Watch, watches: Sequence[Watch]) -> tuple[Peer, ...]:
        """Targets of the watch's guard that nobody touched in the same time, of whichever shard."""
        namespace = watch.switch.target.namespace
        near = [one for one in watches if one.switch.target.namespace == namespace]
        found = untouched(watch, self._known(watch, namespace), near)
        if len(found) >= MOST:
            return found  # those of other namespaces come after them, whoever they are
        guard = self._guarding.rulebook.guard(watch.guard.name)
        others: tuple[Memory, ...] = ()
        if self._elsewhere is not None and guard is not None:
            await self._elsewhere.look(guard)
            others = self._elsewhere.memories_of(guard)
        return untouched(watch, (*self._known(watch), *others), watches)

    def _known(self, watch: Watch, namespace: str = "") -> list[Memory]:
        found = self._guarding.memories_of(watch.guard, namespace)
        return [one for one in found if not self._unread.of(one.target)]
