"""Which guard is whose: by labels, as far as the past tells them, else by what a record says of its own guard."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.selectors import Requirement, SelectorOp
from watchdog.domain.text import in_words
from watchdog.replay.cases import Marked
from watchdog.replay.courses import Course
from watchdog.replay.entries import Entry
from watchdog.replay.kube_state import as_label
from watchdog.replay.report import Note, Severity

# What a Deployment's own name is taken to be the value of, where its labels are not known.
_NAME_LABELS = frozenset({"app.kubernetes.io/name", "app", "k8s-app", "name"})
_NAMED = 4  # targets that a note names


def guarded(rulebook: Rulebook, courses: Iterable[Course]) -> tuple[Mapping[Target, Guard], tuple[Note, ...]]:
    """The guard of each target; a target that two guard is left out, as the daemon would only tell of it."""
    found: dict[Target, Guard] = {}
    notes = []
    guessed = False
    for course in courses:
        guards = [guard for guard in rulebook.guards if covers(guard, course)]
        if course.guard is not None and not course.labels:
            guards = [guard for guard in guards if guard.name == course.guard.name] or guards
        certain = course.labels or course.guard is not None
        guessed = guessed or (bool(guards) and not certain and course.target not in guards[0].targets)
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


def covers(guard: Guard, course: Course) -> bool:
    """Whether the guard guards the target of this course, as far as that can be told."""
    if course.target in guard.targets:
        return True
    if guard.selector is None or not _reaches(guard, course.target):
        return False
    return all(_holds(one, guard, course) for one in guard.selector.requirements)


def _reaches(guard: Guard, target: Target) -> bool:
    named = target in guard.targets
    return named or (guard.selector is not None and target.kind in guard.kinds_in(target.namespace))


def _holds(requirement: Requirement, guard: Guard, course: Course) -> bool:
    key = requirement.key
    if course.labels:
        written = as_label(key)
        return requirement.matches({key: course.labels[written]} if written in course.labels else {})
    then = course.guard
    if then is not None:
        told = _follows(requirement, then.selector.requirements if then.selector is not None else ())
        if told is not None:
            return told
        if guard.name == then.name:
            return True
    return key not in _NAME_LABELS or requirement.matches({key: course.target.name})


def _follows(requirement: Requirement, known: Collection[Requirement]) -> bool | None:
    """Whether it holds, or cannot, for whatever the known ones hold for; None where these do not tell."""
    for one in known:
        if one.key != requirement.key:
            continue
        match one.op:
            case SelectorOp.IN:
                held = {requirement.matches({one.key: value}) for value in one.values}
                told = next(iter(held)) if len(held) == 1 else None
            case SelectorOp.ABSENT:
                told = requirement.matches({})
            case SelectorOp.NOT_IN if requirement.values <= one.values:
                told = {SelectorOp.IN: False, SelectorOp.NOT_IN: True}.get(requirement.op)
            case SelectorOp.EXISTS:
                told = {SelectorOp.EXISTS: True, SelectorOp.ABSENT: False}.get(requirement.op)
            case _:
                told = None
        if told is not None:
            return told
    return None


def unguarded(
    rulebook: Rulebook, listed: Sequence[Entry], found: Mapping[Target, Guard], since: datetime, now: datetime
) -> list[Note]:
    """Listed switches whose targets no guard of the file was found to cover: how many, whose, and why."""
    left = [one for one in listed if one.candidate is not None and since <= one.at <= now and one.target not in found]
    near = {one.target for one in left if any(_reaches(guard, one.target) for guard in rulebook.guards)}
    notes = []
    labels = (
        "no guard of this file selects them, as far as their names, or the guards that watched them on record, tell "
        "(their labels are in no metric)"
    )
    for those, why in (
        ([one for one in left if one.target in near], labels),
        ([one for one in left if one.target not in near], "no guard of this file covers them"),
    ):
        if those:
            # What the records of other guards tell was not asked for; what stands on a list was.
            asked = those[0].target in near or any(one.source != "records" for one in those)
            notes.append(Note(Severity.WARNING if asked else Severity.INFO, f"{_counted(those)} left out: {why}"))
    return notes


def unnoticed(
    listed: Sequence[Entry],
    guards: Mapping[Target, Guard],
    cases: Sequence[Marked],
    since: datetime,
    now: datetime,
    quiet: Mapping[tuple[Target, datetime], str],
) -> list[Note]:
    """Listed switches of guarded targets that are replayed neither by themselves nor as a step of another.

    `quiet` says why, as far as that is known.
    """
    replayed = {
        (one.case.switch.target, at)
        for one in cases
        for at in (one.case.switch.at, *(step.step.at for step in one.case.steps))
    }
    left = [
        one
        for one in listed
        if one.candidate is not None
        and one.source != "replicasets"
        and one.target in guards
        and since <= one.at <= now
        and (one.target, one.at) not in replayed
    ]
    begun = {one.target: min(other.at for other in listed if other.target == one.target) for one in left}
    first = [one for one in left if one.previous is None and one.at == begun[one.target]]
    rest = [one for one in left if one not in first]
    notes = []
    if first:
        text = f"{_counted(first)} left out: nothing tells what served before; write previous"
        notes.append(Note(Severity.WARNING, text))
    reasons: dict[str, list[Entry]] = {}
    for one in rest:
        reasons.setdefault(quiet.get((one.target, one.at), ""), []).append(one)
    for why, those in sorted(reasons.items()):
        reason = f"under these rules live opens no watch of its own for them{f': {why}' if why else ''}"
        notes.append(Note(Severity.INFO, f"{_counted(those)} left out: {reason}"))
    return notes


def _counted(entries: Sequence[Entry]) -> str:
    """`2 listed switches of production/ingress/cart and production/ingress/gateway`."""
    targets = sorted({str(one.target) for one in entries})
    more = [f"{len(targets) - _NAMED} more"] if len(targets) > _NAMED else []
    whose = in_words([*targets[:_NAMED], *more])
    return f"{len(entries)} listed switch{'' if len(entries) == 1 else 'es'} of {whose}"
