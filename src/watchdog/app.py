"""The composition root: builds every adapter once, wires them, runs, shuts down. The only reader of the settings."""

import asyncio
import logging
import random
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import NAME
from watchdog.adapters.kubernetes.lease import KubernetesLease, Timing
from watchdog.adapters.kubernetes.shard_leases import ShardLeases
from watchdog.adapters.loop_lag import timed
from watchdog.adapters.probes import HttpProber
from watchdog.adapters.secrets import SecretReader
from watchdog.adapters.web.access import ServerCertificate
from watchdog.adapters.web.asking import Ears
from watchdog.adapters.web.heard import Heard
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.news import News
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.adapters.web.server import WebServer
from watchdog.adapters.web.site import Site
from watchdog.channels import Build, Channels
from watchdog.configured import Settings
from watchdog.connected import connected
from watchdog.domain.effects import Notice
from watchdog.domain.rules import Rulebook
from watchdog.domain.sources import DEFAULT, public_urls
from watchdog.engine.supervisor import Supervisor
from watchdog.ports import Clock
from watchdog.reach import Reach, reach_of
from watchdog.rules_in_force import CannotStart, RulesInForce
from watchdog.showing import Showing, Sources
from watchdog.sources import Access, in_force
from watchdog.survey.entitlements import Entitlements, owners_in
from watchdog.survey.rights import Need, needed, needed_of_owners
from watchdog.term import Outside
from watchdog.terms import Terms, sharded, whole

log = logging.getLogger(__name__)

_LAST_WORDS = 3.0  # seconds that notices under way have to arrive after SIGTERM
_LAST_RECORDS = 1.0  # seconds that records have to be written after that


