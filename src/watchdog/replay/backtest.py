"""One backtest: find the past's switches, replay each, and say how the rules did."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.sources import called
from watchdog.domain.state import Watch
from watchdog.domain.untouched import Peer
from watchdog.engine.sampling import Sampler
from watchdog.ports import Clock
from watchdog.replay.asking_past import DEADLINE, NotAnswered
from watchdog.replay.cases import Marked, past_of
from watchdog.replay.courses import Course, Found, Mark
from watchdog.replay.entries import Entry, marks_of
from watchdog.replay.guarding import guarded, unguarded, unnoticed
from watchdog.replay.histories import Histories
from watchdog.replay.idling import turns_of
from watchdog.replay.neighbours import Neighbours
from watchdog.replay.noticing import blank, cut, failures, first_failure, left_out, nothing, span, unended, unused
from watchdog.replay.quiet_windows import placebo, placebos
from watchdog.replay.replaying import At, Replayed, Replayer
from watchdog.replay.report import Note, Report, Severity, Spent, SwitchReplay
from watchdog.replay.searching import search_all
from watchdog.replay.telling import told
from watchdog.replay.totals import overall, totals_of
from watchdog.replay.untold import untold

_AT_ONCE = 4  # switches that are replayed side by side: each holds its samples
_SKEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file: its name, and what it says."""

    name: str
    book: Rulebook


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    span: timedelta
    until: datetime | None = None  # None: up to now
    placebos: int = 10  # for each target
    seed: int = 0
    listed: Sequence[Entry] = ()
    labels: Sequence[Entry] = ()
    recorded: bool = False  # whether the watchdog's own records are among those that are listed
    unread: Sequence[Note] = ()  # what is to be said of those that could not be read


@dataclass(frozen=True, slots=True)
class Progress:
    """Told how far it is."""

    begun: Callable[[str, int], None] = lambda _what, _total: None
    advanced: Callable[[], None] = lambda: None


Keep = Callable[[Marked, Replayed], None]
"""Given each replayed switch with all that was measured, of which the report keeps what is shown."""


def _forget(_marked: Marked, _replayed: Replayed) -> None:
    """What was measured is let go."""


