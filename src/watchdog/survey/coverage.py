"""What the guards cover, and what they were meant to: guards that match nothing, two on one target, blind ones."""

from collections.abc import Iterable, Iterator, Sequence

from watchdog.adapters.kubernetes.places import UNTIL_IT_RISES
from watchdog.domain.live import CANNOT_BE_READ
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.selectors import LabelSelector, SelectorOp
from watchdog.domain.text import in_words
from watchdog.rulebook import Places
from watchdog.rulebook.callers import is_possible, names_of, said
from watchdog.survey import toml_text
from watchdog.survey.findings import Finding, Kind, Level
from watchdog.survey.metric_names import nearest
from watchdog.survey.targets import Found, Inventory


def coverage(rulebook: Rulebook, places: Places, inventory: Inventory) -> Iterator[Finding]:
    """All there is to say of what the guards cover."""
    for one in inventory.found:
        if len(one.guards) > 1:
            yield _two_guards(one, places)
        if one.guards and one.unreadable:
            yield _unreadable(one, places)
        elif one.guards and one.odd:
            yield _odd_weights(one, places)
        if one.guards and one.blind:
            yield _not_guardable(one, places)
        elif one.guards and one.beside:
            yield _beside_weights(one, places)
    yield from _behind_routes(places, inventory.found)
    for guard in rulebook.guards:
        yield from _namespaces_not_there(guard, places, inventory)
        known = inventory.unseen.isdisjoint(guard.namespaces) and not inventory.missing.keys() >= {*guard.namespaces}
        if guard.selector is not None and known:
            yield from _selects_nothing(guard, guard.selector, places, inventory.found)
        yield from _targets_not_there(guard, places, inventory)
        yield from _strange_callers(guard, places, inventory)


def place_of_guard(places: Places, guard: Guard, found: Found | None = None) -> tuple[int, int]:
    """Where the guard says what it guards; of a target that it names, where it names it."""
    if found is not None and found.target in guard.targets:
        return places.of("guards", guard.name, "targets", guard.targets.index(found.target))
    return places.of("guards", guard.name, "targets" if guard.selector is None else "selector")


def _two_guards(one: Found, places: Places) -> Finding:
    names = " and ".join(guard.name for guard in one.guards)
    return Finding(
        Kind.TWO_GUARDS,
        Level.ERROR,
        f"guards {names} both cover it, so neither acts on it",
        "let one of them leave it out",
        *place_of_guard(places, one.guards[-1], one),
        targets=(str(one.target),),
    )


def _not_guardable(one: Found, places: Places) -> Finding:
    if one.target.kind.switch.in_parts:
        # A selector covers what a canary stands beside as well, and rightly so; who names it meant another.
        what = f"{_covers(one)}, and {one.blind}: nothing there is ever a switch by weight"
        if _is_named(one):
            return _finding(one, places, Level.ERROR, what, "leave it out, and guard what has the weights")
        return _finding(one, places, Level.NOTE, what)
    what = f"{_covers(one)}, and {one.blind}: no switch of it can be seen"
    return _finding(one, places, Level.ERROR, what, "leave it out, or let it select the pods of one Deployment")


def _unreadable(one: Found, places: Places) -> Finding:
    level = Level.ERROR if _is_named(one) else Level.WARNING
    return _finding(one, places, level, f"{CANNOT_BE_READ}: {one.unreadable}")


def _odd_weights(one: Found, places: Places) -> Finding:
    level = Level.ERROR if _is_named(one) else Level.WARNING
    return _finding(one, places, level, f"{_covers(one)}, and {one.odd}", "write the weight that is meant")


def _beside_weights(one: Found, places: Places) -> Finding:
    what = f"{_covers(one)}, and {one.beside}: {UNTIL_IT_RISES}"
    if _is_named(one):
        return _finding(one, places, Level.WARNING, what, "give it a weight, or leave it out")
    return _finding(one, places, Level.NOTE, what)


def _covers(one: Found) -> str:
    return f"guard {one.guards[0].name} covers it"


def _finding(one: Found, places: Places, level: Level, message: str, remedy: str = "") -> Finding:
    """Of a target that is covered and cannot be guarded as it is."""
    place = place_of_guard(places, one.guards[0], one)
    return Finding(Kind.NOT_GUARDABLE, level, message, remedy, *place, targets=(str(one.target),))


def _is_named(one: Found) -> bool:
    return one.target in one.guards[0].targets


