"""Since when nobody else can have led, as the versions of a lease tell it.

Whoever takes a lease from another, or from nobody, counts its `leaseTransitions` up: as long as that number goes up
by this process's own takes alone, there was nobody in between, however long this process did not lead itself. So what
it knew of the cluster at that moment, and heard since, is not older than what any leader decided by.
"""

from typing import Any

Json = dict[str, Any]
_Key = tuple[str, int] | None  # of which lease it is the how-manieth holder; None: there is none


class Alone:
    """Follows one lease for one identity; moments are monotonic, of when an answer was there."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._key: _Key = None
        self.since: float | None = None
        """None: somebody else may lead at present, or nothing was seen yet."""

    def saw(self, lease: Json | None, now: float) -> None:
        """The lease as an answer shows it; None for none."""
        spec = (lease or {}).get("spec") or {}
        holder, key = str(spec.get("holderIdentity") or ""), _key_of(lease, spec)
        if holder not in ("", self._identity):
            self.since = None
        elif self.since is None or not self._follows(key, own=holder == self._identity):
            self.since = now
        self._key = key

    def _follows(self, key: _Key, *, own: bool) -> bool:
        """Whether nobody else can have held it between the last look and this one."""
        if key == self._key:
            return True
        if key is None:
            return False  # deleted, by whoever: it may have been another one by then
        if self._key is None:
            return own
        return own and key == (self._key[0], self._key[1] + 1)


def _key_of(lease: Json | None, spec: Json) -> _Key:
    if lease is None:
        return None
    return str(lease["metadata"].get("uid", "")), int(spec.get("leaseTransitions") or 0)
