"""Whose target it is: the rules in force, asked about what was sighted."""

from collections.abc import Iterator, Mapping

from watchdog.domain.events import Event, RightEnded
from watchdog.domain.live import Sighting
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.rules import Action, Guard, Rulebook
from watchdog.domain.state import Watch
from watchdog.engine.memories import Memories


class Guarding:
    """Finds the guard of what is sighted, and says when a watch has lost its own."""

    def __init__(self, rulebook: Rulebook, memories: Memories) -> None:
        self.rulebook = rulebook
        self._memories = memories
        self._seen: dict[Target, Sighting] = {}  # the last sighting of each guarded target
        self._found: dict[
            Target, tuple[Rulebook, Sighting, Guard | None]
        ] = {}  # of these, as long as both are in force

    def guards(self, target: Target, labels: Mapping[str, str]) -> bool:
        """Whether the rules in force guard the object."""
        return self.rulebook.guard_of(target, labels) is not None

    def saw(self, sighting: Sighting) -> bool:
        """Take note of a guarded target's sighting; whether it is the first."""
        first = sighting.target not in self._seen
        self._seen[sighting.target] = sighting
        return first

    def guard_of_target(self, target: Target) -> Guard | None:
        """The guard of a target by its last sighting; before the first, by its name alone."""
        seen = self._seen.get(target)
        return self.rulebook.guard_of(target, {}) if seen is None else self._guard_of_seen(seen)

    def _guard_of_seen(self, seen: Sighting) -> Guard | None:
        """The same for the last sighting of a target: each new watch asks it of all targets, to find its peers."""
        known = self._found.get(seen.target)
        if known is None or known[0] is not self.rulebook or known[1] is not seen:
            known = self._found[seen.target] = self.rulebook, seen, self.guard_of(seen)
        return known[2]

    def guard_of(self, sighting: Sighting) -> Guard | None:
        """Its own guard; else, for a serving colour, the guard of the Service that selects it."""
        guard = self.rulebook.guard_of(sighting.target, sighting.labels)
        if guard is not None or sighting.kind is not SwitchKind.ROLLOUT:
            return guard
        guards = (self._guard_of_service(sighting, service) for service in sighting.selected_by)
        return next((found for found in guards if found is not None), None)

    def guarded(self) -> Iterator[tuple[Target, Guard]]:
        """Each target that was sighted and serves, with its guard."""
        for target, sighting in self._seen.items():
            guard = self._guard_of_seen(sighting)
            if guard is not None and not self.idle(sighting):
                yield target, guard

    def sighted(self) -> Iterator[tuple[Sighting, Guard]]:
        """The last sighting of each guarded target that serves, with its guard."""
        for target, guard in self.guarded():
            yield self._seen[target], guard

    def memories_of(self, guard: Guard, namespace: str = "") -> tuple[Memory, ...]:
        """What is remembered of the guard's targets; of one that was not sighted yet its namespace or name decides.

        `namespace`: of those in there alone.
        """
        in_force = self.rulebook.guard(guard.name)
        if in_force is None:
            return ()
        namespaces = {*in_force.namespaces, *(target.namespace for target in in_force.targets)}
        return tuple(
            memory
            for one in sorted(namespaces & {namespace} if namespace else namespaces)
            for memory in self._memories.within(one)
            if self._covers(in_force, memory.target)
        )

    def contested(self, sighting: Sighting) -> str:
        """Why nobody may act where two guards cover a target: each may forbid what the other asks for."""
        guards = self.rulebook.guards_of(sighting.target, sighting.labels)
        names = " and ".join(guard.name for guard in guards)
        return f"guards {names} both cover it; let one of them leave it out" if len(guards) > 1 else ""

    def _guard_of_service(self, sighting: Sighting, service: Target) -> Guard | None:
        # By the labels that the sighting brought: the Service itself may not have been sighted yet.
        return self.rulebook.guard_of(service, sighting.service_labels.get(service, {}))

    def idle(self, sighting: Sighting) -> bool:
        """Whether the workload is a colour that no guarded Service selects now."""
        if sighting.kind is not SwitchKind.ROLLOUT:
            return False
        if self._memories.gets_traffic(sighting.target, sighting.since):
            return False
        if self._memories.gets_nothing(sighting.target):
            return True  # though a Service selects it: the route before that Service sends nothing there
        if any(self._guard_of_service(sighting, service) for service in sighting.selected_by):
            return False
        remembered = self._memories.is_colour(sighting.target)
        return remembered or any(self._guard_of_service(sighting, service) for service in sighting.colour_of)

    def was_idle(self, sighting: Sighting) -> bool:
        """Whether what serves was rolled out before a guarded Service was flipped to it: the flip is what is watched.

        For a workload of which nothing is remembered; the Service's memory may be older than its flip.
        """
        if sighting.kind is not SwitchKind.ROLLOUT:
            return False
        remembered = (
            self._memories.of(service) for service in sighting.selected_by if self._guard_of_service(sighting, service)
        )
        return any(
            memory.serving.workload != sighting.target.name
            or (len(memory.colours) > 1 and memory.since > sighting.since)
            for memory in remembered
            if memory is not None
        )

    def ended_right(self, watch: Watch) -> tuple[Event, ...]:
        """What ends a watch's right to act under these rules: its guard is gone, only notifies, or lost the target."""
        guard = self.rulebook.guard(watch.guard.name)
        if guard is None:
            return (RightEnded(f"guard {watch.guard.name} was removed from rules.toml"),)
        if guard.action is Action.NOTIFY and watch.guard.action is not Action.NOTIFY:
            return (RightEnded(f"guard {watch.guard.name} was set to notify"),)
        if not self._covers(guard, watch.switch.target):
            return (RightEnded(f"guard {watch.guard.name} no longer covers the target"),)
        return ()

    def _covers(self, guard: Guard, target: Target) -> bool:
        """Whether the guard is still the target's; before the first sighting, only where its name alone denies it."""
        seen = self._seen.get(target)
        if seen is not None:
            found = self._guard_of_seen(seen)
            return found is not None and found.name == guard.name
        if guard.selector is not None or target in guard.targets:
            return True
        # A colour is guarded by its Service: which one selects it is not known yet.
        return any(
            one.kind.routes and one.namespace == target.namespace for one in guard.targets if not target.kind.routes
        )