def _behind_routes(places: Places, found: Iterable[Found]) -> Iterator[Finding]:
    """Deployments that have traffic by a guarded route, and whose own rollouts nobody watches.

    A guarded Service covers the rollouts of what it selects; the weights of a route are all that its guard watches.
    """
    there = tuple(found)
    watched = {
        (one.target.namespace, workload.name)
        for one in there
        for workload in one.workloads
        if one.guards and not one.target.kind.switch.in_parts
    }
    for route in there:
        if not route.guards or not route.target.kind.switch.in_parts:
            continue
        namespace = route.target.namespace
        alone = [Target(namespace, TargetKind.DEPLOYMENT, workload.name) for workload in route.workloads]
        names = [str(one) for one in alone if (namespace, one.name) not in watched]
        if names:
            rollouts, them = ("a rollout", "it") if len(names) == 1 else ("rollouts", "them")
            behind = f"{rollouts} of {' and '.join(names)} behind them"
            yield Finding(
                Kind.BEHIND_A_ROUTE,
                Level.WARNING,
                f"guard {route.guards[0].name} watches its weights, and not {behind}",
                f"guard {them} as well{_how(route.guards[0], names)}",
                *place_of_guard(places, route.guards[0], route),
                targets=(str(route.target),),
            )


def _how(guard: Guard, names: Sequence[str]) -> str:
    if guard.selector is None:
        return f": add {in_words(toml_text.text(name) for name in names)} to its targets"
    # Else their labels are others, or nothing selects them there.
    return f': add "{TargetKind.DEPLOYMENT}" to its kinds' if TargetKind.DEPLOYMENT not in guard.kinds else ""


def _selects_nothing(
    guard: Guard, selector: LabelSelector, places: Places, found: Iterable[Found]
) -> Iterator[Finding]:
    there = [one for one in found if one.target.namespace in guard.namespaces and one.target.kind in guard.kinds]
    if any(selector.matches(one.labels) for one in there):
        return
    kinds, where = [kind for kind in TargetKind if kind in guard.kinds], ", ".join(guard.namespaces)
    why = f"none of the {len(there)} {in_words(kind.plural for kind in kinds)} in {where} is selected"
    if not there:
        why = f"there is no {in_words((kind.proper for kind in kinds), 'or')} in {where}"
    yield Finding(
        Kind.GUARDS_NOTHING,
        Level.ERROR,
        f"guard {guard.name} guards nothing: {why}",
        _meant(selector, there) if there else "",
        *place_of_guard(places, guard),
    )


def _meant(selector: LabelSelector, there: Iterable[Found]) -> str:
    """What the first requirement was probably meant to be that no object fulfils."""
    objects = tuple(there)
    for requirement in selector.requirements:
        if any(requirement.matches(one.labels) for one in objects):
            continue
        key = requirement.key
        values = {one.labels[key] for one in objects if key in one.labels}
        if not values:
            near = nearest(key, {label for one in objects for label in one.labels})
            return f"none has the label {key}" + (f"; did you mean {near}?" if near else "")
        if requirement.op is SelectorOp.IN and requirement.values:
            near = nearest(min(requirement.values), values)
            some = ", ".join(sorted(values)[:3])
            return f"did you mean {key}={near}?" if near else f"{key} is {some} there"
    return "look at the objects' own labels, not at those of their pods"


def _namespaces_not_there(guard: Guard, places: Places, inventory: Inventory) -> Iterator[Finding]:
    for index, namespace in enumerate(guard.namespaces):
        if namespace in inventory.missing:
            near = inventory.missing[namespace]
            yield Finding(
                Kind.GUARDS_NOTHING,
                Level.ERROR,
                f"guard {guard.name} looks in namespace {namespace}, which is not there",
                f"did you mean {near}?" if near else "",
                *places.of("guards", guard.name, "namespaces", index),
            )


def _targets_not_there(guard: Guard, places: Places, inventory: Inventory) -> Iterator[Finding]:
    there = {one.target for one in inventory.found}
    for index, target in enumerate(guard.targets):
        if target in there or target.namespace in inventory.unseen:
            continue
        alike = {one.name for one in there if (one.namespace, one.kind) == (target.namespace, target.kind)}
        lost = target.namespace in inventory.missing
        name = target.name if lost else nearest(target.name, alike)
        namespace = inventory.missing.get(target.namespace, target.namespace)
        yield Finding(
            Kind.GUARDS_NOTHING,
            Level.ERROR,
            f"guard {guard.name} guards {target}, which is not there" + (", nor is its namespace" if lost else ""),
            f"did you mean {namespace}/{target.kind}/{name}?" if name and namespace else "",
            *places.of("guards", guard.name, "targets", index),
            targets=(str(target),),
        )


def _strange_callers(guard: Guard, places: Places, inventory: Inventory) -> Iterator[Finding]:
    """Names under `callers` that the file allows, and that are nothing that the guard guards."""
    guarded = [one for one in inventory.found if guard in one.guards or one.idle]
    known = {str(one.target) for one in guarded}
    known |= {
        str(Target(one.target.namespace, TargetKind.DEPLOYMENT, workload.name))
        for one in guarded
        for workload in one.workloads
    }
    for place, name in names_of(guard.callers):
        unseen = Target.parse(name).namespace in inventory.unseen
        if name in known or unseen or not is_possible(name, guard.namespaces, guard.targets):
            continue
        message, remedy = said(name, known)
        yield Finding(
            Kind.DOUBTFUL, Level.WARNING, message, remedy, *places.of("guards", guard.name, "callers", *place)
        )
