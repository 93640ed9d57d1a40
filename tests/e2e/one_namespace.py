"""One namespace of other kinds than the usual ones, and the watchdog that guards it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.channels import Webhook
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.prometheus import RealPrometheus
from e2e.guarding import Guarding, rules_of_kind
from e2e.interception import Interception
from e2e.season import Scraped
from stage import Story
from watchdog.domain.rollout import TargetKind


@dataclass(frozen=True)
class Guarded:
    """The namespace, its watchdog, which is not started yet, and who scrapes its pods."""

    home: Namespace
    guarding: Guarding
    prometheus: RealPrometheus

    async def start(self, targets: set[str], *, pods: int, requests: float) -> None:
        """Once so many pods have served so many requests each; then wait until it knows the targets."""

        async def enough() -> bool:
            found = await self.prometheus.query(f'sum by (pod) (http_requests_total{{namespace="{self.home.name}"}})')
            counts = [float(one["value"][1]) for one in found]
            return len(counts) >= pods and min(counts) >= requests

        await self.home.until(enough, "the requests before the releases", within=90)
        await self.guarding.daemon.start()
        await self.guarding.knows(self.home.name, targets)


@asynccontextmanager
async def guarded(
    plane: ControlPlane | ExternalCluster, scraped: Scraped, scratch: Path, story: Story, kinds: Iterable[TargetKind]
) -> AsyncIterator[Guarded]:
    """With the rights that these kinds need. It has to end well if told to, once all is told."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(plane.admin.client())
        home, own = await Namespace.make(plane, api), await Namespace.make(plane, api)
        webhook = await stack.enter_async_context(Webhook())
        interception = await stack.enter_async_context(Interception(plane.admin))
        prometheus = scraped("1s")
        (scratch / "watchdog").mkdir()
        guarding = await Guarding.prepare(
            "watchdog",
            own,
            {home.name: story.guard(home.name)},
            prometheus.url,
            webhook,
            interception,
            scratch / "watchdog",
            intercepted=isinstance(plane, ExternalCluster),
        )
        for kind in kinds:
            await home.allow(guarding.user, rules_of_kind(kind))
        stack.callback(guarding.daemon.clean_up)
        yield Guarded(home, guarding, prometheus)
        assert await guarding.daemon.terminate() == 0
        await home.remove()
        await own.remove()
