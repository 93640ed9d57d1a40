"""How lists tell their objects: each one's text is written once for all that list it, as long as it stays as it is.

Several processes that list a large cluster would otherwise be served by a server that does nothing but write the same
again and again, and answers nobody meanwhile: neither a lease nor a watch.
"""

from json import dumps

from watchdog.simulator.lists import Listed
from watchdog.simulator.objects import Clock, Object, key_of
from watchdog.simulator.resources import Resource
from watchdog.simulator.store import Change, Key, Store

_AT_A_TIME = 100  # objects, between turns for whoever else has asked


class Texts:
    """The texts of a store's objects."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[Resource, Key], tuple[Object, bytes]] = {}
        store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        self._kept.pop((change.resource, key_of(change.object)), None)

    async def of(self, listed: Listed) -> bytes:
        """The List as JSON; others are answered in between."""
        items = []
        for number, obj in enumerate(listed.objects, 1):
            items.append(self._text(listed.resource, obj))
            if number % _AT_A_TIME == 0:
                await self._clock.sleep(0)
        head = dumps(listed.head()).encode()
        return head[:-1] + b', "items": [' + b", ".join(items) + b"]}"

    def _text(self, resource: Resource, obj: Object) -> bytes:
        place = resource, key_of(obj)
        known = self._kept.get(place)
        if known is not None and known[0] is obj:
            return known[1]
        text = dumps({key: part for key, part in obj.items() if key not in ("kind", "apiVersion")}).encode()
        # A page of a list may tell of an object as it was: that is not what the next list asks for.
        if known is None or int(known[0]["metadata"]["resourceVersion"]) < int(obj["metadata"]["resourceVersion"]):
            self._kept[place] = obj, text
        return text