class Watchdog:
    """The daemon. `run` returns when `stop` is set, within five seconds, with nothing lost.

    Of several replicas one leads and works; the others keep their caches warm and stand by. `build` makes the
    notifiers, `secret` finds what sources are shown. `observer.on_step` may be set to see each watch after each of its
    steps.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        build: Build,
        rng: random.Random | None = None,
        environ: Mapping[str, str] | None = None,
        timing: Timing | None = None,
        secret: Callable[[str], str] | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics(settings.shards)
        self.observer = MetricsObserver(self.metrics)
        self.url = ""
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not cryptography
        self._secret = secret or SecretReader(settings.secrets_dir, environ or {})
        self._timing = timing
        self._channels = Channels(
            build,
            settings.public_url,
            prometheus_url=settings.prometheus_public_url,
            clock=clock,
            crowded=self._crowded,
            dry_run=settings.dry_run,
            fence=self._leads,
        )
        self._terms: Terms | None = None
        self._cache: ClusterCache | None = None
        self._rules = RulesInForce(settings, clock, self._channels, self.metrics)
        self._heard = Heard(clock)

    @property
    def supervisor(self) -> Supervisor | None:
        """Of the present term, or of the first of several shards'; None while another replica leads."""
        return next(iter(self._terms.supervisors), None) if self._terms is not None else None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises `CannotStart`, `RulesError`, or `OutOfReach` before anything is written."""
        rulebook = self._rules.begin()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._channels.close)
            work = await self._wire(rulebook, stack)
            async with asyncio.TaskGroup() as scope:
                tasks = [scope.create_task(coroutine, name=name) for name, coroutine in work.items()]
                await stop.wait()
                await self._last_words()
                for task in tasks:
                    task.cancel()
            if self._terms is not None:
                await self._terms.release()

    async def ready(self, clock: Clock) -> None:
        """Return when it leads, and watches all that it may read."""
        while self._cache is None or not (self._cache.synced or self._cache.troubles) or not self._resumed():
            await clock.sleep(0.05)

    def _resumed(self) -> bool:
        return self._terms is not None and self._terms.resumed

    def _leads(self) -> bool:
        """Whether it may write and tell at this very instant; of shards: something."""
        return self._terms is not None and bool(self._terms.valid)

    def _crowded(self, notice: Notice) -> bool:
        """Whether a notice's guard has other watches, of which the same may have to be told in a moment."""
        supervisors = () if self._terms is None else self._terms.supervisors
        watches = [watch for supervisor in supervisors for watch in supervisor.watches]
        return sum(watch.guard.name == notice.facts.get("guard") for watch in watches) > 1

    async def _wire(self, rulebook: Rulebook, stack: AsyncExitStack) -> Mapping[str, Any]:
        settings, clock = self.settings, self._clock
        client = await connected(settings, clock, stack)
        identity = f"{socket.gethostname()}_{self._rng.getrandbits(64):016x}"
        # With shards each term has a reach of its own; this one is for looking alone.
        reach = self._reach(client, self._leads if settings.shards == 1 else _never)
        ears = Ears(self.metrics, self._heard)
        sources = in_force(Access(settings, self._secret, clock), rulebook, ears)
        stack.push_async_callback(sources.close)
        prober = HttpProber()
        stack.push_async_callback(prober.close)
        cache = self._cache = ClusterCache(
            reach.client, clock=clock, rng=self._rng, namespaces=rulebook.namespaces, kinds=rulebook.kinds
        )
        outside = Outside(
            reach=reach,
            cache=cache,
            prometheus=sources(DEFAULT),
            sources=sources,
            prober=prober,
            channels=self._channels,
            notifiers=lambda: self._channels.notifiers,
            observer=self.observer,
            clock=clock,
            eased=ears.eased,
        )
        terms = self._terms = self._terms_of(client, identity, outside)
        entitlements = Entitlements(
            client,
            clock,
            needs=lambda: self._needs(cache),
            told=lambda lacks: self.metrics.rights_missing(len(lacks)),
        )
        server = WebServer(
            settings.listen.host,
            settings.listen.port,
            ready=lambda: self._ready(cache, terms, entitlements),
            metrics=self.metrics.text,
            openmetrics=self.metrics.openmetrics,
            watches=lambda: terms.watches(reach),
            watch=lambda watch_id: terms.watch(reach, watch_id),
            of_target=lambda target: terms.of_target(reach, target),
            site=self._site(reach, cache, terms),
            token_file=settings.web_token_file,
            certificate=_certificate(settings),
            public_url=settings.public_url,
        )
        await server.start()
        stack.push_async_callback(server.stop)
        self.url = server.url
        self.metrics.dry_run(settings.dry_run)
        facts = {"listen": self.url, "rules": str(settings.rules), "guards": len(rulebook.guards)}
        log.info("started", extra={"facts": {**facts, "dry_run": settings.dry_run}})
        return {
            "cache": _cached(cache, terms),
            "entitlements": entitlements.run(),
            **terms.work(lambda: self._rules.rulebook),
            "rules": self._rules.follow(terms, sources, entitlements),
            "loop lag": timed(clock, self.metrics.loop_lag),
        }

    def _reach(self, client: KubeClient, fence: Callable[[], bool]) -> Reach:
        return reach_of(client.fenced(fence), self.settings, self._clock, self._rng)

    def _terms_of(self, client: KubeClient, identity: str, outside: Outside) -> Terms:
        """One lease for all targets, or one for each shard."""
        settings = self.settings
        # A rehearsal beside the one that acts is no rival of it.
        name = f"{NAME}-dry-run" if settings.dry_run else NAME
        given: dict[str, Any] = {"identity": identity, "clock": self._clock, "rng": self._rng}
        given |= {"name": name, "timing": self._timing}
        if settings.shards == 1:
            return whole(KubernetesLease(client, settings.namespace, **given), outside, self.metrics)

        def reach(fence: Callable[[], bool]) -> Reach:
            own = self._reach(client, fence)
            # What a dry run would have done counts for all of its shards here; it is kept in memory alone.
            return replace(own, braking=outside.reach.braking) if settings.dry_run else own

        leases = ShardLeases(client, settings.namespace, shards=settings.shards, **given)
        return sharded(leases, outside, reach, self.observer, self.metrics)

    # -- the web -------------------------------------------------------------------------------------------------

    def _ready(self, cache: ClusterCache, terms: Terms, entitlements: Entitlements) -> tuple[bool, Sequence[str]]:
        reasons = []
        if not cache.synced:
            reasons.append("the cluster's objects are not all listed yet")
        if not terms.all_led:
            reasons.append("no replica leads yet" if self.settings.shards == 1 else "not every shard is led yet")
        if terms.supervisors and not terms.resumed:
            reasons.append("the journal was not read yet")
        return not reasons, [terms.role, *reasons, *terms.troubles, *cache.troubles, *map(str, entitlements.missing)]

    def _site(self, reach: Reach, cache: ClusterCache, terms: Terms) -> Site:
        sources = Sources(
            journal=reach.journal,
            braking=reach.braking,
            heard=self._heard,
            outlines=lambda: terms.outlines(reach),
            watch=lambda watch_id: terms.open_watch(reach, watch_id),
            role=lambda: terms.role,
            rules=lambda: (self._rules.rulebook.digest, self._rules.problem),
            troubles=lambda: cache.troubles,
            public_urls=lambda: public_urls(self._rules.rulebook.sources),
        )
        showing, news = Showing(self.settings, self._clock, sources), News()
        self.observer.on_news = news.tell
        self.observer.on_end = lambda record: showing.ended(reach.document(record))
        self.observer.on_delivery = self._heard.delivery
        return Site(showing, news)

    def _needs(self, cache: ClusterCache) -> Iterable[Need]:
        rulebook, own = self._rules.rulebook, self.settings.namespace
        return (
            *needed(rulebook, own, dry_run=self.settings.dry_run, shards=self.settings.shards),
            *(() if self.settings.dry_run else needed_of_owners(owners_in(cache, rulebook))),
        )

    async def _last_words(self) -> None:
        """Let notices that are being sent arrive, and the records say so, so that they need not be repeated."""
        in_flight = self._channels.in_flight
        self._channels.hurry()
        log.info("stopping", extra={"facts": {"notices_under_way": in_flight.count}})
        until = self._clock.monotonic() + _LAST_WORDS
        while in_flight.count and self._clock.monotonic() < until:
            await self._clock.sleep(0.05)
        if self._terms is not None:
            await self._terms.last_words(_LAST_RECORDS)


def _never() -> bool:
    return False


async def _cached(cache: ClusterCache, terms: Terms) -> None:
    await terms.tried()
    await cache.run()


def _certificate(settings: Settings) -> ServerCertificate | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    try:
        return ServerCertificate(settings.tls_cert_file, settings.tls_key_file)
    except OSError as error:
        what = "WATCHDOG_TLS_CERT_FILE holds no certificate, or WATCHDOG_TLS_KEY_FILE not its key"
        raise CannotStart(f"{what} ({error.strerror or error})") from error
