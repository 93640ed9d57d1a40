"""A guard's `callers`: names that it does not guard have no part in it, for only its own targets are ever asked."""

from collections.abc import Collection, Iterator, Mapping

from watchdog.domain.rollout import Target, TargetKind
from watchdog.rulebook import guard_keys as keys
from watchdog.rulebook.mistakes import nearest
from watchdog.rulebook.tables import Fields

Callers = Mapping[str, Collection[str]]
Place = tuple[str] | tuple[str, int]  # of a target, or of one of its callers


def check_callers(fields: Fields) -> None:
    """Warn of a target that calls itself, and of names that this guard cannot guard, whatever the cluster holds."""
    if not fields.has(keys.CALLERS) or not fields.fine(keys.CALLERS, keys.NAMESPACES, keys.TARGETS):
        return
    node, targets = fields.nodes["callers"].value, fields.get(keys.TARGETS)
    callers = {called: [str(one) for one in those] for called, those in fields.get(keys.CALLERS).items()}
    for place, name in names_of(callers):
        if is_possible(name, fields.get(keys.NAMESPACES), targets):
            continue
        assert isinstance(node, dict)
        item = node[place[0]]
        at = item.key_at if len(place) == 1 else item.value[place[1]].at if isinstance(item.value, list) else item.at
        fields.mistakes.warn(at, *said(name, [str(target) for target in targets]))
    for called, those in callers.items():
        if called in those:
            assert isinstance(node, dict)
            message = f"callers: {called} calls itself"
            fields.mistakes.warn(node[called].key_at, message, "remove it; a release never excuses itself")


def names_of(callers: Callers) -> Iterator[tuple[Place, str]]:
    """Each name and where it stands, but those between two others: a caller's caller is left out with it."""
    named = {caller for those in callers.values() for caller in those}
    for called, those in callers.items():
        if called not in named:
            yield (called,), called
        yield from (((called, index), caller) for index, caller in enumerate(those) if caller not in callers)


def is_possible(name: str, namespaces: Collection[str], targets: Collection[Target]) -> bool:
    """Whether a guard may guard it, as far as rules.toml says: as a target, or as a colour of a Service among them."""
    target = Target.parse(name)
    if not targets:
        return not namespaces or target.namespace in namespaces
    services = {one.namespace for one in targets if one.kind is TargetKind.SERVICE}
    return target in targets or (target.kind is TargetKind.DEPLOYMENT and target.namespace in services)


def said(name: str, known: Collection[str]) -> tuple[str, str]:
    """What is wrong with a name that is not guarded, and what would be right."""
    target = Target.parse(name)
    # All begin alike: only what comes last tells them apart. Of two, the one beside it.
    alike = sorted((Target.parse(one) for one in known), key=lambda one: one.namespace == target.namespace)
    by_name = {one.name: str(one) for one in alike}
    near = nearest(target.name, by_name)
    message = f"callers: the guard does not guard {name}, so it is no peer of anything"
    return message, f'did you mean "{by_name[near]}"?' if near else "name targets of this guard, or leave it out"
