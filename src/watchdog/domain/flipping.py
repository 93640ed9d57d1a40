"""May a Service's traffic be switched to a colour? What is asked before a flip that a pipeline, or a person, wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchdog.domain.live import Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.rollout import Revision, Target


class FlipCheck(StrEnum):
    """Why a Service is not switched."""

    NO_SUCH_COLOUR = "no-such-colour"
    ROLLING_OUT = "rolling-out"
    NOT_READY = "not-ready"
    UNHEALTHY = "unhealthy"
    KNOWN_BAD = "known-bad"
    UNGUARDED = "unguarded"
    OPEN_WATCH = "open-watch"
    CONFLICT = "conflict"
    REFUSED = "refused"


BINDING = frozenset({FlipCheck.NO_SUCH_COLOUR, FlipCheck.CONFLICT, FlipCheck.REFUSED})
"""Checks that nobody can pass over: there would be nothing to do, or it would hit somebody else's work."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why the Service is not switched, in a word and in a sentence."""

    check: FlipCheck
    sentence: str


@dataclass(frozen=True, slots=True)
class Colour:
    """A Deployment of the Service's namespace; `pods` are those of the template it has now."""

    workload: str
    labels: Mapping[str, str]  # of its pods
    revision: Revision | None = None
    desired: int = 0
    complete: bool = False  # its rollout is
    pods: tuple[Pod, ...] = ()

    @property
    def ready(self) -> int:
        return sum(pod.ready for pod in self.pods)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a switch would lead to: the Deployment, those that serve now, and the whole selector (or weights) for it."""

    workload: str
    serving: tuple[str, ...]
    after: Mapping[str, str]
    gaining: tuple[str, ...]  # the Deployments that get more than they have
    unknown: tuple[str, ...] = ()  # backends that do, and of which it cannot be told what runs there


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """A Service, as the API server has it, and the Deployments beside it."""

    target: Target
    uid: str
    resource_version: str
    selector: Mapping[str, str]
    labels: Mapping[str, str]
    deployments: Mapping[str, Mapping[str, str]]  # the labels of their pods, by name

    def selected_by(self, selector: Mapping[str, str]) -> tuple[str, ...]:
        """The Deployments whose pods a selector selects."""
        return tuple(
            name
            for name, labels in sorted(self.deployments.items())
            if selector and all(labels.get(key) == value for key, value in selector.items())
        )

    def aimed(self, to: str, weight: int | None) -> Aim | Objection:
        """The selector by which the colour `to` gets the traffic; a Service knows no part of it."""
        del weight
        found = chosen(self, to)
        if isinstance(found, Objection):
            return found
        return Aim(found, self.selected_by(self.selector), selector_of(self, found), (found,))


@dataclass(frozen=True, slots=True)
class Flip:
    """A switch of a Service from one selector to another, or of a route from some weights to others.

    Under the precondition that it is as it was seen.
    """

    target: Target
    uid: str
    resource_version: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    switched_by: str

    @property
    def change(self) -> str:
        """What differs, as `colour=blue -> colour=green`."""
        keys = [key for key in self.after if self.after[key] != self.before.get(key)]
        sides = (", ".join(f"{key}={side.get(key, '')}" for key in keys) for side in (self.before, self.after))
        return " -> ".join(sides)


def chosen(service: ServiceNow, to: str) -> str | Objection:
    """The Deployment that `to` means: a value of the label in which the colours differ, or `deployment/NAME`."""
    if not service.selector:
        return Objection(FlipCheck.NO_SUCH_COLOUR, f"{service.target} has no selector: there is nothing to switch")
    able = {name: labels for name, labels in service.deployments.items() if _is_colour(service.selector, labels)}
    kind, slash, name = to.partition("/")
    if slash and kind == "deployment":
        found = [name] if name in able else []
    else:
        found = [one for one, labels in able.items() if to in _distinguishing(service, able, labels)]
    if len(found) > 1:
        names = " or ".join(f"deployment/{one}" for one in sorted(found))
        return Objection(FlipCheck.NO_SUCH_COLOUR, f"{to} is the label of several Deployments; write {names}")
    if not found:
        return Objection(FlipCheck.NO_SUCH_COLOUR, _no_such(service, to, able))
    selected = service.selected_by(selector_of(service, found[0]))
    if len(selected) > 1:
        why = f"a selector of {found[0]} would select {' and '.join(selected)}: their labels do not tell them apart"
        return Objection(FlipCheck.NO_SUCH_COLOUR, why)
    return found[0]


def selector_of(service: ServiceNow, workload: str) -> dict[str, str]:
    """The Service's selector, with the values of this Deployment's pods."""
    return {key: service.deployments[workload][key] for key in service.selector}


def _is_colour(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether pods with these labels may be a colour of the Service.

    They have each label that it asks for and, where it asks for several, one at least with the same value: a switch is
    no way to another application.
    """
    same = sum(labels.get(key) == value for key, value in selector.items())
    return set(selector) <= set(labels) and (same > 0 or len(selector) == 1)


