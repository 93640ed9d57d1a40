"""From lists and records to the targets' courses: what served when, by which weights, configured how."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from watchdog.domain.rollout import Revision, Target
from watchdog.replay.courses import Course, KnownPods, Reconfigured, SeenPod, Serving
from watchdog.replay.entries import Entry, ListInvalid
from watchdog.replay.whose_pods import born_of, shared_out

_BEFORE = timedelta(days=30)  # since when the first one's predecessor is taken to have served
_JUST = timedelta(seconds=1)


def courses_of(entries: Sequence[Entry], pods: KnownPods, *, kube_state: bool) -> tuple[Course, ...]:
    """The targets' courses as the list has them. An entry without candidate cannot be replayed: `ListInvalid`."""
    by_target: dict[Target, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: (one.target, one.at, one.by_hand)):
        if entry.candidate is None:
            raise ListInvalid(f"the switch of {entry.target} at {entry.at.isoformat()} names no candidate")
        if entry.target.kind.switch.in_parts and entry.previous is None and not entry.configs:
            who = "names no previous, which serves beside the candidate"
            raise ListInvalid(f"the switch of {entry.target} at {entry.at.isoformat()} {who}")
        by_target.setdefault(entry.target, []).append(entry)
    return tuple(_course(target, listed, pods, kube_state=kube_state) for target, listed in by_target.items())


def _course(target: Target, listed: Sequence[Entry], pods: KnownPods, *, kube_state: bool) -> Course:
    stretches = _with_pods(target, _served(target, listed), pods)
    changes = tuple(
        Reconfigured(one.at, one.configs, one.at_is_bound, one.source, one.by, one.label, _says(one))
        for one in listed
        if one.configs
    )
    guard = next((one.guard for one in reversed(listed) if one.guard is not None), None)
    return Course(target, {}, stretches, kube_state=kube_state, changes=changes, guard=guard)


def _says(entry: Entry) -> str:
    return entry.label_source if entry.label else ""


def _served(target: Target, listed: Sequence[Entry]) -> list[Serving]:
    """The stretches, oldest first, with no pods but those that records tell of."""
    stretches: list[Serving] = []
    for entry, after in zip(listed, [*listed[1:], None], strict=True):
        assert entry.candidate is not None
        if not stretches and (before := entry.previous or (entry.candidate if entry.configs else None)) is not None:
            stretches.append(Serving(before, entry.at - _BEFORE, source=entry.source))
        if entry.configs:
            continue
        if stretches and (between := _between(entry, stretches[-1])) is not None:
            stretches.append(between)
        if stretches and (stretches[-1].revision, stretches[-1].since) == (entry.candidate, entry.at):
            # A rollback by hand has a record of its own, of the very switch that the watch before it was of.
            stretches[-1] = _judged(stretches[-1], entry)
        else:
            stretches.append(_serving(target, entry))
        stretches += _steps(target, entry)
        if after is not None and (anew := _rolled_out(target, entry, after, stretches[-1])) is not None:
            stretches.append(anew)
        # What the next one took over from went back to nobody.
        if entry.back_to is not None and entry.back_at is not None and (after is None or entry.back_at < after.at):
            back = Serving(entry.back_to, entry.back_at, source=entry.source, put_back=entry.rolled_back)
            stretches.append(back)
    return stretches


def _between(entry: Entry, last: Serving) -> Serving | None:
    """What served directly before an entry, where that is not what the entries before it end with.

    A further step of what is on its way is none: only what gets no more than it had has been at nothing in between.
    """
    if entry.previous is None or entry.by_hand or entry.previous == last.revision or entry.at <= last.since:
        return None
    on_its_way = entry.target.kind.switch.in_parts and entry.candidate == last.revision
    if on_its_way and (1.0 if entry.part is None else entry.part) > last.parts.get(last.revision, 1.0):
        return None
    at = entry.at - min(_JUST, (entry.at - last.since) / 2)
    return Serving(entry.previous, at, source=entry.source, between=True)


