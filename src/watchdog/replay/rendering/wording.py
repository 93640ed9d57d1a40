"""What the numbers of a backtest say, in the same words in every form."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from watchdog.domain.judge.verdict import span
from watchdog.replay.comparing import at_least
from watchdog.replay.report import Change, Comparison, Difference, Label, Report, RuleReplay, SwitchReplay, Totals


class Standing(StrEnum):
    """How the decision on a switch stands to what is known of it, in order of how much it matters to a reader."""

    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    CAUGHT = "caught"
    CUT_SHORT = "cut short by the watchdog's own rollback"
    UNLABELLED = "rolled back, nobody said whether it was bad"
    TOLD = "told of, nobody said whether it was bad"
    OTHER = "no decision"
    PASSED = "passed"


def standing(switch: SwitchReplay) -> Standing:
    """Caught, missed, a false alarm, or none of these. To tell (under `action = "notify"`) counts as to decide."""
    decided = switch.decided_at is not None
    if switch.cut_short:
        return Standing.CUT_SHORT
    if switch.label is Label.BAD:
        return Standing.CAUGHT if decided else Standing.MISSED
    if decided and (switch.placebo or switch.label is Label.GOOD):
        return Standing.FALSE_ALARM
    if decided:
        return Standing.UNLABELLED if switch.acted else Standing.TOLD
    return Standing.PASSED if switch.outcome == "passed" else Standing.OTHER


def by_relevance(switches: Sequence[SwitchReplay]) -> list[SwitchReplay]:
    """What a reader wants to see first: what went wrong, then what was caught; the newest first within."""
    order = list(Standing)
    return sorted(switches, key=lambda each: (order.index(standing(each)), each.placebo, -each.at.timestamp()))


def report_of(found: Report | Comparison) -> Report:
    """The report itself; of a comparison the new rules'."""
    return found.new if isinstance(found, Comparison) else found


def headline(report: Report) -> str:
    """The whole backtest in one sentence."""
    overall = report.overall
    parts = []
    seen = [switch for switch in report.real if not switch.cut_short]
    if overall.bad:
        within = f", half of them within {duration(overall.time_median)}" if overall.time_median is not None else ""
        caught = f"{overall.caught} of {plural(overall.bad, 'bad release')}"
        parts.append(f"{caught} would have been caught{within if overall.caught > 1 else ''}")
    elif seen:
        decided = sum(1 for switch in seen if switch.decided_at is not None)
        switches = f"{decided} of {plural(len(seen), 'switch', 'switches')}"
        parts.append(f"{switches} would have been rolled back or told of; {_known_of(seen)}")
    elif not report.real:
        parts.append("no switch was found")
    if overall.clean:
        alarms = plural(overall.false_alarms, "false alarm") if overall.false_alarms else "no false alarm"
        rate = f"{per_100(overall)} per 100, 95 % interval {interval_words(overall)}"
        parts.append(f"{alarms} in {plural(overall.clean, 'clean deploy')} ({rate})")
    cut = len(report.real) - len(seen)
    if cut:
        parts.append(f"{cut} cut short by the watchdog's own rollback, and counted neither way")
    saved = overall.saved_requests
    if saved is not None and saved >= 1:
        parts.append(f"{saved:,.0f} failed requests saved")
    return "; ".join(parts) + "."


def _known_of(seen: Sequence[SwitchReplay]) -> str:
    """What is known of switches of which no bad one is counted."""
    unsaid = sum(1 for switch in seen if switch.label is Label.UNKNOWN)
    if unsaid == len(seen):
        return "which of them were bad, nobody said"
    blind = sum(1 for switch in seen if switch.label is Label.BAD)
    known = f"on {plural(blind, 'bad one')} no rule could be replayed" if blind else "none is known to have been bad"
    return f"{known}, and of {unsaid} nobody said" if unsaid else known


def plural(count: int, one: str, many: str = "") -> str:
    """`1 switch`, `12 switches`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float | None) -> str:
    """Seconds as people read them, `-` where they are not known."""
    return "-" if seconds is None else span(timedelta(seconds=seconds))


def moment(at: datetime) -> str:
    """`2026-11-28 14:02:15`; all moments are in UTC, which is said once."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def per_100(totals: Totals) -> str:
    """False alarms per 100 clean deploys, `-` where there was no clean one."""
    share = totals.false_alarms_per_100
    return "-" if share is None else _short(share)


def interval_words(totals: Totals) -> str:
    """The interval of that, per 100 as well: `0.0 to 4.6`."""
    interval = totals.false_alarm_interval
    return f"{_short(100 * interval.low)} to {_short(100 * interval.high)}" if totals.clean else "-"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def amount(value: float | None) -> str:
    """A count of requests."""
    return "-" if value is None else f"{value:,.0f}"


