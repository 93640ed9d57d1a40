"""How the rules did over all switches."""

from collections import Counter
from collections.abc import Iterable, Sequence

from watchdog.domain.rules import Rulebook
from watchdog.replay.intervals import clopper_pearson, quantile
from watchdog.replay.report import Label, RuleReplay, SwitchReplay, Totals

_ALL_CUT = "the watchdog's own rollback cut every switch short that would count"


def totals_of(rulebook: Rulebook, switches: Sequence[SwitchReplay]) -> tuple[Totals, ...]:
    """One line for each rule of each guard, in the file's order."""
    return tuple(
        _of_rule(guard.name, rule.name, [switch for switch in switches if switch.guard == guard.name])
        for guard in rulebook.guards
        for rule in guard.rules
    )


def overall(switches: Sequence[SwitchReplay]) -> Totals:
    """All rules together: what would have been rolled back, or told of under `notify`."""
    seen = [switch for switch in switches if any(not rule.not_replayable for rule in switch.rules)]
    judged = [switch for switch in seen if not switch.cut_short]
    bad = [switch for switch in judged if switch.label is Label.BAD]
    clean = [switch for switch in judged if switch.label is Label.GOOD]
    caught = [switch for switch in bad if switch.decided_at is not None]
    false = sum(1 for switch in clean if switch.decided_at is not None)
    times = [switch.decided_in for switch in caught if switch.decided_in is not None]
    return Totals(
        rule="",
        guard="",
        bad=len(bad),
        caught=len(caught),
        first=len(caught),
        clean=len(clean),
        false_alarms=false,
        false_alarm_interval=clopper_pearson(false, len(clean)),
        unknown=sum(1 for switch in judged if switch.label is Label.UNKNOWN and switch.decided_at is not None),
        not_replayable=len(switches) - len(seen),
        time_median=quantile(times, 0.5),
        time_p90=quantile(times, 0.9),
        saved_requests=_saved(caught),
        why_not_replayable=_ALL_CUT if not bad and not clean and any(switch.cut_short for switch in seen) else "",
    )


def _of_rule(guard: str, name: str, switches: Iterable[SwitchReplay]) -> Totals:
    pairs = [(switch, rule) for switch in switches if (rule := switch.rule(name)) is not None]
    seen = [(switch, rule) for switch, rule in pairs if not rule.not_replayable]
    judged = [(switch, rule) for switch, rule in seen if not switch.cut_short or rule.breached_at is not None]
    bad = [(switch, rule) for switch, rule in judged if switch.label is Label.BAD]
    clean = [rule for switch, rule in judged if switch.label is Label.GOOD]
    caught = [(switch, rule) for switch, rule in bad if rule.breached_at is not None]
    first = [switch for switch, _ in caught if switch.first_rule == name]
    false = sum(1 for rule in clean if rule.breached_at is not None)
    times = [_seconds(switch, rule) for switch, rule in caught]
    why = Counter(rule.not_replayable for _, rule in pairs if rule.not_replayable)
    all_cut = not bad and not clean and any(switch.cut_short for switch, _ in seen)
    return Totals(
        rule=name,
        guard=guard,
        bad=len(bad),
        caught=len(caught),
        first=len(first),
        clean=len(clean),
        false_alarms=false,
        false_alarm_interval=clopper_pearson(false, len(clean)),
        unknown=sum(1 for switch, rule in seen if switch.label is Label.UNKNOWN and rule.breached_at is not None),
        not_replayable=len(pairs) - len(seen),
        time_median=quantile(times, 0.5),
        time_p90=quantile(times, 0.9),
        saved_requests=_saved(first),
        why_not_replayable=_ALL_CUT if all_cut else why.most_common(1)[0][0] if why else "",
    )


def _seconds(switch: SwitchReplay, rule: RuleReplay) -> float:
    assert rule.breached_at is not None
    return (rule.breached_at - switch.at).total_seconds()


def _saved(switches: Iterable[SwitchReplay]) -> float | None:
    known = [switch.saved_requests for switch in switches if switch.saved_requests is not None]
    return sum(known) if known else None
