"""What of a cluster can be guarded: each Deployment, or the Service in front of a pair of colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.pods import instant
from watchdog.domain.rollout import Target, TargetKind, any_pods_of
from watchdog.domain.rules import SIDECARS
from watchdog.survey.cluster import Cluster, Contents, Json
from watchdog.survey.owners import Owner, owner_of
from watchdog.survey.pod_probes import PodProbes, probes_of

# A label of one of these names, or with one of these values, tells colours apart; others tell applications apart.
_COLOUR_KEYS = frozenset({"color", "colour", "slot", "lane", "track", "version", "revision", "bluegreen", "blue-green"})
_COLOURS = frozenset(
    {"blue", "green", "red", "black", "a", "b", "active", "idle", "live", "preview", "stable", "canary"}
)


@dataclass(frozen=True, slots=True)
class Guardable:
    """One target that can be guarded. `deployments`: itself, or the colours, of which the first serves."""

    target: Target
    deployments: tuple[str, ...]
    labels: Mapping[str, str]
    since: datetime | None  # when the oldest of its objects was made
    probes: PodProbes
    owner: Owner | None
    services: tuple[str, ...] = ()  # those that lead to it
    notes: tuple[str, ...] = ()

    @property
    def pods(self) -> str:
        """A regular expression of all its pods' names, of whatever revision."""
        return "|".join(any_pods_of(name) for name in self.deployments)

    @property
    def place(self) -> str:
        """Its kind and name, where the namespace is known."""
        return f"{self.target.kind}/{self.target.name}"


@dataclass(frozen=True, slots=True)
class Named:
    """An object by its kind, with its labels: what a selector may meet."""

    target: Target
    labels: Mapping[str, str]
    deployments: tuple[str, ...]  # itself, or those that a Service selects


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be guarded, everything that a selector might meet besides, and what was passed over and why."""

    guardables: tuple[Guardable, ...]
    objects: tuple[Named, ...]
    passed_over: tuple[str, ...] = ()


def guardables_of(cluster: Cluster) -> Survey:
    """All that can be guarded in the namespaces that were read."""
    guardables: list[Guardable] = []
    objects: list[Named] = []
    passed_over: list[str] = []
    for namespace, contents in cluster.namespaces.items():
        colours = _colours(contents)
        taken = {name for pair in colours.values() for name in pair}
        for service, pair in colours.items():
            guardables.append(_coloured(namespace, contents, service, pair))
        for one in contents.deployments:
            target = Target(namespace, TargetKind.DEPLOYMENT, _name(one))
            if target.name in taken:
                continue
            if workloads.desired(one) == 0:
                passed_over.append(f"{target}: scaled to zero")
                continue
            guardables.append(_alone(target, one, contents))
        objects += _objects(namespace, contents)
    return Survey(tuple(sorted(guardables, key=lambda one: one.target)), tuple(objects), tuple(passed_over))


def _alone(target: Target, deployment: Json, contents: Contents) -> Guardable:
    return Guardable(
        target=target,
        deployments=(target.name,),
        labels=workloads.labels(deployment),
        since=_made_at(deployment),
        probes=probes_of(_template(deployment), SIDECARS),
        owner=owner_of(deployment),
        services=tuple(_name(one) for one in contents.services if workloads.selects(_selector(one), _pods(deployment))),
    )


def _coloured(namespace: str, contents: Contents, service: str, pair: Sequence[str]) -> Guardable:
    front = next(one for one in contents.services if _name(one) == service)
    deployments = [next(one for one in contents.deployments if _name(one) == name) for name in pair]
    owners = [owner_of(one) for one in (front, *deployments)]
    made = [at for one in deployments if (at := _made_at(one)) is not None]
    serving, *others = [probes_of(_template(one), SIDECARS) for one in deployments]
    everywhere = tuple(
        probe
        for probe in serving.probes
        if all((probe.path, probe.port) in {(one.path, one.port) for one in other.probes} for other in others)
    )
    notes = serving.notes
    if len(everywhere) < len(serving.probes):
        notes = (*notes, "its colours name different health endpoints; only those of both are probed")
    return Guardable(
        target=Target(namespace, TargetKind.SERVICE, service),
        deployments=tuple(pair),
        labels=workloads.labels(front),
        since=min(made, default=None),
        probes=PodProbes(everywhere, notes),
        owner=next((owner for owner in owners if owner is not None), None),
        services=(service,),
        notes=(f"blue-green: Service {service} selects {pair[0]} now; {', '.join(pair[1:])} is the other colour",),
    )


def _colours(contents: Contents) -> dict[str, tuple[str, ...]]:
    """The Services that stand before colours, with their Deployments, the serving one first."""
    found: dict[str, tuple[str, ...]] = {}
    for service in contents.services:
        serving = _served_by(service, contents)
        if len(serving) != 1:
            continue
        others = [
            _name(one)
            for one in contents.deployments
            if workloads.looks_like_a_colour(_selector(service), _pods(one))
            and _tells_colours(_selector(service), _pods(one))
        ]
        if others:
            found[_name(service)] = (serving[0], *others)
    # A preview Service, which shows the idle colour, is no front of its own: the one that is named like the pair is.
    for name, pair in list(found.items()):
        rivals = [other for other, its in found.items() if set(its) == set(pair) and its[0] != pair[0]]
        if any(_fits(rival, pair) > _fits(name, pair) for rival in rivals):
            del found[name]
    return found


def _tells_colours(selector: Mapping[str, str], pod_labels: Mapping[str, str]) -> bool:
    """Whether all labels in which two templates differ are those that colours differ in."""
    differing = [(key, value) for key, value in selector.items() if pod_labels.get(key) != value]
    return all(
        key.rpartition("/")[2].lower() in _COLOUR_KEYS or {value.lower(), pod_labels.get(key, "").lower()} <= _COLOURS
        for key, value in differing
    )


def _fits(service: str, pair: Sequence[str]) -> tuple[bool, int]:
    """How well a Service's name fits a pair of colours: the name that both begin with fits best."""
    return all(name.startswith(service) for name in pair), -len(service)


def _objects(namespace: str, contents: Contents) -> list[Named]:
    found = [
        Named(Target(namespace, TargetKind.DEPLOYMENT, _name(one)), workloads.labels(one), (_name(one),))
        for one in contents.deployments
    ]
    for service in contents.services:
        target = Target(namespace, TargetKind.SERVICE, _name(service))
        found.append(Named(target, workloads.labels(service), _served_by(service, contents)))
    return found


def _served_by(service: Json, contents: Contents) -> tuple[str, ...]:
    """The Deployments whose pods a Service selects."""
    return tuple(_name(one) for one in contents.deployments if workloads.selects(_selector(service), _pods(one)))


def _name(one: Json) -> str:
    return str(one["metadata"]["name"])


def _template(deployment: Json) -> Json:
    template: Json = (deployment.get("spec") or {}).get("template") or {}
    return template


def _pods(deployment: Json) -> Mapping[str, str]:
    labels: Mapping[str, str] = (_template(deployment).get("metadata") or {}).get("labels") or {}
    return labels


def _selector(service: Json) -> Mapping[str, str]:
    """What a Service selects; nothing where its traffic is not switched by a selector."""
    spec = service.get("spec") or {}
    selector: Mapping[str, str] = {} if spec.get("type") == "ExternalName" else spec.get("selector") or {}
    return selector


def _made_at(one: Json) -> datetime | None:
    return instant(one["metadata"].get("creationTimestamp"))
