"""Finds past switches: as people list them, else as kube-state-metrics tell of them, else by the names of pods."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Rulebook
from watchdog.ports import MetricSource
from watchdog.replay import daemonsets_past, kube_state, pod_names, statefulsets_past
from watchdog.replay.courses import Course, Found, KnownPods
from watchdog.replay.entries import Entry
from watchdog.replay.guarding import covers
from watchdog.replay.histories import Histories
from watchdog.replay.kube_state import KubeState
from watchdog.replay.listed import courses_of
from watchdog.replay.report import Note, Severity
from watchdog.replay.untold import guessed, without_pods

DAEMONSET = TargetKind.DAEMONSET
_BEFORE = timedelta(hours=1)
_SLACK = timedelta(minutes=90)  # the search goes in steps of an hour


async def search(
    source: MetricSource, rulebooks: Sequence[Rulebook], since: datetime, now: datetime, listed: Sequence[Entry]
) -> Found:
    """Every course in the guarded namespaces. Raises `NotAnswered` and `ListInvalid`."""
    namespaces = frozenset[str]().union(*(rulebook.namespaces for rulebook in rulebooks))
    kinds = frozenset[TargetKind]().union(*(some for one in rulebooks for some in one.kinds.values()))
    start = since - _BEFORE
    state = await kube_state.look(source, namespaces, start, now, kinds)
    if state.pods.born:
        drawn = await daemonsets_past.courses(source, namespaces, state, start, now) if DAEMONSET in kinds else ()
        courses = await _told(source, state, start, now, listed, drawn)
        return _found(courses, state.first, since, [])
    named = await pod_names.look(source, rulebooks[0], start, now)
    pods, courses = KnownPods(named.pods), tuple[Course, ...]()
    notes: list[Note] = []
    nameless: list[Entry] = []
    if listed:
        nameless = [one for one in listed if one.candidate is not None and not one.candidate.named_pods]
        notes += without_pods(nameless)
        named_ones = [one for one in listed if one not in nameless]
        own = courses_of(named_ones, pods, kube_state=False)
        courses = tuple([await pod_names.seen_by_samples(source, named, course) for course in own])
        notes += guessed(named_ones)
    known = {course.target for course in courses}
    by_name = [await pod_names.course(source, named, each) for each in sorted(named.pods.keys() - known)]
    if by_name:
        whose = " of targets that are not listed" if courses else ""
        text = (
            f"no kube-state-metrics: switches{whose} are found by the pods' names, and lie up to a scrape interval "
            "late; returns to an older revision do not show, signs cannot be replayed"
        )
        notes.append(Note(Severity.INFO, text))
    elif courses:
        notes.append(Note(Severity.INFO, "no kube-state-metrics: signs cannot be replayed"))
    found = _found((*courses, *by_name), named.first, since, notes)
    return replace(found, without_pods=frozenset(one.target for one in nameless))


async def search_all(
    sources: Histories, rulebooks: Sequence[Rulebook], since: datetime, now: datetime, listed: Sequence[Entry]
) -> Found:
    """Every course, each told by the source of the guards of its namespace. Raises `NotAnswered` and `ListInvalid`."""
    if len(sources.by_name) == 1:
        return await search(sources.first, rulebooks, since, now, listed)
    courses: dict[Target, Course] = {}
    notes: dict[Note, None] = {}
    firsts, without_pods = [], set[Target]()
    for name, source in sources.by_name.items():
        books = [rulebook.of_source(name) for rulebook in rulebooks]
        found = await search(source, books, since, now, listed)
        for course in found.courses:
            if any(covers(guard, course) for book in books for guard in book.guards):
                courses.setdefault(course.target, course)
        notes |= dict.fromkeys(found.notes)
        without_pods |= found.without_pods
        firsts.append(found.since)
    # From when on all of them can tell.
    begun = [first for first in firsts if first is not None]
    told = max(begun, default=None)
    return Found(
        tuple(courses.values()), tuple(notes), since=told, without_pods=frozenset(without_pods - courses.keys())
    )


async def _told(
    source: MetricSource,
    state: KubeState,
    start: datetime,
    now: datetime,
    listed: Sequence[Entry],
    daemonsets: Sequence[Course],
) -> tuple[Course, ...]:
    """The listed targets as the list has them, the others as kube-state-metrics tell."""
    own = courses_of(listed, state.pods, kube_state=True)
    known = {course.target for course in own}
    found = [await kube_state.course(source, state, workload, start, now) for workload in state.workloads]
    found += [await statefulsets_past.course(source, state, target) for target in sorted(state.templates)]
    found += daemonsets
    return (*own, *(course for course in found if course.target not in known))


def _found(courses: tuple[Course, ...], first: datetime | None, since: datetime, notes: Iterable[Note]) -> Found:
    told = list(notes)
    if first is not None and first > since + _SLACK:
        asked = f"{since:%Y-%m-%d %H:%M}"
        text = f"Prometheus has nothing before {first:%Y-%m-%d %H:%M} UTC (asked from {asked} on): the rest is left out"
        told.append(Note(Severity.WARNING, text))
    else:
        first = None
    return Found(courses, tuple(told), since=first)
