"""What no metric tells of the past, so that only the watchdog's own records do: said, lest it be taken for covered."""

from collections.abc import Collection, Iterator, Sequence

from watchdog.domain.rollout import TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.replay.entries import Entry
from watchdog.replay.report import Note, Severity

_REVISIONS = "kube-state-metrics do not tell which revision a pod is of"
_WEIGHTS = "no metric tells what the weights were"
_DATA = "no metric tells of data that changed"


def untold(rulebook: Rulebook, listed: Sequence[Entry], *, recorded: bool) -> list[Note]:
    """What the guards cover of which no switch can be found; none where records were read, or a list has some."""
    if recorded:
        return []
    return [note for guard in rulebook.guards for note in _untold_of(guard, listed)]


def _untold_of(guard: Guard, listed: Sequence[Entry]) -> Iterator[Note]:
    known = {entry.target.kind for entry in listed if entry.target in guard.targets or entry.target.kind in guard.kinds}
    covered = {target.kind for target in guard.targets} | (guard.kinds if guard.selector is not None else set())
    weighed = {kind for kind in covered - known if kind.switch.in_parts}
    drawn = (covered - known) & {TargetKind.DAEMONSET}
    flips = (covered - known) & {TargetKind.SERVICE} if _names(guard, TargetKind.SERVICE) else set()
    for kinds, why in ((weighed, _WEIGHTS), (drawn, _REVISIONS), (flips, "no metric tells what a selector was")):
        if kinds:
            yield _note(guard, f"switches of {_counted(guard, kinds)}", why)
    if guard.config and not any(entry.configs for entry in listed):
        yield _note(guard, "changes of configuration", _DATA)


def _names(guard: Guard, kind: TargetKind) -> bool:
    return any(target.kind is kind for target in guard.targets)


def _counted(guard: Guard, kinds: Collection[TargetKind]) -> str:
    """`2 Ingresses and all HTTPRoutes`."""
    parts = []
    for kind in sorted(kinds):
        named = sum(target.kind is kind for target in guard.targets)
        every = guard.selector is not None and kind in guard.kinds
        many = f"{kind.proper}es" if kind.proper.endswith("s") else f"{kind.proper}s"
        parts.append(many if every else f"{named} {kind.proper if named == 1 else many}")
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _note(guard: Guard, what: str, why: str) -> Note:
    return Note(Severity.WARNING, f"guard {guard.name}: {what} are found in records alone, for {why}: add --records")


def without_pods(entries: Sequence[Entry]) -> list[Note]:
    """Listed switches whose pods' names tell nothing, where nothing tells when these were made."""
    if not entries:
        return []
    kinds = " and ".join(sorted({f"{entry.target.kind.proper}s" for entry in entries}))
    one = len(entries) == 1
    text = (
        f"{len(entries)} listed switch{'' if one else 'es'} of {kinds} left out: their pods' names tell no revision, "
        "and without kube-state-metrics nothing tells when they were made"
    )
    return [Note(Severity.WARNING, text)]
