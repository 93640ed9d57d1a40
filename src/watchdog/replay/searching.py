"""Finds past switches: as people list them, else as kube-state-metrics tell of them, else by the names of pods."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.ports import MetricSource
from watchdog.replay import daemonsets_past, kube_state, pod_names, statefulsets_past
from watchdog.replay.courses import Course, Found, KnownPods
from watchdog.replay.entries import Entry
from watchdog.replay.histories import Histories
from watchdog.replay.kube_state import KubeState, as_label
from watchdog.replay.listed import courses_of
from watchdog.replay.report import Note, Severity
from watchdog.replay.untold import without_pods

DAEMONSET = TargetKind.DAEMONSET
_BEFORE = timedelta(hours=1)
_SLACK = timedelta(minutes=90)  # the search goes in steps of an hour
# What a Deployment's own name is taken to be the value of, where its labels are not known.
_NAME_LABELS = frozenset({"app.kubernetes.io/name", "app", "k8s-app", "name"})


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
    pods, notes = KnownPods(named.pods), []
    if listed:
        nameless = [one for one in listed if one.candidate is not None and not one.candidate.named_pods]
        notes += without_pods(nameless)
        courses = courses_of([one for one in listed if one not in nameless], pods, kube_state=False)
    else:
        courses = tuple([await pod_names.course(source, named, workload) for workload in sorted(named.pods)])
    if courses:
        text = (
            "no kube-state-metrics: switches are found by the pods' names, and lie up to a scrape interval late; "
            "returns to an older revision do not show, signs cannot be replayed"
        )
        notes.append(Note(Severity.INFO, text))
    return _found(courses, named.first, since, notes)


async def search_all(
    sources: Histories, rulebooks: Sequence[Rulebook], since: datetime, now: datetime, listed: Sequence[Entry]
) -> Found:
    """Every course, each told by the source of the guards of its namespace. Raises `NotAnswered` and `ListInvalid`."""
    if len(sources.by_name) == 1:
        return await search(sources.first, rulebooks, since, now, listed)
    courses: dict[Target, Course] = {}
    notes: dict[Note, None] = {}
    firsts = []
    for name, source in sources.by_name.items():
        books = [rulebook.of_source(name) for rulebook in rulebooks]
        found = await search(source, books, since, now, listed)
        for course in found.courses:
            if any(_covers(guard, course) for book in books for guard in book.guards):
                courses.setdefault(course.target, course)
        notes |= dict.fromkeys(found.notes)
        firsts.append(found.since)
    # From when on all of them can tell.
    begun = [first for first in firsts if first is not None]
    return Found(tuple(courses.values()), tuple(notes), since=max(begun, default=None))


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


def guarded(rulebook: Rulebook, courses: Iterable[Course]) -> tuple[Mapping[Target, Guard], tuple[Note, ...]]:
    """The guard of each target; a target that two guard is left out, as the daemon would only tell of it."""
    found: dict[Target, Guard] = {}
    notes = []
    guessed = False
    for course in courses:
        guards = [guard for guard in rulebook.guards if _covers(guard, course)]
        guessed = guessed or (bool(guards) and not course.labels and course.target not in guards[0].targets)
        if len(guards) == 1:
            found[course.target] = guards[0]
        elif guards:
            names = " and ".join(guard.name for guard in guards)
            notes.append(Note(Severity.WARNING, f"guards {names} both match: left out", str(course.target)))
    if guessed:
        text = (
            "labels of targets are not in Prometheus (kube_deployment_labels): these are matched to guards by "
            "namespace and by their names alone"
        )
        notes.append(Note(Severity.INFO, text))
    return found, tuple(notes)


def _covers(guard: Guard, course: Course) -> bool:
    target = course.target
    if target in guard.targets:
        return True
    if guard.selector is None or target.namespace not in guard.namespaces or target.kind not in guard.kinds:
        return False
    for one in guard.selector.requirements:
        if course.labels:
            key = as_label(one.key)
            labels = {one.key: course.labels[key]} if key in course.labels else {}
        elif one.key in _NAME_LABELS:
            labels = {one.key: target.name}
        else:
            continue
        if not one.matches(labels):
            return False
    return True
