"""The composition root: builds every adapter once, wires them, runs, shuts down. The only reader of the settings."""

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.providers import PROVIDERS, Provider
from watchdog.adapters.notifiers import ChannelInvalid
from watchdog.adapters.probes import HttpProber
from watchdog.adapters.prometheus.sparing import SparingPrometheus
from watchdog.adapters.rules_file import RulesFile, Unreadable
from watchdog.adapters.web.access import ServerCertificate
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.adapters.web.server import WebServer
from watchdog.channels import Build, Channels, wants_notice
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.record import record_of
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Rulebook, Topic
from watchdog.engine.calibrating import Calibrator
from watchdog.engine.delivering import Announcer
from watchdog.engine.sampling import Sampler
from watchdog.engine.supervisor import Supervisor
from watchdog.ports import Clock, Document
from watchdog.reach import Reach, reach_of
from watchdog.remote import connected, prometheus_of
from watchdog.rulebook import RulesError, read_rules
from watchdog.settings import Settings
from watchdog.survey.entitlements import Entitlements, owners_in
from watchdog.survey.rights import Need, needed, needed_of_owners
from watchdog.wiring import Ports, supervisor_of

log = logging.getLogger(__name__)

_LAST_WORDS = 3.0  # seconds that notices under way have to arrive after SIGTERM
_LAST_RECORDS = 1.0  # seconds that records have to be written after that


class CannotStart(Exception):
    """Something the watchdog needs is missing or wrong; one line that says what."""