class Backtest:
    """Replays the same past under one rules file or several. Raises `NotAnswered` where nothing can be asked."""

    def __init__(self, sources: Histories, clock: Clock, wish: Wish, progress: Progress, keep: Keep = _forget) -> None:
        self._sources = sources
        self._clock = clock
        self._wish = wish
        self._progress = progress
        self._keep = keep
        self._notes: list[Note] = []
        self._moments: dict[Target, list[datetime]] = {}

    async def run(self, rules: Sequence[Rules]) -> tuple[Report, ...]:
        """One report for each rules file, in order."""
        began, own = self._clock.monotonic(), self._clock.now()
        now = await self._now(own)
        now = min(now, self._wish.until or now)
        since = now - self._wish.span
        self._progress.begun("looking for switches", 0)
        found = await search_all(self._sources, [one.book for one in rules], since, now, self._wish.listed)
        return tuple([await self._report(one, found, since, now, began) for one in rules])

    async def _now(self, own: datetime) -> datetime:
        """What time they think it is; of several the earliest: up to then all can tell."""
        told = []
        for name, source in self._sources.by_name.items():
            now = await source.now()
            if not isinstance(now, datetime):
                raise NotAnswered(now)
            if abs(now - own) > _SKEW:
                behind = "behind" if now < own else "ahead of"
                text = f"{called(name)}'s clock is {span(abs(now - own))} {behind} this machine's; its own is used"
                self._notes.append(Note(Severity.INFO, text))
            source.until = now
            told.append(now)
        return min(told)

    async def _report(self, rules: Rules, found: Found, asked: datetime, now: datetime, began: float) -> Report:
        since = max(asked, found.since or asked)
        guards, notes = guarded(rules.book, found.courses)
        marks = (*marks_of(self._wish.labels), *marks_of(self._wish.listed))
        cases, quiet = self._cases(found.courses, guards, marks, since, now)
        in_vain = [*unused(marks_of(self._wish.labels), cases), *unended(marks, cases)]
        switches, trouble = await self._replayed(rules, found.courses, guards, cases, now)
        switches, quieter = left_out(switches)
        switches.sort(key=lambda switch: (switch.at, switch.id))
        told = any(course.kube_state for course in found.courses)
        beyond = untold(rules.book, guards, self._wish.listed, recorded=self._wish.recorded, told=told)
        listed = self._wish.listed
        doubled = {note.target for note in notes}
        once = [one for one in listed if str(one.target) not in doubled and one.target not in found.without_pods]
        passed_over = [
            *unguarded(rules.book, once, guards, since, now),
            *unnoticed(listed, guards, cases, since, now, quiet),
        ]
        partly = [*passed_over, *cut(switches), *blank(switches), *nothing(found, cases, guards)]
        missing = [*beyond, *in_vain, *trouble, *quieter, *partly]
        spent = self._sources.spent
        return Report(
            rules_file=rules.name,
            digest=rules.book.digest,
            prometheus=self._sources.url,
            since=asked,
            until=now,
            replayed_at=self._clock.now(),
            switches=tuple(switches),
            totals=totals_of(rules.book, switches),
            overall=overall(switches),
            notes=(*self._wish.unread, *self._notes, *found.notes, *notes, *missing),
            spent=Spent(spent.queries, spent.from_cache, spent.samples, self._clock.monotonic() - began),
        )

    def _cases(
        self,
        courses: Sequence[Course],
        guards: Mapping[Target, Guard],
        marks: Sequence[Mark],
        since: datetime,
        now: datetime,
    ) -> tuple[Sequence[Marked], Mapping[tuple[Target, datetime], str]]:
        """The real ones first: should the samples run out, it is the quiet ones that are left out.

        With why what else served was no switch.
        """
        kept = [(course, guards[course.target]) for course in courses if course.target in guards]
        pointing = [course for course, _ in kept if course.target.kind.routes]
        pasts = {
            course.target: past_of(course, guard, marks, since, now, turns_of(course.target, pointing))
            for course, guard in kept
        }
        # A list goes on after `--until`.
        real = [one for past in pasts.values() for one in past.cases if one.case.switch.at <= now]
        why = {(target, at): said for target, past in pasts.items() for at, said in past.quiet.items()}
        quiet = [one for course, guard in kept for one in self._quiet(course, guard, marks, since, now)]
        return [*sorted(real, key=lambda one: one.case.switch.at), *quiet], why

    def _quiet(
        self, course: Course, guard: Guard, marks: Sequence[Mark], since: datetime, now: datetime
    ) -> Sequence[Marked]:
        """Another rules file is held to the very same quiet windows."""
        known = self._moments.get(course.target)
        if known is not None:
            return [placebo(course, guard, at) for at in known]
        count, seed = self._wish.placebos, self._wish.seed
        chosen = [*placebos(course, guard, marks, since, now, count=count, seed=seed)]
        self._moments[course.target] = [one.case.switch.at for one in chosen]
        return chosen

    async def _replayed(
        self,
        rules: Rules,
        courses: Sequence[Course],
        guards: Mapping[Target, Guard],
        cases: Sequence[Marked],
        now: datetime,
    ) -> tuple[list[SwitchReplay], list[Note]]:
        sampler = Sampler(
            self._sources.first, At(now + timedelta(days=1)), sources=self._sources, deadline=DEADLINE, gather=0.0
        )
        neighbours = Neighbours(guards, courses, cases)

        async def peers(watch: Watch) -> Sequence[Peer]:
            return neighbours.peers(watch.breached_at or watch.opened, watch.guard, watch.switch)

        replayer = Replayer(self._sources, sampler, peers, now, deadline=DEADLINE)
        switches: list[SwitchReplay] = []
        failed: list[tuple[Marked, str]] = []
        waiting = list(reversed(cases))
        self._progress.begun(f"replaying {rules.name}", len(cases))

        async def work() -> None:
            while waiting:
                marked = waiting.pop()
                if self._sources.exhausted():
                    failed.append((marked, "the limit of samples (--max-samples) is spent"))
                    continue
                try:
                    replayed = await replayer.replay(marked.case)
                except NotAnswered as error:
                    failed.append((marked, str(error)))
                else:
                    if self._sources.exhausted() and replayed.failures:
                        failed.append((marked, "the limit of samples (--max-samples) is spent"))
                    else:
                        switches.append(told(marked, replayed))
                        self._keep(marked, replayed)
                self._progress.advanced()

        async with asyncio.TaskGroup() as scope:
            for number in range(_AT_ONCE):
                scope.create_task(work(), name=f"replay {number}")
        await sampler.close()
        if failed and not switches and not self._sources.exhausted():
            raise NotAnswered(first_failure(failed))
        return switches, failures(failed, len(cases), switches)