def saved(switch: SwitchReplay) -> str:
    """How many bad requests the decision would have saved; `at least` where nobody saw the end."""
    if switch.saved_requests is None:
        return "-"
    return ("at least " if switch.saved_bound else "") + amount(switch.saved_requests)


def decision(switch: SwitchReplay) -> str:
    """What the watchdog would have come to: `rolled-back after 75 s by error-rate`."""
    if switch.decided_at is None:
        return switch.outcome
    by = f" by {switch.first_rule}" if switch.first_rule else ""
    return f"{switch.outcome} after {duration(switch.decided_in)}{by}"


def what_it_is(switch: SwitchReplay) -> str:
    """`rollout`, `selector`, or that it is a quiet moment."""
    return "placebo" if switch.placebo else switch.kind


def label_words(switch: SwitchReplay) -> str:
    """What is known of a switch, and who says so."""
    return f"{switch.label} ({switch.label_source})" if switch.label_source else str(switch.label)


def change_words(difference: Difference) -> str:
    """What the new rules do otherwise."""
    match difference.change:
        case Change.ROLLBACK_MORE:
            return "rolled back now"
        case Change.ROLLBACK_FEWER:
            return "no longer rolled back"
        case Change.SOONER | Change.LATER:
            if difference.at_least:
                return f"{at_least(abs(difference.seconds or 0.0))}{difference.change}"
            by = f"{duration(abs(difference.seconds))} " if difference.seconds is not None else ""
            return f"{by}{difference.change}"
        case Change.RULE:
            return "by another rule"
        case Change.OUTCOME:
            return "another outcome"
        case Change.ONLY_NEW:
            return "guarded now"
        case Change.ONLY_OLD:
            return "no longer guarded"
        case Change.STEP_NEW:
            return "a watch of its own now"
        case Change.STEP_OLD:
            return "a step of the watch before now"


def is_worse(difference: Difference) -> bool | None:
    """Whether a difference is for the worse, for the better (False), or neither (None), as far as the label says."""
    harmless = difference.placebo or difference.label is Label.GOOD
    if not harmless and difference.label is not Label.BAD:
        return None
    match difference.change:
        case Change.ROLLBACK_MORE:
            return harmless
        case Change.ROLLBACK_FEWER:
            return not harmless
        case Change.OUTCOME | Change.STEP_NEW | Change.STEP_OLD if difference.turned:  # told of by one file alone
            return harmless is (difference.turned > 0)
        case Change.SOONER:
            return None if harmless else False
        case Change.LATER:
            return None if harmless else True
        case _:
            return None


def differences_by_relevance(comparison: Comparison) -> list[Difference]:
    """Worse first, then better, then the rest; rollbacks before times, the newest first within."""
    order = list(Change)
    worth = {True: 0, False: 1, None: 2}
    return sorted(
        comparison.differences, key=lambda each: (worth[is_worse(each)], order.index(each.change), -each.at.timestamp())
    )


def nearest(switch: SwitchReplay) -> RuleReplay | None:
    """The rule that says most about a switch: the one that decided, else the one that came nearest to it."""
    decided = switch.rule(switch.first_rule) if switch.first_rule else None
    if decided is not None:
        return decided
    replayed = [rule for rule in switch.rules if not rule.not_replayable]
    return max(replayed, key=lambda rule: reached(rule) or 0.0, default=None)


def reached(rule: RuleReplay) -> float | None:
    """How far a rule came towards its breach: 1 is there. None where it has no such measure, or saw nothing.

    Where evidence is weighed it counts, and only where the rule as written held; else the value against its limit.
    """
    if rule.breached_at is not None:
        return 1.0 + max((_excess(rule) or 0.0), 0.0)
    shares = [
        share
        for point in rule.path
        if (share := _share(point.value, point.limit, point.log_evidence, point.needed, downward(rule))) is not None
    ]
    return min(max(shares), 0.99) if shares else None


def _excess(rule: RuleReplay) -> float | None:
    known = [
        point.log_evidence / point.needed - 1.0
        for point in rule.path
        if point.log_evidence is not None and point.needed
    ]
    return max(known, default=None)


def _share(
    value: float | None, limit: float | None, evidence: float | None, needed: float | None, down: bool
) -> float | None:
    against = None
    if value is not None and limit is not None and value > 0 and limit > 0:
        against = limit / value if down else value / limit
    if evidence is None or not needed:
        return against
    proven = max(evidence, 0.0) / needed
    return proven if against is None else min(proven, max(against, 0.0))


def downward(rule: RuleReplay) -> bool:
    """Whether less is worse under this rule."""
    return " < " in rule.text or " <= " in rule.text
