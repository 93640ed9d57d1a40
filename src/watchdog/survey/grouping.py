"""Targets that can be judged alike become one guard: of one namespace, dialect, set of rules and tempo."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.domain.rollout import TargetKind
from watchdog.survey.guardables import Named
from watchdog.survey.hearing import Heard
from watchdog.survey.rule_choice import Choice, RuleTable, choice_of

# Labels that say what belongs together, the best first. Any other may be there by accident, or change with a release.
_BELONGING = (
    *("app.kubernetes.io/part-of", "app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component"),
    *("component", "tier", "team", "app.kubernetes.io/instance"),
)
_LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class GuardPlan:
    """One guard to be written. Without `selector` its targets are named one by one."""

    name: str
    namespace: str
    members: tuple[Heard, ...]
    choices: tuple[Choice, ...]  # of each member; alike but for how long a fault takes to be proven
    rules: tuple[str, ...]  # names of rules
    selector: str | None


@dataclass(frozen=True, slots=True)
class FilePlan:
    """All guards, and the rules by name."""

    guards: tuple[GuardPlan, ...]
    rules: Mapping[str, RuleTable]


def plan_of(heard: Sequence[Heard], objects: Sequence[Named]) -> FilePlan:
    """Which guards, and which rules, a file for these targets has."""
    groups: dict[Hashable, list[tuple[Heard, Choice]]] = defaultdict(list)
    for one in heard:
        choice = choice_of(one)
        groups[_alike(one, choice)].append((one, choice))
    names = _RuleNames()
    guard_names = _Unique()
    several = len({one.guardable.target.namespace for one in heard}) > 1
    guards = []
    for members in groups.values():
        first, choice = members[0]
        namespace = first.guardable.target.namespace
        those = tuple(one for one, _ in members)
        guards.append(
            GuardPlan(
                name=guard_names.take(_guard_name(those, several=several)),
                namespace=namespace,
                members=those,
                choices=tuple(one for _, one in members),
                rules=tuple(names.of(rule) for rule in choice.rules),
                selector=_selector(those, [one for one in objects if one.target.namespace == namespace]),
            )
        )
    return FilePlan(tuple(guards), names.tables)


def _alike(heard: Heard, choice: Choice) -> Hashable:
    tempo = choice.tempo
    owned = heard.guardable.owner is not None
    return heard.guardable.target.namespace, heard.spelling, choice.rules, tempo.interval, tempo.bake, owned


def _guard_name(members: Sequence[Heard], *, several: bool) -> str:
    target = members[0].guardable.target
    if len(members) > 1:
        return f"{target.namespace}-{members[0].preset or 'unmeasured'}"
    return f"{target.namespace}-{target.name}" if several else target.name


def _selector(members: Sequence[Heard], objects: Sequence[Named]) -> str | None:
    """A label that all targets of a guard have, and nothing else that the guard should not cover."""
    if len(members) < 2:
        return None
    wanted = {one.guardable.target for one in members}
    deployments = {name for one in members for name in one.guardable.deployments}
    allowed = wanted | {
        one.target
        for one in objects
        if len(one.deployments) == 1
        and one.deployments[0] in deployments
        and (one.target.kind is TargetKind.SERVICE or one.target.name in deployments)
    }
    for key in _BELONGING:
        values = {one.guardable.labels.get(key) for one in members}
        value = values.pop()
        if values or not value:
            continue
        if {one.target for one in objects if one.labels.get(key) == value} <= allowed:
            return f"{key}={value}"
    return None


class _Unique:
    """Names that are taken once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wish: str) -> str:
        """The wish as a name of the file, with a number behind it where it is taken."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", wish).strip("-_")[:_LONGEST_NAME] or "one"
        name, count = plain, 1
        while name in self._taken:
            count += 1
            name = f"{plain}-{count}"
        self._taken.add(name)
        return name


class _RuleNames:
    """One name for each distinct rule."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, ...], str] = {}
        self._unique = _Unique()
        self.tables: dict[str, RuleTable] = {}

    def of(self, rule: RuleTable) -> str:
        """Its name; rules that say the same are one."""
        if rule.lines not in self._names:
            name = self._unique.take(rule.name)
            self._names[rule.lines] = name
            self.tables[name] = rule
        return self._names[rule.lines]


def names_of(members: Iterable[Heard]) -> str:
    """Targets for people: `research, brand and 3 more`."""
    names = [one.guardable.target.name for one in members]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
