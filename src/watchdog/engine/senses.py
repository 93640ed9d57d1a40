"""What one watch perceives by itself: looks at its target, rounds of probes, what differs from stable."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from watchdog.domain.changes import Changes, changes
from watchdog.domain.events import Described, Event, Looked, Probed
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeRound
from watchdog.domain.rules import Probe
from watchdog.domain.state import Phase, Watch
from watchdog.engine.peering import Peering
from watchdog.ports import Clock, OutOfReach, Prober, TrafficProvider

log = logging.getLogger(__name__)

_LOOK_AT_LEAST_EVERY = 5.0  # signs ripen with time alone
_LOOK_AT_MOST_EVERY = 0.2
_LOOK_IN_CALM_EVERY = 60.0  # what changes is seen at once; where nothing ripens, nothing else can come of a look
_DESCRIBE_LONGEST = 60.0
_BEAT = 0.1  # rounds of all watches begin with each other: waking up for each costs as much as the round


class Senses:
    """The perceiving tasks of one watch; all that they find goes to `post`."""

    def __init__(
        self,
        *,
        provider: TrafficProvider,
        prober: Prober,
        peering: Peering,
        clock: Clock,
        post: Callable[[Event], None],
        watch: Callable[[], Watch],
        live: Callable[[], Live | None],
    ) -> None:
        self._provider = provider
        self._prober = prober
        self._peering = peering
        self._clock = clock
        self._post = post
        self._watch = watch
        self._live = live
        self._describing: asyncio.Task[None] | None = None  # while it does: a task that is done keeps its frame

    def start(self, scope: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Begin to perceive, until cancelled, and to describe, which ends by itself or by `end`."""
        watch = self._watch()
        self._describing = scope.create_task(self._comparing(), name=f"describe {watch.id}")
        return [
            scope.create_task(self._looking(), name=f"look {watch.id}"),
            *(
                scope.create_task(self._probing(track.rule.name, track.rule.check), name=f"probe {watch.id}")
                for track in watch.tracks
                if isinstance(track.rule.check, Probe)
            ),
        ]

    def end(self) -> None:
        """Describe no more."""
        if self._describing is not None:
            self._describing.cancel()

    async def _looking(self) -> None:
        live: Live | None = None
        version: int | None = None
        while True:
            try:
                async with asyncio.timeout(self._patience(live)):
                    live = await self._provider.live(self._watch().switch, self._watch().stable, after=version)
            except TimeoutError:
                version = None
                continue
            except OutOfReach as error:
                log.debug("cannot look", extra={"facts": {"watch": self._watch().id, "why": str(error)}})
                await self._clock.sleep(_LOOK_AT_LEAST_EVERY)
                continue
            version = live.version
            self._post(Looked(live))
            await self._clock.sleep(_LOOK_AT_MOST_EVERY)
            until = self._clock.monotonic() + _LOOK_IN_CALM_EVERY  # whatever the time of day did meanwhile
            while not self._taken_in(live) and self._clock.monotonic() < until:
                await self._clock.sleep(_LOOK_AT_MOST_EVERY)

    def _taken_in(self, live: Live) -> bool:
        """Whether the watch knows of this look: they would pile up for one that is behind, the last alone being new."""
        known = self._live()
        return known is not None and known.at >= live.at

    def _patience(self, live: Live | None) -> float:
        """Seconds until the next look, if nothing changes before."""
        watch = self._watch()
        if watch.phase is not Phase.WATCHING or watch.bake_from is None or watch.pods is None:
            return _LOOK_AT_LEAST_EVERY
        taken_in = live is not None and watch.pods.at == live.at
        return _LOOK_AT_LEAST_EVERY if watch.pods.ripening or not taken_in else _LOOK_IN_CALM_EVERY

    async def _comparing(self) -> None:
        """Say once what differs between stable and the candidate; nothing waits for it."""
        try:
            await self._compare()
        finally:
            self._describing = None

    async def _compare(self) -> None:
        target, stable, candidate = self._watch().switch.target, self._watch().stable, self._watch().switch.candidate
        commits = self._watch().guard.commits
        wait = _LOOK_AT_LEAST_EVERY
        while stable is not None and self._watch().changes is None:
            try:
                before = await self._provider.describe(target, stable.revision, commits)
                after = await self._provider.describe(target, candidate, commits)
            except OutOfReach as error:
                log.debug("cannot describe", extra={"facts": {"watch": self._watch().id, "why": str(error)}})
                if error.final:
                    return
                await self._clock.sleep(wait)
                wait = min(2 * wait, _DESCRIBE_LONGEST)
            else:
                found = changes(before, after)
                if found != Changes():
                    self._post(Described(found))
                return

    async def _probing(self, rule: str, probe: Probe) -> None:
        while True:
            due = self._clock.monotonic() + probe.every.total_seconds()
            await self._probe(rule, probe)
            due = round(due / _BEAT) * _BEAT
            await self._clock.sleep(max(_BEAT, due - self._clock.monotonic()))

    async def _probe(self, rule: str, probe: Probe) -> None:
        """One round, if there is anyone to ask."""
        live, watch = self._live(), self._watch()
        recovering = watch.phase is Phase.RECOVERING
        memory = watch.recovery_pods if recovering else watch.pods
        if live is None or memory is None or watch.phase.terminal:
            return
        once_ready = {pod.name for pod in memory.pods if pod.first_ready is not None}
        pods = live.stable_pods if recovering else live.candidate_pods
        probed = [pod for pod in pods if pod.name in once_ready and not pod.gone]
        others = () if recovering else tuple(pod for pod in live.stable_pods if pod.ready)[:1]
        if probed:
            round_ = await self._round(probe, probed, others)
            if not recovering:
                round_ = await self._beside(watch, rule, probe, round_)
            self._post(Probed(rule, round_))

    async def _round(self, probe: Probe, candidate: Sequence[Pod], stable: Sequence[Pod]) -> ProbeRound:
        both = await self._prober.probe((*candidate, *stable), probe)  # side by side
        names = {pod.name for pod in stable}
        of_candidate = tuple(result for result in both if result.pod not in names)
        of_stable = tuple(result for result in both if result.pod in names)
        url = f"GET {probe.scheme}://POD:{probe.port}{probe.path}"
        return ProbeRound(self._clock.now(), of_candidate, of_stable, url=url)

    async def _beside(self, watch: Watch, rule: str, probe: Probe, round_: ProbeRound) -> ProbeRound:
        """The round, with peers' pods where the candidate's are silent and no pod of stable's can be compared with."""
        outcomes = {result.outcome for result in round_.candidate}
        if ProbeOutcome.EXPECTED in outcomes:
            await self._peering.vet(watch, rule, probe)
        silent = outcomes & {ProbeOutcome.REFUSED, ProbeOutcome.TIMED_OUT}
        if not silent or round_.stable:
            return round_
        return replace(round_, peers=await self._peering.witnesses(watch, rule, probe))