def _serving(target: Target, entry: Entry) -> Serving:
    """The stretch that an entry begins."""
    assert entry.candidate is not None
    return Serving(
        entry.candidate,
        entry.at,
        entry.at_is_bound,
        entry.source,
        entry.by,
        label=entry.label,
        label_source=_says(entry),
        parts=_parts(target, entry, 1.0 if entry.part is None else entry.part),
        completed=entry.completed,
        patience=entry.patience,
        pods=entry.pods,
        own=not entry.by_hand,
        stable=entry.stable,
        passed=entry.passed,
    )


def _judged(serving: Serving, entry: Entry) -> Serving:
    """With what the entry says of it, where it says anything."""
    return serving if entry.label is None else replace(serving, label=entry.label, label_source=_says(entry))


def _steps(target: Target, entry: Entry) -> Iterator[Serving]:
    for step in entry.steps:
        assert entry.candidate is not None
        if step.route not in ("", target.name):
            continue  # of another route that joined the release
        if step.share <= 0.0 and entry.previous is not None:
            yield Serving(entry.previous, step.at, source=entry.source, by=step.by)
        else:
            parts = _parts(target, entry, step.share)
            own = Serving(entry.candidate, step.at, source=entry.source, by=step.by, parts=parts, pods=entry.pods)
            yield replace(own, stable=entry.stable)


def _rolled_out(target: Target, entry: Entry, after: Entry, last: Serving) -> Serving | None:
    """Where the candidate's Deployment got another template under the same weights: the next step tells which."""
    new, old, at = after.candidate, entry.candidate, entry.superseded
    if new is None or old is None or at is None or not last.since < at < after.at or last.revision != old:
        return None
    if entry.back_to is not None:
        return None  # it was taken back, and what came next began with nothing
    if not target.kind.switch.in_parts or new.workload != old.workload or new == old:
        return None
    parts = {new if one == old else one: part for one, part in last.parts.items()}
    return Serving(new, at, source=entry.source, parts=parts)


def _parts(target: Target, entry: Entry, part: float) -> dict[Revision, float]:
    """Who gets which part of a route's traffic: all that is not the candidate's is that of what served before."""
    if not target.kind.switch.in_parts or entry.candidate is None:
        return {}
    return {entry.candidate: part} | ({} if entry.previous is None else {entry.previous: 1.0 - part})


def _with_pods(target: Target, stretches: Sequence[Serving], pods: KnownPods) -> tuple[Serving, ...]:
    """With the pods that were made in them."""
    shares: dict[str, list[tuple[SeenPod, ...]]] = {}
    found = []
    for place, serving in enumerate(stretches):
        revision = serving.revision
        if revision.named_pods:
            known = pods.named.get(revision.workload_in(target.namespace), {}).get(revision.template, ())
        else:
            if revision.pods not in shares:
                born = born_of(pods.born.get(target.namespace, ()), revision.pods)
                shares[revision.pods] = shared_out(born, [one.since for one in stretches])
            known = shares[revision.pods][place]
        found.append(replace(serving, pods=_as_recorded(known, serving)))
    return tuple(found)


def _as_recorded(known: Sequence[SeenPod], serving: Serving) -> tuple[SeenPod, ...]:
    """The pods with what the record of their watch tells of them: when each was made, and ready."""
    if not serving.pods:
        return tuple(known)
    if not serving.revision.named_pods:
        # Their names are those of other revisions' pods too: the uid tells whose they are.
        by_uid = {pod.uid: pod for pod in serving.pods if pod.uid}
        return tuple(_completed(pod, by_uid.get(pod.uid)) for pod in known)
    by_name = {pod.name: pod for pod in serving.pods}
    unseen = by_name.keys() - {pod.name for pod in known}
    return (
        *(_completed(pod, by_name.get(pod.name)) for pod in known),
        *(replace(by_name[name], uid="") for name in sorted(unseen)),
    )


def _completed(pod: SeenPod, told: SeenPod | None) -> SeenPod:
    if told is None:
        return pod
    exactly = pod if told.created_is_bound else told
    return replace(exactly, uid=pod.uid, recorded=True, ready=told.ready)
