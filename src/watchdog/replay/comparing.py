"""What another rules file would have done with the same switches."""

from collections.abc import Collection, Iterator, Sequence

from watchdog.domain.rollout import SwitchKind
from watchdog.replay.report import Change, Comparison, Difference, Report, SwitchReplay

_WITHIN = frozenset({SwitchKind.ROUTE, SwitchKind.CONFIG})
"""Kinds of switches that are none of their own while a watch of their target is open: how long, is up to the rules."""


def compared(old: Report, new: Report, old_name: str) -> Comparison:
    """The differences between two backtests of the same past, switch by switch."""
    before = {switch.id: switch for switch in old.switches}
    after = {switch.id: switch for switch in new.switches}
    ids = sorted(before.keys() | after.keys(), key=lambda one: ((after.get(one) or before[one]).at, one))
    both = {one.target for one in old.switches} & {one.target for one in new.switches}
    found = tuple(difference for one in ids for difference in _differences(before.get(one), after.get(one), both))
    return Comparison(old, new, old_name, found, _summary(found))


def _differences(old: SwitchReplay | None, new: SwitchReplay | None, both: Collection[str]) -> Iterator[Difference]:
    either = new or old
    assert either is not None
    stepped = either.target in both and either.kind in _WITHIN and not either.placebo
    change, seconds = _change(old, new, stepped=stepped)
    if change is None:
        return
    yield Difference(
        switch=either.id,
        target=either.target,
        at=either.at,
        placebo=either.placebo,
        label=either.label,
        change=change,
        seconds=seconds,
        old_outcome=old.outcome if old else "",
        new_outcome=new.outcome if new else "",
        old_rule=old.first_rule if old else "",
        new_rule=new.first_rule if new else "",
        old_decided_at=old.decided_at if old else None,
        new_decided_at=new.decided_at if new else None,
    )


def _change(old: SwitchReplay | None, new: SwitchReplay | None, *, stepped: bool) -> tuple[Change | None, float | None]:
    """`stepped`: to the file that has no such watch it is a part of the one before."""
    if old is None or new is None:
        return _alone(old, new, stepped=stepped), None
    if old.cut_short != new.cut_short and (old.decided_at or new.decided_at):
        # The one had decided by the time of the put-back, the other can have done so only after it.
        early, late = (old, new) if new.cut_short else (new, old)
        assert early.decided_at is not None
        seconds = max(0.0, (late.served_until - early.decided_at).total_seconds())
        return (Change.LATER, seconds) if new.cut_short else (Change.SOONER, -seconds)
    if old.acted != new.acted:
        return (Change.ROLLBACK_MORE if new.acted else Change.ROLLBACK_FEWER), None
    if old.decided_at is not None and new.decided_at is not None and old.decided_at != new.decided_at:
        seconds = (new.decided_at - old.decided_at).total_seconds()
        return (Change.SOONER if seconds < 0 else Change.LATER), seconds
    if old.outcome != new.outcome:
        return Change.OUTCOME, None
    return (Change.RULE, 0.0) if old.first_rule != new.first_rule else (None, None)


def at_least(seconds: float) -> str:
    """`at least 20 s `, before what it is; nothing where the fewest seconds that there may be are none."""
    return f"at least {seconds:.0f} s " if seconds >= 1.0 else ""


def _alone(old: SwitchReplay | None, new: SwitchReplay | None, *, stepped: bool) -> Change:
    if not stepped:
        return Change.ONLY_NEW if old is None else Change.ONLY_OLD
    if old is None:
        return Change.ROLLBACK_MORE if new is not None and new.acted else Change.STEP_NEW
    return Change.ROLLBACK_FEWER if old.acted else Change.STEP_OLD


def _summary(differences: Sequence[Difference]) -> str:
    """One line: "2 rollbacks more, 1 fewer, 40 s sooner"."""
    count = {change: [one for one in differences if one.change is change] for change in Change}
    parts = []
    more, fewer = len(count[Change.ROLLBACK_MORE]), len(count[Change.ROLLBACK_FEWER])
    if more:
        parts.append(f"{more} rollback{'' if more == 1 else 's'} more")
    if fewer:
        word = "" if more else f" rollback{'' if fewer == 1 else 's'}"
        parts.append(f"{fewer}{word} fewer")
    for change in (Change.SOONER, Change.LATER):
        moved = [abs(one.seconds or 0.0) for one in count[change]]
        if not moved:
            continue
        mean = sum(moved) / len(moved)
        by = f"{at_least(mean)}{change}" if any(one.at_least for one in count[change]) else f"{mean:.0f} s {change}"
        parts.append(by if len(moved) == 1 else f"{len(moved)} decided {by} on average")
    for change, word in ((Change.RULE, "by another rule"), (Change.OUTCOME, "with another outcome")):
        if count[change]:
            parts.append(f"{len(count[change])} {word}")
    steps = len(count[Change.STEP_NEW]) + len(count[Change.STEP_OLD])
    if steps:
        parts.append(f"{steps} step{'' if steps == 1 else 's'} of weights watched otherwise")
    alone = len(count[Change.ONLY_NEW]) + len(count[Change.ONLY_OLD])
    if alone:
        parts.append(f"{alone} guarded by one of the two files only")
    return ", ".join(parts) or "no difference"
