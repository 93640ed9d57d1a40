"""What carries, configures and reconciles the targets."""

from collections.abc import AsyncIterator
from typing import Protocol

from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, Remedy
from watchdog.domain.live import Configured, Live, Sighting
from watchdog.domain.owners import Owner
from watchdog.domain.rollout import Revision, Stable, SwitchKind, Target, TargetKind, TrafficSwitch


class TrafficProvider(Protocol):
    """What carries traffic switches, of one kind of object. A new one is one file that fulfils this.

    `carries` is the kind of its targets, `kind` how traffic reaches another revision there.
    """

    carries: TargetKind
    kind: SwitchKind

    def switches(self) -> AsyncIterator[Sighting]:
        """What serves each target, whenever that may have changed and once more after each relist; never ends.

        Whether a sighting is a switch is decided by `watchdog.domain.noticing.notice`, which knows what served before.
        """
        ...

    async def live(
        self, switch: TrafficSwitch, stable: Stable | None, *, after: int | None = None, fresh: bool = False
    ) -> Live:
        """The target as it is now.

        With `after`, waits until the target has changed since the `Live` of that version. With `fresh`, reads from
        the API server and looks at the destination too (its needs, a server-side dry run). Raises `OutOfReach`.
        """
        ...

    async def put_back(self, remedy: Remedy) -> PutBackAnswer:
        """Point the traffic at `remedy.to`, under the remedy's preconditions, in one write per object."""
        ...

    async def describe(self, target: Target, revision: Revision, commits: str = "") -> Description:
        """What a person would want to know of a revision: what it is made of, who made it. Raises `OutOfReach`.

        `commits`: an annotation that names its commit, by a hash or as a page, before any other that does.
        """
        ...


class Configurations(Protocol):
    """What configures guarded targets, beside their templates."""

    async def look(self, target: Target) -> Configured | None:
        """What configures the target now, and what changed since the last look; None: nothing can be read.

        Never raises.
        """
        ...


class Owners(Protocol):
    """What reconciles guarded objects: Argo CD, Flux."""

    async def known(self, owner: Owner) -> Owner:
        """The owner with whether it heals, as it is configured now; None where that cannot be read. Never raises."""
        ...

    async def runner(self, target: Target) -> Owner | None:
        """Whose controller rolls the target out by itself, as far as that can be read. Never raises."""
        ...

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        """Suspend its reconciling, under what was read; "" where that was done, else why not. Raises `OutOfReach`."""
        ...


class EventSink(Protocol):
    """Kubernetes Events."""

    async def emit(self, target: Target, uid: str, *, reason: str, note: str, warning: bool) -> None:
        """One Event on the target. Best effort: logs what fails, never raises."""
        ...