class Watchdog:
    """The daemon. `run` returns when `stop` is set, within five seconds, with nothing lost.

    `build` makes the notifiers. `observer.on_step` may be set to see each watch after each of its steps.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        build: Build,
        rng: random.Random | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.observer = MetricsObserver(self.metrics)
        self.supervisor: Supervisor | None = None
        self.url = ""
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not cryptography
        self._environ = environ or {}
        self._channels = Channels(build, settings.public_url, dry_run=settings.dry_run)
        self._traffic: Sequence[Provider] = ()
        self._cache: ClusterCache | None = None
        self._rules_file = RulesFile(settings.rules, clock)
        self._rules_text = ""
        self._trouble = "starting"
        self._entitlements: Entitlements | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises `CannotStart`, `RulesError`, or `OutOfReach` before anything is written."""
        rulebook = self._first_rules()
        self._channels.take(rulebook)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._channels.close)
            work = await self._wire(rulebook, stack)
            async with asyncio.TaskGroup() as scope:
                tasks = [scope.create_task(coroutine, name=name) for name, coroutine in work.items()]
                await stop.wait()
                await self._last_words()
                for task in tasks:
                    task.cancel()

    async def ready(self, clock: Clock) -> None:
        """Return when it watches all that it may read."""
        while self._cache is None or not (self._cache.synced or self._cache.troubles) or not self._resumed():
            await clock.sleep(0.05)

    def _resumed(self) -> bool:
        return self.supervisor is not None and self.supervisor.resumed.is_set()

    def _first_rules(self) -> Rulebook:
        text = self._rules_file.read()
        if isinstance(text, Unreadable):
            raise CannotStart(text.reason)
        self._rules_text = text
        rulebook = read_rules(text, str(self.settings.rules))
        self.metrics.rules_valid(True)
        return rulebook

    async def _wire(self, rulebook: Rulebook, stack: AsyncExitStack) -> Mapping[str, Any]:
        settings, clock = self.settings, self._clock
        if settings.prometheus_url is None:
            raise CannotStart("WATCHDOG_PROMETHEUS_URL is not set; write the URL of Prometheus")
        kube = await connected(settings, clock, stack)
        prometheus = prometheus_of(settings, self._queried)
        stack.push_async_callback(prometheus.close)
        sparing = SparingPrometheus(
            prometheus, clock, on_open=self.metrics.circuit_open, on_spared=self.metrics.query_spared
        )
        stack.push_async_callback(sparing.close)
        prober = HttpProber()
        stack.push_async_callback(prober.close)
        sampler = Sampler(sparing, clock)
        stack.push_async_callback(sampler.close)
        reach = reach_of(kube, settings, clock, self._rng)
        cache = ClusterCache(reach.client, clock=clock, rng=self._rng, namespaces=rulebook.namespaces)
        self._cache = cache
        self._traffic = tuple(
            make(reach.client, cache, clock=clock, guarded=self._guarded) for make in PROVIDERS.values()
        )
        announcer = Announcer(
            notifiers=lambda: self._channels.notifiers, wants=wants_notice, clock=clock, observer=self.observer
        )
        self._entitlements = Entitlements(
            kube,
            clock,
            needs=lambda: self._needs(supervisor, cache),
            told=lambda lacks: self.metrics.rights_missing(len(lacks)),
        )
        supervisor = supervisor_of(
            rulebook,
            Ports(
                providers=tuple(map(reach.provider, self._traffic)),
                journal=reach.journal,
                events=reach.events,
                braking=reach.braking,
                owners=reach.owners,
                sampler=sampler,
                prober=prober,
                observer=self.observer,
                clock=clock,
                notifiers=lambda: self._channels.notifiers,
                wants=self._channels.wants,
                tell=lambda notice, guard: announcer.announce(notice, guard.channels),
            ),
        )
        self.supervisor = supervisor
        server = WebServer(
            settings.listen.host,
            settings.listen.port,
            ready=lambda: self._ready(supervisor, cache),
            metrics=self.metrics.text,
            watches=lambda: self._watches(reach),
            watch=lambda watch_id: self._watch(reach, watch_id),
            token_file=settings.web_token_file,
            certificate=_certificate(settings),
        )
        await server.start()
        stack.push_async_callback(server.stop)
        self.url = server.url
        self.metrics.leader(True)
        self.metrics.dry_run(settings.dry_run)
        facts = {"listen": self.url, "rules": str(settings.rules), "guards": len(rulebook.guards)}
        log.info("started", extra={"facts": {**facts, "dry_run": settings.dry_run}})
        return {
            "cache": cache.run(),
            "entitlements": self._entitlements.run(),
            "supervisor": self._supervise(supervisor, cache),
            "namespaces": self._resumed_namespaces(rulebook, supervisor, cache),
            "announcer": announcer.run(),
            "rules": self._follow_rules(supervisor, cache, announcer),
            "calibration": Calibrator(
                sampler=sampler,
                journal=reach.journal,
                memories=supervisor.memories,
                targets=supervisor.undisturbed,
                clock=self._clock,
            ).run(),
        }

    def _guarded(self, target: Target, labels: Mapping[str, str]) -> bool:
        return self.supervisor is not None and self.supervisor.guards(target, labels)

    async def _supervise(self, supervisor: Supervisor, cache: ClusterCache) -> None:
        # Each namespace is followed from when it is listed: one that may not be read keeps no other waiting.
        self._trouble = ""
        await supervisor.run()

    async def _resumed_namespaces(self, rulebook: Rulebook, supervisor: Supervisor, cache: ClusterCache) -> None:
        await supervisor.resumed.wait()
        if supervisor.watches:
            _watch_namespaces(cache, rulebook, supervisor)

    def _queried(self, seconds: float, reason: object) -> None:
        self.metrics.query(seconds)
        if reason is not None:
            self.metrics.query_failed(str(reason))

    # -- rules ---------------------------------------------------------------------------------------------------

    async def _follow_rules(self, supervisor: Supervisor, cache: ClusterCache, announcer: Announcer) -> None:
        async for text in self._rules_file.changes(self._rules_text):
            before = self._channels.notifiers
            problem = text.reason if isinstance(text, Unreadable) else self._take_rules(text, supervisor, cache)
            self.metrics.rules_valid(problem is None)
            if problem is None:
                # A notice that one of them was sending is tried again through its successor.
                for notifier in before.values():
                    await notifier.close()
                continue
            log.error("rules invalid, the last valid ones stay in force", extra={"facts": {"why": problem}})
            lines = tuple(problem.splitlines())
            title = f"{self.settings.rules} is invalid ({lines[0]}); the last valid rules stay in force"
            now = self._clock.now()
            notice_id = f"rules-invalid/{now.isoformat()}"
            announcer.announce(
                Notice(notice_id, Topic.RULES_INVALID, Severity.WARNING, "", "rules.toml", title, lines, now)
            )

    def _take_rules(self, text: str, supervisor: Supervisor, cache: ClusterCache) -> str | None:
        """Take up an edit; returns what is wrong with it, or None."""
        try:
            rulebook = read_rules(text, str(self.settings.rules))
            self._channels.take(rulebook)
        except (RulesError, ChannelInvalid) as error:
            return str(error)
        self._rules_text = text
        _watch_namespaces(cache, rulebook, supervisor)
        supervisor.rules_changed(rulebook)
        if self._entitlements is not None:
            self._entitlements.ask_again()
        for provider in self._traffic:
            provider.reguard(self._guarded)
        log.info("rules taken up", extra={"facts": {"digest": rulebook.digest, "guards": len(rulebook.guards)}})
        return None

    # -- the web -------------------------------------------------------------------------------------------------

    def _ready(self, supervisor: Supervisor, cache: ClusterCache) -> tuple[bool, Sequence[str]]:
        reasons = [self._trouble] if self._trouble else []
        if not cache.synced:
            reasons.append("the cluster's objects are not all listed yet")
        if not supervisor.resumed.is_set():
            reasons.append("the journal was not read yet")
        missing = self._entitlements.missing if self._entitlements is not None else ()
        return not reasons, [*reasons, *cache.troubles, *map(str, missing)]

    def _needs(self, supervisor: Supervisor, cache: ClusterCache) -> Iterable[Need]:
        rulebook, own = supervisor.rulebook, self.settings.namespace
        return (
            *needed(rulebook, own, dry_run=self.settings.dry_run),
            *(() if self.settings.dry_run else needed_of_owners(owners_in(cache, rulebook))),
        )

    async def _watches(self, reach: Reach) -> Sequence[Document]:
        return [] if self.supervisor is None else [reach.document(record_of(one)) for one in self.supervisor.watches]

    async def _watch(self, reach: Reach, watch_id: str) -> Document | None:
        for record in await self._watches(reach):
            if record["watch"] == watch_id:
                return record
        return next((record for record in await reach.journal.records() if record.get("watch") == watch_id), None)

    async def _last_words(self) -> None:
        """Let notices that are being sent arrive, and the records say so, so that they need not be repeated."""
        log.info("stopping", extra={"facts": {"notices_under_way": self._channels.in_flight.count}})
        until = self._clock.monotonic() + _LAST_WORDS
        while self._channels.in_flight.count and self._clock.monotonic() < until:
            await self._clock.sleep(0.05)
        if self.supervisor is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_RECORDS):
                    await self.supervisor.last_words()


def _watch_namespaces(cache: ClusterCache, rulebook: Rulebook, supervisor: Supervisor) -> None:
    """Open watches go on under the rules they began with, also where no guard names their namespace any more."""
    open_in = {watch.switch.target.namespace for watch in supervisor.watches}
    cache.watch_namespaces(rulebook.namespaces | open_in)


def _certificate(settings: Settings) -> ServerCertificate | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    try:
        return ServerCertificate(settings.tls_cert_file, settings.tls_key_file)
    except OSError as error:
        what = "WATCHDOG_TLS_CERT_FILE holds no certificate, or WATCHDOG_TLS_KEY_FILE not its key"
        raise CannotStart(f"{what} ({error.strerror or error})") from error