def _distinguishing(
    service: ServiceNow, able: Mapping[str, Mapping[str, str]], labels: Mapping[str, str]
) -> frozenset[str]:
    """The values by which one colour is told from the others."""
    selector = service.selector
    keys = {key for key in selector if len({one[key] for one in (*able.values(), selector)}) > 1}
    return frozenset(labels[key] for key in keys or set(selector))


def _no_such(service: ServiceNow, to: str, able: Mapping[str, Mapping[str, str]]) -> str:
    values = sorted({value for labels in able.values() for value in _distinguishing(service, able, labels)})
    there = f"there are {', '.join(values)}" if values else "no Deployment has the labels that its selector asks for"
    return f"{service.target} has no colour {to!r}; {there}"


def cannot_serve(colour: Colour) -> Objection | None:
    """Why the colour cannot take the whole traffic now; None where it can."""
    if not colour.complete:
        return Objection(FlipCheck.ROLLING_OUT, f"the rollout of {colour.workload} is not complete")
    if colour.desired == 0:
        return Objection(FlipCheck.NOT_READY, f"{colour.workload} is scaled to zero")
    if colour.ready < colour.desired:
        ready = f"{colour.ready} of {colour.desired} pods of {colour.workload} are ready"
        return Objection(FlipCheck.NOT_READY, ready)
    return None


@dataclass(frozen=True, slots=True)
class Health:
    """What the health probes of a colour said. `note` is for people where there is nothing to object."""

    objection: Objection | None = None
    note: str = ""


def health(path: str, rounds: Sequence[Sequence[ProbeResult]], serving: Sequence[ProbeResult]) -> Health:
    """Judge the rounds of probes of a colour's pods; `serving` is one of the pods that serve now, asked last.

    A pod is unhealthy that failed in every round. A wrong status is evidence at once; one that cannot be reached is
    so only where a pod that serves can be reached from here: else it is this place that sees nothing.
    """
    last = {result.pod: result for result in rounds[-1]} if rounds else {}
    failed = {
        pod: result
        for pod, result in last.items()
        if all(one.outcome is not ProbeOutcome.EXPECTED for each in rounds for one in each if one.pod == pod)
    }
    armed = any(one.outcome is ProbeOutcome.EXPECTED for one in (*serving, *(one for each in rounds for one in each)))
    wrong = {pod: one for pod, one in failed.items() if armed or one.outcome is ProbeOutcome.WRONG_STATUS}
    if wrong:
        pod, result = sorted(wrong.items())[0]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Health(Objection(FlipCheck.UNHEALTHY, f"GET {path} of {pod}: {result.detail}{more}"))
    if failed:
        return Health(note=f"{path} cannot be asked from here ({next(iter(failed.values())).detail}): readiness counts")
    return Health(note=f"{path} answers on {len(last)} pods" if last else f"{path}: no pod has that port")
