"""Finds out where a breached rule hurts, once it is decided what to do about it. No act ever waits for that."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from watchdog.domain.conditions import HistogramMetric, RatioMetric
from watchdog.domain.events import Event, Sliced
from watchdog.domain.hurting import breached, counted, of_pods, said_of
from watchdog.domain.live import Live, Pod
from watchdog.domain.slices import locate
from watchdog.domain.state import Phase, Slice, Track, Watch
from watchdog.engine.questions import Subject
from watchdog.engine.sampling import Sampler
from watchdog.engine.staying import Stays
from watchdog.ports import Clock

log = logging.getLogger(__name__)

_STRETCH = timedelta(minutes=5)
"""Before the breach: long enough for small parts of the traffic to show, and never before the switch."""

_MOST_SERIES = 3000
"""Of a metric; of more nothing is asked."""

_LONGEST = 20.0  # seconds until the questions of one rule are given up
_TRIES = (0.0, 15.0, 60.0)  # seconds before each attempt; of a watch that has ended the first is the last


class Slicing:
    """Asks for one watch. What failed is tried again a little later, then given up: it is no error, nothing is said."""

    def __init__(
        self, sampler: Sampler, clock: Clock, post: Callable[[Event], None], watch: Callable[[], Watch]
    ) -> None:
        self._sampler = sampler
        self._clock = clock
        self._post = post
        self._watch = watch
        self._pods: dict[str, Pod] = {}
        self._stays: Stays | None = None  # where the names of pods do not tell whose they are
        self._task: asyncio.Task[None] | None = None
        self._asking = False
        self._posted: tuple[Slice, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._task is not None

    def saw(self, live: Live) -> None:
        """Keep in mind where the candidate's pods run: once it was put back they are gone."""
        self._pods.update((pod.name, pod) for pod in live.candidate_pods)
        if not self._watch().switch.candidate.named_pods:
            self._stays = self._stays or Stays()
            self._stays.looked(self._watch(), live)

    def follow(self, scope: asyncio.TaskGroup) -> None:
        """Ask where it hurts if that is due now; let go of it while an act is decided on, or where it must end."""
        watch = self._watch()
        deciding = watch.phase in (Phase.DECIDING, Phase.ACTING)
        if self._task is not None and (deciding or (watch.phase.terminal and not self._asking)):
            self._task.cancel()
            self._task = None
        told = {one.rule for one in (*watch.slices, *self._posted)}
        due = tuple(track for track in breached(watch) if track.rule.name not in told)
        if due and not deciding and self._task is None:
            self._asking = True
            self._task = scope.create_task(self._ask(due), name=f"where it hurts {watch.id}")

    async def _ask(self, tracks: Sequence[Track]) -> None:
        found: dict[str, Slice] = {}
        for wait in _TRIES:
            if wait:
                self._asking = False
                await self._clock.sleep(wait)
                self._asking = True
            left = [track for track in tracks if track.rule.name not in found]
            found |= {one.rule: one for one in await asyncio.gather(*map(self._attempt, left)) if one is not None}
            if len(found) == len(tracks) or self._watch().phase.terminal:
                break
        asked = tuple(found.get(track.rule.name, Slice(track.rule.name, "")) for track in tracks)
        self._posted = (*self._posted, *asked)
        self._task = None
        self._post(Sliced(asked))

    async def _attempt(self, track: Track) -> Slice | None:
        """Where the rule hurts; None where that could not be found out."""
        try:
            async with asyncio.timeout(_LONGEST):
                return await self._slice(track)
        except TimeoutError:
            return None
        except Exception:  # the log tells of it; what is nice to know must not end what guards
            log.exception("cannot tell where it hurts", extra={"facts": {"watch": self._watch().id}})
            return None

    async def _slice(self, track: Track) -> Slice | None:
        """Where the rule hurts; None where Prometheus did not answer."""
        watch, threshold = self._watch(), track.threshold
        nodes = {name: pod.node for name, pod in self._pods.items() if pod.node}
        if track.breach is None or threshold is None or not isinstance(threshold.metric, RatioMetric | HistogramMetric):
            return of_pods(watch, track, nodes)
        end = track.breach.at
        since = max(watch.switch.at, end - _STRETCH)
        born = {name: pod.created for name, pod in self._pods.items()}
        candidate = watch.switch.candidate
        stays = None if candidate.named_pods else (self._stays or Stays()).of(candidate)
        subject = Subject(watch.switch.target, candidate, born, since, stays=stays)
        async with self._sampler.aside:
            grown = await self._sampler.grown(threshold, subject, end, _MOST_SERIES)
            if grown is None:
                return None
            what, cells = counted(track, grown.lead, grown.companion, grown.telling)
            return said_of(track, what, locate(cells), nodes)
