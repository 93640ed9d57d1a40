"""What no metric tells of the past, so that only the watchdog's own records do: said, lest it be taken for covered."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.text import in_words
from watchdog.replay.entries import Entry
from watchdog.replay.report import Note, Severity

_DRAWN = frozenset({TargetKind.STATEFULSET, TargetKind.DAEMONSET})
_REVISIONS = "kube-state-metrics do not show the pods' label controller-revision-hash"
_NAMES = "their pods' names tell no revision, and there are no kube-state-metrics"
_WEIGHTS = "no metric tells what the weights were"
_SELECTORS = "no metric tells what a selector was"
_DATA = "no metric tells of data that changed"


def untold(
    rulebook: Rulebook,
    found: Mapping[Target, Guard],
    listed: Sequence[Entry] = (),
    *,
    recorded: bool = False,
    told: bool = True,
) -> list[Note]:
    """What the guards cover of which no switch can be found; none where records were read, or a list has some.

    `found`: the targets whose past is known, with their guards. `told`: kube-state-metrics are there.
    """
    if recorded or any(entry.source == "records" and entry.candidate is not None for entry in listed):
        return []
    changed = {entry.target for entry in listed if entry.configs}
    notes: list[Note] = []
    for guard in rulebook.guards:
        mine = {target for target, own in found.items() if own.name == guard.name}
        notes += _untold_of(guard, {target.kind for target in mine}, told=told)
        if guard.config and not mine & changed:
            notes.append(_note(guard, "changes of configuration", _DATA))
    return notes


def _untold_of(guard: Guard, known: Collection[TargetKind], *, told: bool) -> Iterator[Note]:
    named = {target.kind for target in guard.targets}
    left = (named | (guard.kinds if guard.selector is not None else frozenset())) - set(known)
    for kinds, why in (
        ({kind for kind in left if kind.switch.in_parts}, _WEIGHTS),
        (left & {TargetKind.DAEMONSET} if told else left & _DRAWN, _REVISIONS if told else _NAMES),
        (left & named & {TargetKind.SERVICE}, _SELECTORS),
    ):
        if kinds:
            yield _note(guard, f"switches of {_counted(guard, kinds)}", why)


def _counted(guard: Guard, kinds: Collection[TargetKind]) -> str:
    """`2 Ingresses and all HTTPRoutes`."""
    parts = []
    for kind in sorted(kinds):
        named = sum(target.kind is kind for target in guard.targets)
        every = guard.selector is not None and kind in guard.kinds
        parts.append(kind.plural if every else f"{named} {kind.proper if named == 1 else kind.plural}")
    return in_words(parts)


def _note(guard: Guard, what: str, why: str) -> Note:
    return Note(Severity.WARNING, f"guard {guard.name}: {what} are found in records alone, for {why}: add --records")


def without_pods(entries: Sequence[Entry]) -> list[Note]:
    """Listed switches whose pods' names tell nothing, where nothing tells when these were made."""
    if not entries:
        return []
    kinds = in_words(sorted({entry.target.kind.plural for entry in entries}))
    one = len(entries) == 1
    text = (
        f"{len(entries)} listed switch{'' if one else 'es'} of {kinds} left out: their pods' names tell no revision, "
        "and without kube-state-metrics nothing tells when they were made"
    )
    return [Note(Severity.WARNING, text)]


def guessed(entries: Sequence[Entry]) -> list[Note]:
    """Listed switches of which nothing tells when their pods were ready: from then on their requests count."""
    count = sum(1 for entry in entries if not entry.pods and not entry.configs)
    which = "1 listed switch" if count == 1 else f"{count} listed switches"
    text = (
        f"of {which} nothing tells when the pods were ready: that is taken to be with their first samples, so that "
        "what is counted may begin up to a scrape interval late"
    )
    return [Note(Severity.INFO, text)] if count else []
