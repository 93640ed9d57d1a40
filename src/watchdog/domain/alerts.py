"""Prometheus's alerts as its `ALERTS` series tell of them: whose they are, and since when.

Alerts are looked at from time to time: before the switch, at the switch, at each block's end. `look` folds one look
into what is known (`Known`) and gives the reading (`Firing`), on which `watchdog.domain.judge.alerts` decides.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from functools import lru_cache

from watchdog.domain.measurement import Alert, Firing
from watchdog.domain.rollout import RUNNER, Revision, TargetKind, exactly
from watchdog.domain.rules import ALERT_NAME, ALERT_STATE, Alerts
from watchdog.domain.state import Watch

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Since when stable serves, where that is not known."""

Labels = Mapping[str, str]
Identity = tuple[tuple[str, str], ...]
"""What makes it the same alert on another pod, of another revision: its name and what else it bears."""

# What a label is called in the dialects that one meets, the plainest first.
_NAMESPACE = ("namespace", "kubernetes_namespace", "k8s_namespace_name")
_POD = ("pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name")
_WORKLOADS = {kind: (kind.value, "workload", f"k8s_{kind.value}_name") for kind in TargetKind if not kind.routes}
_WORKLOAD = tuple(dict.fromkeys(label for labels in _WORKLOADS.values() for label in labels))
_OTHERWISE = (
    *("service", "service_name", "kubernetes_service", "canonical_service"),
    *("app", "app_kubernetes_io_name", "k8s_app", "label_app", "label_app_kubernetes_io_name", "job", "container"),
)
# Meshes name both ends of a request; an alert on requests is about the end that answers them.
_ANSWERING = ("destination_", "dst_")
_ANSWERING_NAMESPACE = ("namespace", "workload_namespace", "service_namespace")
# What Prometheus attaches of the pod it scraped; with `exported_namespace` beside it, that pod only tells of others.
_SCRAPED = frozenset({"namespace", "pod", "service", "job", "container", "endpoint", "instance", "node"})
_PLACING = frozenset({*_NAMESPACE, *_ANSWERING_NAMESPACE, *_POD, *_WORKLOAD, *_OTHERWISE})
# What differs between the pods, the revisions and the Prometheus replicas that one and the same alert is about.
_VARYING = frozenset(
    {
        *("__name__", ALERT_STATE, "endpoint", "instance", "node", "host", "hostname", "nodename", "k8s_node_name"),
        *("id", "uid", "pod_uid", "pod_ip", "host_ip", "container_id"),
        *("pod_template_hash", "replicaset", "k8s_replicaset_name"),
        *("version", "app_kubernetes_io_version", "service_version", "revision", "canonical_revision", "release"),
        *("image", "image_id", "image_tag", "track", "colour", "color"),
        *("replica", "prometheus_replica", "receive_replica", "rule_replica", "ruler_replica"),
    }
)


class Whose(Enum):
    """Whose an alert is."""

    CANDIDATE = auto()
    OTHER = auto()  # of what served before, or still serves beside


@dataclass(frozen=True, slots=True)
class Place:
    """How an alert tells that it is about the candidate; `others` is about what served before.

    `pods` are regular expressions of pods' names, `workloads` what runs them, `names` those and the target's Services.
    """

    namespace: str
    pods: tuple[str, ...]
    workloads: frozenset[str]
    names: frozenset[str]
    other_pods: tuple[str, ...] = ()
    other_workloads: frozenset[str] = frozenset()
    kind: TargetKind = RUNNER  # of the workloads


@dataclass(frozen=True, slots=True)
class Moments:
    """What an alert's beginning is compared with. Stable served from `since` to `until`, as far as that is known."""

    switch: datetime
    since: datetime
    until: datetime
    put_back: datetime | None = None  # in recovery: when the put-back was complete


@dataclass(frozen=True, slots=True)
class Spell:
    """An unbroken stretch in which an alert was active; `firing`: since when it fires on the candidate."""

    since: datetime
    firing: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What must be remembered from one look to the next; begins empty. `fired`: when it last fired for stable."""

    spells: Mapping[Identity, Spell] = field(default_factory=dict)
    fired: Mapping[Identity, datetime] = field(default_factory=dict)


def place_of(watch: Watch, *, recovering: bool = False) -> Place:
    """Where an alert must be for this watch. In recovery what was gone back to is no other any more."""
    switch = watch.switch
    before = [revision for revision in (switch.previous, watch.stable and watch.stable.revision) if revision]
    own = [switch.candidate, *(before if recovering else ())]
    others = [revision for revision in before if revision not in own]
    workloads = frozenset(revision.workload for revision in own)
    return Place(
        namespace=switch.target.namespace,
        pods=tuple(_pods_of(watch, revision, recovering=recovering) for revision in own),
        workloads=workloads,
        names=workloads | {switch.target.name, *(flip.service for flip in switch.flips)},
        other_pods=tuple(revision.pods_pattern for revision in others),
        other_workloads=frozenset(revision.workload for revision in others) - workloads,
        kind=switch.candidate.kind,
    )


def _pods_of(watch: Watch, revision: Revision, *, recovering: bool) -> str:
    """A regular expression of the revision's pods; where names do not tell, of those that were seen to be its own."""
    if revision.named_pods or recovering:
        return revision.pods_pattern
    pods = watch.pods
    return exactly({pod.name for pod in pods.pods} | pods.gone.keys() if pods is not None else ())


