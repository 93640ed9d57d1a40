"""The lease that all processes of one number of shards hold together, in the name of that number.

It is the one that a single leader would hold (`rollback-watchdog`). Whoever runs with another number, or without
shards, or in a version that knows of none, finds it held by somebody else, and waits.

A process believes in it until `renew_deadline` after a moment from which on everybody else counts the lease's whole
length: it sent a renewal then, which succeeded; or it looked then, and somebody of the same number has renewed since.
Nobody gives it back, for others may still rely on it; it expires when the last of them is gone.
"""

import logging
import random
from collections.abc import Callable

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import NAME, PREFIX
from watchdog.adapters.kubernetes.lease import KubernetesLease, Timing
from watchdog.domain.shards import SCHEME
from watchdog.ports import Clock

log = logging.getLogger(__name__)

WISH = PREFIX + "wants-shard"

_NEVER = float("-inf")


class Layout(KubernetesLease):
    """No `Leadership`: it leads nothing by itself, and whoever leads a shard does so only while this is `valid`.

    `on_wish(number)` is told when another process wishes for a shard, once for each wish that comes while this one
    looks. `since` is another number whenever this process has not believed in the layout for a moment: somebody else
    may have led then.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        *,
        shards: int,
        process: str,
        clock: Clock,
        rng: random.Random,
        name: str = NAME,
        timing: Timing | None = None,
    ) -> None:
        identity = f"{shards}-shards-{SCHEME}"
        super().__init__(client, namespace, identity=identity, clock=clock, rng=rng, name=name, timing=timing)
        self._process = process
        self._looked = _NEVER  # when the look or write was sent that showed it as it is known
        self._wish: int | None = None
        self._heard: str | None = None  # the last wish that was there
        self.since = 0
        self.on_wish: Callable[[int], None] = lambda _number: None

    @property
    def left(self) -> float:
        """Seconds for which it is believed in without another word."""
        return self._left()

    async def run(self) -> None:
        """Keep it, or try for it; until cancelled."""
        while True:
            believed = self.valid()
            await self._tried(self._timing.renew_deadline / 3)
            if self.valid() and not believed:
                log.info("shards may be led", extra={"facts": {"layout": self._identity}})
            wait = self._wait()
            if self._held_by_another():
                wait = min(wait, max(0.0, self._expires() - self._clock.monotonic()) + 0.05)
            await self._clock.sleep(wait)

    def wish(self, number: int) -> None:
        """Ask whoever leads that shard for it, with the next renewal."""
        self._wish = number

    async def release(self) -> None:
        """Nothing: others of the same number may still count on it."""

    async def _take(self) -> bool:
        for again in (False, True):
            known, looked, began = _version(self._lease), self._looked, self._clock.monotonic()
            await self._look()
            self._looked = began
            if self._held_by_another():
                self._valid_until = _NEVER
                return False
            self._hear()
            if self._renewed_since(known) and self._wish is None and self._is_fresh(looked):
                self._believe(looked)
                return True
            began = self._clock.monotonic()
            try:
                self._say_wish()
                stored = await self._written(self._identity, int(self._timing.lease))
            except ApiError as error:
                if error.status != 409 and (error.status != 404 or again):
                    raise  # not found twice: there is no such namespace
                continue  # another one of the same number was quicker, as a rule: look
            self._saw(stored)
            self._looked = began
            self._believe(began)
            self._wish, self._heard = None, self._wish_there()
            return True
        return False

    def _renewed_since(self, version: str) -> bool:
        """Whether it is ours, and was written since it had that version: whoever counts, counts from later."""
        return self.holder == self._identity and version not in ("", _version(self._lease))

    def _is_fresh(self, looked: float) -> bool:
        return self._clock.monotonic() - looked < self._timing.renew_deadline / 2

    def _believe(self, moment: float) -> None:
        if not self.valid():
            self.since += 1
        self._valid_until = max(self._valid_until, moment + self._timing.renew_deadline)

    # -- wishes --------------------------------------------------------------------------------------------------

    def _say_wish(self) -> None:
        """Put the wish among what is written next."""
        if self._wish is None or self._lease is None:
            return
        text = f"{self._wish} for {self._process} at {self._clock.now().isoformat()}"
        metadata = self._lease["metadata"]
        annotations = {**(metadata.get("annotations") or {}), WISH: text}
        self._lease = {**self._lease, "metadata": {**metadata, "annotations": annotations}}

    def _hear(self) -> None:
        """Tell of a wish that is new. One that was there at the first look is old, or somebody else's to grant."""
        before, self._heard = self._heard, self._wish_there()
        number = self._heard.partition(" ")[0]
        if before is not None and self._heard != before and number.isdecimal():
            self.on_wish(int(number))

    def _wish_there(self) -> str:
        annotations = (self._lease or {}).get("metadata", {}).get("annotations") or {}
        return str(annotations.get(WISH, ""))


def _version(lease: dict[str, object] | None) -> str:
    metadata = (lease or {}).get("metadata")
    return str(metadata.get("resourceVersion") or "") if isinstance(metadata, dict) else ""
