"""A small Kubernetes cluster in this process: its API server on loopback, its controllers, its pods.

    async with SimulatedCluster(clock, octet=77) as cluster:
        cluster.deploy("production", "research", "research:1.4.0", replicas=3)
        await cluster.until(lambda: cluster.rolled_out("production", "research"))

Everything happens on `clock`. What was created before the cluster was entered has a past: the controllers work
through it at once, from `clock.now() - past` on, and `pass_by` lets some of it go by between two deeds.
"""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from watchdog.simulator.access import Rule, User
from watchdog.simulator.api import ApiServer
from watchdog.simulator.background import beside
from watchdog.simulator.calls import BeforeWrite, LoggedRequest, writes_of
from watchdog.simulator.controllers import ControllerManager
from watchdog.simulator.faults import Faults
from watchdog.simulator.incidents import Incidents
from watchdog.simulator.kubelet import Nodes
from watchdog.simulator.looking import Looking
from watchdog.simulator.objects import Clock
from watchdog.simulator.people import People
from watchdog.simulator.pod_behaviour import BehaviourOf, well_behaved
from watchdog.simulator.registry import Registry
from watchdog.simulator.store import Change, Store
from watchdog.simulator.timeline import Timeline
from watchdog.simulator.watches import OpenWatch

_NAMESPACES = ("default", "kube-system")
_ADMIN = "kubernetes-admin"


class SimulatedCluster(People, Looking, Incidents):
    """The cluster, as a test or the demo holds it. Objects it hands out are the stored ones: read-only.

    `octet` is the second one of its pods' addresses (127.X.a.b), `past` how long ago its time begins, and
    `anonymous` lets in as administrator who brings no token. One `seed` gives the same names, and so the same traffic,
    at whatever addresses.
    """

    def __init__(
        self,
        clock: Clock,
        octet: int = 77,
        behaviour_of: BehaviourOf = well_behaved,
        *,
        past: timedelta = timedelta(),
        nodes: int = 3,
        port: int = 0,
        anonymous: bool = False,
        seed: int = 77,
    ) -> None:
        self._clock = clock
        self._port = port
        self._timeline = Timeline(clock, past)
        self._store = Store()
        super().__init__(Registry(self._store, self._timeline, seed=seed))
        self.token = "simulated-admin"  # noqa: S105 - opens nothing but this simulator
        self._users = {self.token: User(_ADMIN, groups=("system:masters", "system:authenticated"))}
        if anonymous:  # kubectl sends no token over plain HTTP
            self._users[""] = self._users[self.token]
        self._api = ApiServer(self._registry, self._timeline, clock, self._users)
        ControllerManager(self._registry, self._timeline)
        self._nodes = Nodes(self._registry, self._timeline, behaviour_of, octet, nodes)
        for name in _NAMESPACES:
            self._registry.open_namespace(name)
        self._stack = AsyncExitStack()
        self._url = ""
        self._failure: BaseException | None = None
        self._waiters: set[asyncio.Event] = set()

    # Its life

    async def __aenter__(self) -> Self:
        self._timeline.go_live()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(beside(self._work(), "simulated cluster"))
            application = self._api.application()
            runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            stack.callback(self._let_go)
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            host, port = runner.addresses[0][:2]
            self._url = f"http://{host}:{port}"
            self._stack = stack.pop_all()  # all went well: what was begun ends with the cluster
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, trace)

    def _let_go(self) -> None:
        self._api.faults.clear()
        self._api.close_watches()

    async def _work(self) -> None:
        try:
            await self._timeline.run()
        except Exception as error:
            self._failure = error
            for waiter in self._waiters:
                waiter.set()
            raise

    def pass_by(self, duration: timedelta) -> None:
        """Before the cluster is entered: let some of its past go by, controllers and pods included."""
        self._timeline.pass_by(duration.total_seconds())

    def now(self) -> datetime:
        """The cluster's time; before it is entered, somewhere in its past."""
        return self._timeline.now()

    # Reaching it

    @property
    def url(self) -> str:
        """Where the API server listens."""
        if not self._url:
            raise RuntimeError("the cluster was not entered yet")
        return self._url

    def user(self, name: str, rules: Sequence[Rule] | None = None) -> str:
        """Add someone, who may do what `rules` allow (None: everything); returns the token."""
        token = f"token-of-{name}"
        self._users[token] = User(name, rules)
        return token

    def kubeconfig(self, path: Path, token: str = "", namespace: str = "default") -> Path:
        """Write a kubeconfig for this cluster; the token is the administrator's unless another is given."""
        context = {"cluster": "simulated", "user": "simulated", "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "simulated",
            "clusters": [{"name": "simulated", "cluster": {"server": self.url}}],
            "users": [{"name": "simulated", "user": {"token": token or self.token}}],
            "contexts": [{"name": "simulated", "context": context}],
        }
        path.write_text(json.dumps(config, indent=2))  # JSON is YAML
        return path

    # Waiting for it

    async def settled(self) -> None:
        """Return when the controllers have done all that is due at this moment."""
        while not self._timeline.idle:
            if self._failure is not None:
                raise self._failure
            await self._clock.sleep(0)

    async def until(self, holds: Callable[[], object], within: float = 600.0) -> None:
        """Return as soon as `holds()` is true; TimeoutError after so many seconds.

        It looks again at each change of an object, so `holds` must depend on nothing else.
        """
        changed, late = asyncio.Event(), asyncio.Event()
        unsubscribe = self._store.subscribe(lambda _: changed.set())

        def too_late() -> None:
            late.set()
            changed.set()

        deadline = self._timeline.after(within, too_late)
        self._waiters.add(changed)
        try:
            while not holds():
                if self._failure is not None:
                    raise self._failure
                if late.is_set():
                    raise TimeoutError(f"still not so after {within} s of the cluster's time")
                await changed.wait()
                changed.clear()
        finally:
            deadline.cancel()
            self._waiters.discard(changed)
            unsubscribe()

    def on_change(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` with each change at once; returns what ends that."""
        return self._store.subscribe(listener)

    # Spoiling it

    @property
    def faults(self) -> Faults:
        """What is to go wrong between clients and the API server."""
        return self._api.faults

    @property
    def requests(self) -> Sequence[LoggedRequest]:
        """Every request so far, in order."""
        return self._api.requests

    def writes(self, user: str = "") -> Sequence[LoggedRequest]:
        """The requests that meant to change something (no dry runs, no reviews)."""
        return writes_of(self._api.requests, user)

    def before_write(self, act: BeforeWrite) -> Callable[[], None]:
        """Do `act` (plain or async) just before each write over HTTP is carried out; returns what ends that."""
        self._api.hooks.append(act)
        return lambda: self._api.hooks.remove(act)

    def after_write(self, act: BeforeWrite) -> Callable[[], None]:
        """Do `act` just after each write was carried out and before it is answered; returns what ends that."""
        self._api.after_hooks.append(act)
        return lambda: self._api.after_hooks.remove(act)

    def watches(self, path: str = "") -> Sequence[OpenWatch]:
        """The watch streams that are open now, on paths that `path` (a regular expression) is found in."""
        return [watch for watch in self._api.watches if re.search(path, watch.asked.path)]

    def compact(self) -> None:
        """Forget the log: watches and pages from before now get 410."""
        self._store.compact()