def moments_of(watch: Watch, *, recovering: bool = False) -> Moments:
    """What the alerts of this watch are compared with."""
    switch, stable = watch.switch.at, watch.stable
    put_back = watch.recovery_from if recovering else None
    if stable is None:
        return Moments(switch, LONG_AGO, switch, put_back)
    return Moments(switch, stable.since, min(stable.until, switch), put_back)


def past_of(watch: Watch) -> datetime:
    """From when on alerts are looked at: the baseline stretch, and a look before it."""
    moments = moments_of(watch)
    return max(moments.since, moments.until - watch.guard.baseline) - watch.guard.interval


def whose(labels: Labels, place: Place) -> Whose | None:
    """Whose an alert with these labels is; None: nobody's here, or it does not say.

    The narrowest label decides: a pod's name, else a workload's, else a Service's, an app's, a job's or a
    container's. The namespace alone places an alert on no target.
    """
    own = _about(labels)
    if _first(own, _NAMESPACE) != place.namespace:
        return None
    pod = _first(own, _POD)
    if pod is not None:
        if _any_matches(place.pods, pod):
            return Whose.CANDIDATE
        if _any_matches(place.other_pods, pod):
            return Whose.OTHER
        if any(pod.startswith(f"{name}-") for name in place.names | place.other_workloads):
            return None
    workload = _first(own, _WORKLOADS[place.kind])
    if workload is not None:
        return _named({workload}, place.workloads, place.other_workloads)
    if pod is not None:
        return None
    # A PodMonitor's job is "namespace/name".
    otherwise = {own[label].removeprefix(f"{place.namespace}/") for label in _OTHERWISE if label in own}
    return _named(otherwise, place.names, place.other_workloads)


def identity_of(labels: Labels) -> Identity:
    """What the alert is, whoever's it is."""
    return tuple(sorted((label, value) for label, value in labels.items() if not _varies(label)))


def look(
    before: Known, active: Iterable[Labels], at: datetime, alerts: Alerts, place: Place, moments: Moments
) -> tuple[Known, Firing]:
    """One look: `active` are the labels of the `ALERTS` series that were there at `at`. Looks come in order of time."""
    spells: dict[Identity, Spell] = {}
    fired = dict(before.fired)
    found: dict[Identity, list[Labels]] = {}
    for labels in active:
        who = whose(labels, place) if alerts.wants(labels) else None
        if who is None:
            continue
        identity = identity_of(labels)
        was = before.spells.get(identity)
        spell = spells.setdefault(identity, Spell(was.since if was else at))
        fires = labels.get(ALERT_STATE) == "firing"
        if fires and at <= moments.until and spell.since >= moments.since:
            fired[identity] = at
        if who is Whose.CANDIDATE:
            found.setdefault(identity, []).append(labels)
            if fires:
                since = was.firing if was and was.firing else at
                spells[identity] = Spell(spell.since, since)
    known = Known(spells, fired)
    told = tuple(_told(identity, rows, known) for identity, rows in sorted(found.items()))
    return known, Firing(told, moments.switch, moments.put_back)


def _told(identity: Identity, rows: Iterable[Labels], known: Known) -> Alert:
    spell = known.spells[identity]
    pods = {_first(_about(labels), _POD) for labels in rows}
    return Alert(
        name=dict(identity)[ALERT_NAME],
        labels={label: value for label, value in identity if label != ALERT_NAME},
        active_since=spell.since,
        firing_since=spell.firing,
        fired_before=known.fired.get(identity),
        pods=tuple(sorted(pod for pod in pods if pod is not None)),
    )


def _about(labels: Labels) -> Labels:
    """The labels that say what the alert is about, under their plain names."""
    for prefix in _ANSWERING:
        answering = {label.removeprefix(prefix): value for label, value in labels.items() if label.startswith(prefix)}
        if any(label in answering for label in (*_WORKLOAD, *_OTHERWISE)):
            namespace = _first(answering, _ANSWERING_NAMESPACE) or labels.get("namespace", "")
            return answering | {"namespace": namespace}
    if "exported_namespace" in labels or "exported_pod" in labels:
        plain = {label: value for label, value in labels.items() if label not in _SCRAPED or label == "namespace"}
        return plain | {
            label.removeprefix("exported_"): value for label, value in labels.items() if label.startswith("exported_")
        }
    return labels


def _first(own: Labels, labels: Iterable[str]) -> str | None:
    return next((own[label] for label in labels if label in own), None)


def _named(values: set[str], own: frozenset[str], others: frozenset[str]) -> Whose | None:
    if values & own:
        return Whose.CANDIDATE
    return Whose.OTHER if values & others else None


def _varies(label: str) -> bool:
    plain = label.removeprefix("exported_")
    for prefix in _ANSWERING:
        plain = plain.removeprefix(prefix)
    return plain in _VARYING or plain in _PLACING


def _any_matches(patterns: Iterable[str], name: str) -> bool:
    return any(_whole(pattern).fullmatch(name) for pattern in patterns)


@lru_cache(maxsize=1024)
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
