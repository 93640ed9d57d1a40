"""Leadership by a Lease, as client-go's leader election keeps one, on this machine's monotonic clock alone.

Two machines' clocks are never compared. Who holds the lease believes in it for `renew_deadline` from the moment in
which it *sent* its last renewal; everybody else waits the lease's whole length from the moment in which they *saw* the
record change last. What is seen was sent before, so that between the two lie at least `lease - renew_deadline` seconds,
however wrong either clock is. A process that was stopped (SIGSTOP) and goes on finds the same out: the monotonic clock
went on meanwhile, so `valid` says no before a single renewal was tried.

Each request is cut off after a third of the renew deadline: a connection that died without a word costs one try, not
the lease.
"""

import asyncio
import logging
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from watchdog.adapters.kubernetes.alone import Alone
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import LEASES, NAME
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Json = dict[str, Any]

_NEVER = float("-inf")
_JITTER = 0.2
_LAST_CALL = 0.8  # seconds that giving the lease back may take: the process has five to end
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `lease`: how long others wait for a holder that is silent; a whole number of seconds."""

    lease: float = 10.0
    renew_deadline: float = 7.0
    retry: float = 1.5

    def __post_init__(self) -> None:
        if not (self.lease > self.renew_deadline > self.retry * (1 + _JITTER) > 0 and self.lease == int(self.lease)):
            raise ValueError(f"{self}: lease > renew_deadline > retry is needed")


class KubernetesLease:
    """The `Leadership` port. `identity` must be another one in each life of each process.

    RBAC, in its own namespace: get and update of the named lease; create of leases.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        *,
        identity: str,
        clock: Clock,
        rng: random.Random,
        name: str = NAME,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._rng = rng
        self._timing = timing or Timing()
        self._lease: Json | None = None  # as seen last
        self._changed = _NEVER  # when it was first seen so
        self._known = False  # whether it was seen at all, there or not
        self._valid_until = _NEVER
        self._verb = "get"
        self._alone = Alone(identity)
        self.trouble = ""
        self.tried = asyncio.Event()
        """Set once the first try has ended, whatever came of it."""

    @property
    def alone_since(self) -> float:
        return self._clock.monotonic() if self._alone.since is None else self._alone.since

    @property
    def holder(self) -> str:
        return str(_spec(self._lease).get("holderIdentity") or "")

    def valid(self) -> bool:
        return self._clock.monotonic() < self._valid_until

    async def acquire(self) -> None:
        """Try again and again; whatever is in the way is logged once."""
        while not await self._tried(self._timing.renew_deadline / 3):
            wait = self._wait()
            if self._known and self._held_by_another():
                # Be there when it expires, not up to one retry later.
                wait = min(wait, max(0.0, self._expires() - self._clock.monotonic()) + 0.05)
            await self._clock.sleep(wait)
        log.info("leads now", extra={"facts": {"lease": self._name, "identity": self._identity}})

    async def keep(self) -> None:
        """Renew until that fails for the whole renew deadline, or another one holds the lease."""
        while True:
            await self._clock.sleep(min(self._wait(), self._left()))
            # Whoever slept too long must not even ask: it might be given what others counted on being free.
            if self._left() and not await self._tried(min(self._left(), self._timing.renew_deadline / 3)):
                log.info("lease not renewed", extra={"facts": {"why": self.trouble or f"{self.holder} holds it"}})
            if not self.valid():
                why = self._why_lost()
                self._valid_until = _NEVER
                log.warning("leads no more", extra={"facts": {"lease": self._name, "why": why}})
                return

    async def release(self) -> None:
        """Empty the holder, as client-go does: whoever looks next takes the lease without waiting."""
        if self.valid():
            await self._give_up()

    async def _give_up(self) -> None:
        self._valid_until = _NEVER
        try:
            async with asyncio.timeout(_LAST_CALL):
                if not await self._give_back():
                    await self._look()  # a renewal was under way, and changed it
                    await self._give_back()
        except (TimeoutError, OutOfReach, ApiError) as error:
            log.info("lease not given back", extra={"facts": {"why": str(error) or "no answer in time"}})

    # -- one try -------------------------------------------------------------------------------------------------

    async def _tried(self, seconds: float) -> bool:
        """Take the lease or renew it, within so many seconds; whether this process holds it by that."""
        try:
            async with asyncio.timeout(seconds):
                holds = await self._take()
        except TimeoutError:
            trouble = f"no answer in {seconds:.1f} s to {self._verb} lease {self._name}"
        except OutOfReach as error:
            trouble = f"lease {self._name}: {error}"
        except ApiError as error:
            trouble = f"lease {self._name}: {error}"
            if error.status == 403:
                trouble = (
                    f"the watchdog may not {self._verb} leases in namespace {self._namespace};"
                    f" grant it in a Role ({error.message})"
                )
        else:
            self.trouble = ""
            return holds
        finally:
            self.tried.set()
        if trouble != self.trouble:
            log.error("the lease is out of reach: %s", trouble)
        self.trouble = trouble
        return False

    async def _take(self) -> bool:
        """Write this process into the lease where that is right; False where another one has it."""
        began = self._clock.monotonic()
        for as_known in (self.valid(), False):
            if not as_known:
                await self._look()
            if self._held_by_another():
                self._valid_until = _NEVER
                return False
            try:
                stored = await self._written(self._identity, int(self._timing.lease))
            except ApiError as error:
                # Gone since it was looked at, or changed: look again. What is not found then has no namespace.
                if error.status != 409 and (error.status != 404 or not as_known):
                    raise
                continue
            self._saw(stored)
            self._valid_until = began + self._timing.renew_deadline
            return True
        return False

    async def _look(self) -> None:
        self._verb = "get"
        try:
            self._saw(await self._client.get(LEASES, self._namespace, self._name))
        except ApiError as error:
            if error.status != 404:
                raise
            # Deleted under its holder, it is no free one yet: the holder cannot know.
            self._known = True
            self._alone.saw(None, self._clock.monotonic())
            if not self._held_by_another():
                self._lease = None
            elif self._lease is not None:
                self._lease["metadata"].pop("resourceVersion", None)

    def _saw(self, lease: Json) -> None:
        before = None if self._lease is None else self._lease["metadata"].get("resourceVersion")
        if before is None or before != lease["metadata"]["resourceVersion"]:
            self._changed = self._clock.monotonic()
        self._lease, self._known = lease, True
        self._alone.saw(lease, self._clock.monotonic())

    async def _written(self, holder: str, seconds: int) -> Json:
        """Create the lease, or replace it as it was seen last: a conflict where it is another one by now."""
        lease, old = self._lease, _spec(self._lease)
        now = self._clock.now()
        # A clock that stands still would make a renewal that changes nothing, and the server would not count it.
        renewed = now if _micro(now) != old.get("renewTime") else now + _MICROSECOND
        anew = old.get("holderIdentity") != holder
        spec = {
            **old,
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "acquireTime": _micro(now) if anew else old.get("acquireTime"),
            "renewTime": _micro(renewed),
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (anew and lease is not None and bool(holder)),
        }
        if lease is None or not lease["metadata"].get("resourceVersion"):
            self._verb = "create"
            body = {"metadata": {"name": self._name}, "spec": spec}
            return await self._client.create(LEASES, self._namespace, body)
        self._verb = "update"
        return await self._client.replace(LEASES, self._namespace, self._name, {**lease, "spec": spec})

    async def _give_back(self) -> bool:
        if self.holder != self._identity:
            return True
        try:
            self._saw(await self._written("", 1))
        except ApiError as error:
            if error.status != 409:
                raise
            return False
        log.info("lease given back", extra={"facts": {"lease": self._name}})
        return True

    # -- whose it is ---------------------------------------------------------------------------------------------

    def _held_by_another(self) -> bool:
        return self.holder not in ("", self._identity) and self._clock.monotonic() < self._expires()

    def _expires(self) -> float:
        """Of the lease as it was seen last; its holder may have settled on another length than ours."""
        length = _spec(self._lease).get("leaseDurationSeconds")
        return self._changed + (float(length) if isinstance(length, int) and length > 0 else self._timing.lease)

    def _left(self) -> float:
        return max(0.0, self._valid_until - self._clock.monotonic())

    def _wait(self) -> float:
        return self._timing.retry * self._rng.uniform(1 - _JITTER, 1 + _JITTER)

    def _why_lost(self) -> str:
        if self.holder != self._identity:
            return f"{self.holder or 'nobody'} holds the lease"
        return f"not renewed for {self._timing.renew_deadline:g} s" + (f": {self.trouble}" if self.trouble else "")


def _spec(lease: Json | None) -> Json:
    return (lease or {}).get("spec") or {}


def _micro(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
