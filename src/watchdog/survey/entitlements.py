"""Whether the running watchdog may do all that its rules ask of it: asked at the start, and again while it may not.

A right that is missing shows at once, not at three in the morning when it is used for the first time.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, SERVICES
from watchdog.domain.owners import Owner
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.ports import Clock, OutOfReach
from watchdog.survey.rights import Lack, Need, lacking

log = logging.getLogger(__name__)

_EVERY = 600.0  # seconds
_WHILE_MISSING = 60.0
_FIRST = 2.0  # the objects are being listed, and what reconciles them is written on them


class Entitlements:
    """Asks the API server what of `needs` it does not grant, and says each once: a line in the log, and `missing`."""

    def __init__(
        self,
        kube: KubeClient,
        clock: Clock,
        *,
        needs: Callable[[], Iterable[Need]],
        told: Callable[[Sequence[Lack]], None],
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._needs = needs
        self._told = told
        self._changed = asyncio.Event()
        self.missing: Sequence[Lack] = ()

    def ask_again(self) -> None:
        """The rules changed, and with them what is needed."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        wait = _FIRST
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            self._changed.clear()
            try:
                missing = await lacking(self._kube, self._needs())
            except OutOfReach as error:
                log.info("rights not looked at", extra={"facts": {"why": str(error)}})
                wait = _WHILE_MISSING
                continue
            for lack in missing:
                if lack not in self.missing:
                    log.error(
                        "a right is missing", extra={"facts": {"why": f"the watchdog {lack}; grant it in a Role"}}
                    )
            if self.missing and not missing:
                log.info("no right is missing any more")
            self.missing = missing
            self._told(missing)
            wait = _WHILE_MISSING if missing else _EVERY


def owners_in(cache: ClusterCache, rulebook: Rulebook) -> Iterator[tuple[Owner, Guard]]:
    """What reconciles the guarded objects that were seen, each with its guard."""
    for namespace in cache.namespaces:
        for resource, kind in ((DEPLOYMENTS, TargetKind.DEPLOYMENT), (SERVICES, TargetKind.SERVICE)):
            for name, one in cache.all(resource, namespace).items():
                owner = workloads.owner(one)
                if owner is not None:
                    for guard in rulebook.guards_of(Target(namespace, kind, name), workloads.labels(one)):
                        yield owner, guard
