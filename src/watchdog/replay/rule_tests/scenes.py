"""The switch of a test: whose it is, which revisions and pods there are, and what placeholders stand for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from watchdog.domain.live import Limits
from watchdog.domain.rollout import Revision, SwitchKind, Target, TargetKind
from watchdog.domain.rules import Guard
from watchdog.domain.selectors import SelectorOp
from watchdog.replay.rule_tests import keys
from watchdog.replay.rule_tests.cases import SeriesLine, Switched
from watchdog.replay.rule_tests.series_texts import CANDIDATE, STABLE
from watchdog.rulebook.mistakes import suggest
from watchdog.rulebook.tables import Fields

# Hashes as Kubernetes makes them.
_CANDIDATE_HASH, _STABLE_HASH = "7c9d8f6b5", "5f7d4b8c6"
_NAME_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app", "k8s-app", "name")


def switched(fields: Fields, guard: Guard, at: timedelta) -> Switched:
    """The switch as the test describes it, its pods not yet known."""
    kind = fields.get(keys.KIND)
    target = fields.get(keys.TARGET) or _default_target(guard, kind)
    if fields.has(keys.TARGET) and fields.fine(keys.TARGET):
        _check_target(fields, guard, target)
    own = target.kind.switch
    if kind is not None and kind is not own:
        what = f'{target} is a {target.kind}, and kind = "{kind}" is no switch of one'
        fields.mistakes.add(fields.at(keys.KIND), what, f'write kind = "{own}", or leave it out')
    limits = fields.get(keys.LIMITS_KEY)
    ready = fields.get(keys.READY)
    complete = fields.get(keys.COMPLETE)
    if complete is not None and complete < ready:
        what = "the rollout is complete before its pods are ready"
        fields.mistakes.add(fields.at(keys.COMPLETE), what, "write complete no sooner than ready")
    return Switched(
        target,
        own,
        at,
        ready=ready,
        complete=ready if complete is None else complete,
        limits=Limits(limits.get(keys.CPU), limits.get(keys.MEMORY)) if limits is not None else Limits(),
    )


def _default_target(guard: Guard, kind: SwitchKind | None) -> Target:
    flip = kind is SwitchKind.SELECTOR
    wanted = TargetKind.SERVICE if flip else TargetKind.DEPLOYMENT
    fitting = [target for target in guard.targets if kind is None or target.kind.routes is flip]
    if fitting or guard.targets:
        return (fitting or [*guard.targets])[0]
    chosen = {
        requirement.key: min(requirement.values)
        for requirement in (guard.selector.requirements if guard.selector is not None else ())
        if requirement.op is SelectorOp.IN and requirement.values
    }
    name = next((chosen[label] for label in _NAME_LABELS if label in chosen), guard.name)
    return Target(guard.namespaces[0], wanted, re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-"))


def _check_target(fields: Fields, guard: Guard, target: Target) -> None:
    if guard.targets and target not in guard.targets:
        what = f'guard "{guard.name}" does not guard {target}'
        fields.mistakes.add(fields.at(keys.TARGET), what, suggest(str(target), map(str, guard.targets)))
    elif guard.namespaces and target.namespace not in guard.namespaces:
        what = f'guard "{guard.name}" guards nothing in {target.namespace}'
        fields.mistakes.add(fields.at(keys.TARGET), what, suggest(target.namespace, guard.namespaces))


def revisions(switch: Switched) -> tuple[Revision, Revision]:
    """Candidate and stable: of a rollout two templates of one Deployment, of a flip a green and a blue one."""
    name = switch.target.name
    if switch.kind is SwitchKind.SELECTOR:
        return Revision(f"{name}-green", _CANDIDATE_HASH), Revision(f"{name}-blue", _STABLE_HASH)
    return Revision(name, _CANDIDATE_HASH), Revision(name, _STABLE_HASH)


def placeholder_values(switch: Switched) -> Mapping[str, str]:
    """What the placeholders of series and pods stand for."""
    candidate, stable = revisions(switch)
    return {
        CANDIDATE: f"{candidate.workload}-{candidate.template}",
        STABLE: f"{stable.workload}-{stable.template}",
        "namespace": switch.target.namespace,
        "name": switch.target.name,
        "workload": candidate.workload,
    }


def with_pods(switch: Switched, fields: Fields, series: Iterable[SeriesLine], probed: Iterable[str]) -> Switched:
    """The switch with its pods: those that series or probes name, as many as `pods` says, else one each."""
    named = {value for line in series for value in line.labels.values()} | set(probed)
    counts = fields.get(keys.PODS_KEY)
    pods = [
        _pods(revision, named, counts.get(key) if counts is not None else None)
        for revision, key in zip(revisions(switch), (keys.CANDIDATE, keys.STABLE), strict=True)
    ]
    return replace(switch, candidate=pods[0], stable=pods[1])


def _pods(revision: Revision, named: Iterable[str], count: int | None) -> tuple[str, ...]:
    if count == 0:
        return ()
    pattern = re.compile(revision.pods_pattern)
    found = {name for name in named if pattern.fullmatch(name)}
    if count is not None or not found:
        found |= {f"{revision.workload}-{revision.template}-{number + 1}" for number in range(count or 1)}
    return tuple(sorted(found, key=lambda name: (len(name), name)))
