"""What the cluster shows of the guarded namespaces, as far as it concerns what is guarded there; and what changed.

Everything here is trimmed (`trimming`). Readers take the objects as they are and change none of them.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from types import MappingProxyType
from typing import Any

from watchdog.adapters.kubernetes.changes import Change, Relisted, Unreadable
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import BESIDE, CARRIERS, OBJECTS, Resource
from watchdog.adapters.kubernetes.news import Changes
from watchdog.adapters.kubernetes.objects import Namespace
from watchdog.adapters.kubernetes.reflector import INACTIVITY, Reflector
from watchdog.adapters.kubernetes.said import Said
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.domain.rollout import RUNNER, USUAL, Target, TargetKind
from watchdog.ports import Clock

log = logging.getLogger(__name__)

Json = dict[str, Any]
Key = tuple[str, str, str]  # namespace, kind, name
Kinds = Mapping[str, frozenset[TargetKind]]  # that are guarded, by namespace

LISTS_AT_ONCE = 4
"""Of a process: the API server serves one client's requests in turn, and the lease's renewal is among them."""


def _everywhere(_namespace: str) -> bool:
    return True


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Not within `run`: a cancelled task holds its frames, and so the namespace as it was, while it is named."""
    for task in tasks:
        task.cancel()


class ClusterCache:
    """Feeds itself from one reflector per resource and namespace while `run` runs."""

    def __init__(
        self,
        client: KubeClient,
        *,
        clock: Clock,
        rng: random.Random,
        namespaces: Collection[str] = (),
        kinds: Kinds = MappingProxyType({}),
        inactivity: float = INACTIVITY,
    ) -> None:
        self._client = client
        self._clock = clock
        self._rng = rng
        self._inactivity = inactivity
        self._kinds: dict[str, frozenset[TargetKind]] = {name: kinds.get(name, USUAL) for name in namespaces}
        self._namespaces: dict[str, Namespace] = {name: Namespace(self._kinds[name]) for name in namespaces}
        self._reflectors: dict[str, list[Reflector]] = {}
        self._rewatch = asyncio.Event()
        self._listing = asyncio.Semaphore(LISTS_AT_ONCE)
        self._subscribers: list[Changes] = []
        self._said = Said()
        self._sequence = 0
        self._versions: dict[Key, int] = {}
        self._waiting: dict[Key, list[asyncio.Future[None]]] = {}

    @property
    def synced(self) -> bool:
        """Whether all that is always read of each namespace was listed at least once; what else was not is trouble."""
        return all(namespace.synced for namespace in self._namespaces.values())

    @property
    def namespaces(self) -> tuple[str, ...]:
        """What is watched."""
        return tuple(self._namespaces)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why something cannot be watched at present, for `/readyz` and people."""
        return tuple(
            f"{reflector.name}: {reflector.trouble}"
            for reflectors in self._reflectors.values()
            for reflector in reflectors
            if reflector.trouble
        )

    def watch_namespaces(
        self,
        namespaces: Collection[str],
        within: Callable[[str], bool] = _everywhere,
        kinds: Kinds = MappingProxyType({}),
    ) -> None:
        """Watch these from now on, and no others (the rules were edited); what is not `within` stays as it is.

        `kinds` says what is guarded there, beside what usually is. Where that changes, the namespace begins anew.
        """
        wanted = {name for name in namespaces if within(name)} | {name for name in self._namespaces if not within(name)}
        for name in wanted:
            guarded = kinds.get(name, USUAL) | USUAL if within(name) else self._kinds[name]
            if name not in self._namespaces or guarded != self._kinds[name] | USUAL:
                self._kinds[name], self._namespaces[name] = guarded, Namespace(guarded)
        for name in self._namespaces.keys() - wanted:
            del self._namespaces[name]
            self._said.forget(name)
            self._versions = {key: version for key, version in self._versions.items() if key[0] != name}
        self._rewatch.set()
        self._beat()

    def relist(self, within: Callable[[str], bool] = _everywhere, *, but_since: float = float("inf")) -> None:
        """List everything `within` anew, and take nothing that is known of it for granted until then.

        But for what was listed at or after a monotonic moment, and heard without a gap since: there it is enough to
        watch anew from where a stream has come, if nothing was heard of it lately.

        A stream that died without a word looks like one on which nothing happens: who decides by what is here, for
        the first time or after a while, must know that it is not older than the last decision.
        """
        for name in filter(within, self._namespaces):
            reflectors = self._reflectors.get(name, ())
            if all(reflector.holds_since(but_since) for reflector in reflectors):
                for reflector in reflectors:
                    reflector.watch_anew()
            else:
                self._namespaces[name] = Namespace(self._kinds[name])
        self._rewatch.set()
        self._beat()

    async def run(self) -> None:
        """Keep the cache as the cluster is; until cancelled."""
        running: dict[str, tuple[Namespace, list[asyncio.Task[None]]]] = {}
        said: dict[str, str] = {}  # a trouble that outlives a new beginning is told once
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._rewatch.clear()
                # Compared by identity: one that was dropped and taken up again in between begins anew.
                for name in [name for name, (of, _) in running.items() if of is not self._namespaces.get(name)]:
                    _cancel(running.pop(name)[1])
                    said |= {one.name: one.trouble for one in self._reflectors.pop(name)}
                for name in sorted(self._namespaces.keys() - running.keys()):
                    namespace = self._namespaces[name]
                    read = namespace.read
                    self._reflectors[name] = [self._reflector(resource, name, said) for resource in read]
                    feeds = [
                        tasks.create_task(self._feed(name, namespace, resource, reflector), name=reflector.name)
                        for resource, reflector in zip(read, self._reflectors[name], strict=True)
                    ]
                    running[name] = namespace, feeds
                await self._rewatch.wait()

    def _reflector(self, resource: Resource, namespace: str, said: dict[str, str]) -> Reflector:
        reflector = Reflector(
            self._client,
            resource,
            namespace,
            clock=self._clock,
            rng=self._rng,
            trim=TRIMS[resource],
            inactivity=self._inactivity,
            listing=self._listing,
        )
        reflector.trouble = said.pop(reflector.name, "")
        return reflector

    async def _feed(self, name: str, namespace: Namespace, resource: Resource, reflector: Reflector) -> None:
        async with aclosing(reflector.changes()) as changes:
            async for change in changes:
                if self._namespaces.get(name) is namespace:
                    self.apply(name, resource, change)
                del change  # what was listed first would be held until something changes

    def apply(self, name: str, resource: Resource, change: Change) -> None:
        """Take in what a reflector says, and tell who waits."""
        namespace = self._namespaces[name]
        self._sequence += 1
        for one in namespace.take_in(resource, change):
            self._touch(name, namespace, resource, one)
        self._said.say(resource, name, change)
        if isinstance(change, Relisted):
            if namespace.synced:
                for subscriber in self._subscribers:
                    subscriber.relisted.add(name)
            self._beat()
        for subscriber in self._subscribers:
            subscriber.wake()

    def _beat(self) -> None:
        """Let everyone look again who waits for a change."""
        for key in self._waiting:
            self._tell(key)

    def _tell(self, key: Key) -> None:
        """Wake who waits for a change of it."""
        for news in self._waiting.get(key, ()):
            if not news.done():
                news.set_result(None)

    def _touch(self, name: str, namespace: Namespace, resource: Resource, one: Json) -> None:
        """Note which target a changed object is, or belongs to."""
        if resource in BESIDE:
            kept = namespace.objects[OBJECTS[BESIDE[resource]]]
            for other in tuple(kept.values()):
                self._touch(name, namespace, OBJECTS[BESIDE[resource]], other)
        kind = CARRIERS.get(resource)
        owner = (kind, str(one["metadata"]["name"])) if kind else namespace.workload_of(resource, one)
        if owner is None:
            return
        key = name, owner[0].value, owner[1]
        self._versions[key] = self._sequence
        self._tell(key)
        for subscriber in self._subscribers:
            subscriber.objects[owner[0]].add((name, owner[1]))

    def subscribe(self) -> Changes:
        """What changes from now on; with each namespace that is there already as just listed."""
        changes = Changes(relisted={name for name, namespace in self._namespaces.items() if namespace.synced})
        changes.wake()
        self._subscribers.append(changes)
        return changes

    def unsubscribe(self, changes: Changes) -> None:
        """Stop collecting changes."""
        self._subscribers.remove(changes)

    def is_synced(self, namespace: str, kind: TargetKind = RUNNER) -> bool:
        """Whether all of that namespace was listed, as far as targets of that kind are concerned."""
        found = self._namespaces.get(namespace)
        return found is not None and found.synced and found.knows(kind)

    def unbroken_since(self, namespace: str) -> datetime | None:
        """Since when nothing can have come and gone there unseen; None while that is not so."""
        moments = [reflector.unbroken_since for reflector in self._reflectors.get(namespace, ())]
        known = [moment for moment in moments if moment is not None]
        return max(known) if known and len(known) == len(moments) else None

    def all(self, resource: Resource, namespace: str) -> Mapping[str, Json]:
        """All objects of a kind, by name."""
        found = self._namespaces.get(namespace)
        return found.objects.get(resource, {}) if found else {}

    def labels_of(self, target: Target) -> Mapping[str, str] | None:
        """The labels of a target; None where there is none of that name, as far as is known."""
        found = self.known(OBJECTS[target.kind], target.namespace, target.name)
        return None if found is None else found["metadata"].get("labels") or {}

    def known(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """One object, if only its metadata where it has not the shape of its kind; None where there is none."""
        found = self._namespaces.get(namespace)
        return found.known(resource, name) if found and resource in found.objects else None

    def illegible(self, target: Target) -> str:
        """What of a target has not the shape of its kind, so that nothing can be told of it; "" for nothing."""
        found = self._namespaces.get(target.namespace)
        return found.illegible(target.kind, target.name) if found else ""

    def unreadable(self, resource: Resource, namespace: str) -> Collection[Unreadable]:
        """The objects of a kind that are among no others, since they have not its shape."""
        found = self._namespaces.get(namespace)
        return found.unreadable[resource].values() if found else ()

    def owned(self, resource: Resource, namespace: str, uid: str) -> Iterable[Json]:
        """The revisions of the workload with that uid, or the pods of what made them."""
        found = self._namespaces.get(namespace)
        return found.owned(resource, uid) if found else ()

    def version(self, keys: Iterable[Key]) -> int:
        """When any of these (with what they own) changed last; grows with each change."""
        return max((self._versions.get(key, 0) for key in keys), default=0)

    async def wait_beyond(self, keys: Collection[Key], version: int) -> None:
        """Return when one of these changed after `version`, or is no longer watched; for ever, if neither happens."""
        while self.version(keys) <= version and all(self.is_synced(namespace) for namespace, _, _ in keys):
            # A future alone, of which each open watch has one: an event is a deque, a set and a coroutine more.
            news = asyncio.get_running_loop().create_future()
            for key in keys:
                self._waiting.setdefault(key, []).append(news)
            try:
                await news
            finally:
                for key in keys:
                    self._waiting[key].remove(news)
                    if not self._waiting[key]:
                        del self._waiting[key]
