"""Backtests as data, made up: so many switches, some of them bad, with paths that look like real ones."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchdog.replay.report import (
    Change,
    Comparison,
    Difference,
    Interval,
    Label,
    Note,
    PathPoint,
    Report,
    RuleReplay,
    Severity,
    Spent,
    SwitchReplay,
    Totals,
)

BEGIN = datetime(2026, 11, 14, tzinfo=UTC)
NEEDED = math.log(2000)
BLOCK = timedelta(seconds=15)
SERVICES = ("gateway", "research", "brand", "content", "agent")


def a_path(
    at: datetime, *, bad_from: int | None = None, gap: range = range(0), blocks: int = 40, seed: int = 0,
    level: float = 0.09, usual: float = 0.006,
) -> tuple[PathPoint, ...]:  # fmt: skip
    """What an error rate under 5 % said block by block: bad from one block on, unknown in a stretch."""
    chance = random.Random(seed)
    points, evidence = [], 0.0
    for block in range(1, blocks + 1):
        bad = bad_from is not None and block >= bad_from
        value = (level if bad else usual) * chance.uniform(0.7, 1.3)
        evidence = max(evidence + (chance.uniform(1.2, 2.2) if bad else -0.3), -1.0)
        known = block not in gap
        finding = "no-data" if not known else "breach" if bad and evidence >= NEEDED else "undecided" if bad else "pass"
        points.append(
            PathPoint(at + BLOCK * block, value if known else None, 0.05, evidence if known else None, NEEDED, finding)
        )
    return tuple(points)


def a_rule(path: Sequence[PathPoint] = (), *, rule: str = "error-rate", **others) -> RuleReplay:
    breached = next((point.at for point in path if point.finding == "breach"), None)
    given = {
        "kind": "threshold", "text": "http_error_rate > 5%", "dimension": "ratio", "action": "rollback",
        "breached_at": breached, "finding": "breach" if breached else "pass", "baseline": 0.004,
        "sentence": "9.1 % of 600 requests failed, over 5 %" if breached else "0.6 % of 600 requests failed",
        "query": 'sum by (pod) (http_requests_total{pod=~"x"})', **others,
    }  # fmt: skip
    return RuleReplay(rule, path=tuple(path), **given)


def a_gauge(at: datetime, peak: float, *, seed: int = 0, blocks: int = 40) -> RuleReplay:
    """What a memory rule said: it climbs to a peak; the limit is 300 MiB."""
    chance, limit = random.Random(seed), 300 * 2.0**20
    points = []
    for block in range(1, blocks + 1):
        value = limit * (0.6 + (peak - 0.6) * block / blocks) * chance.uniform(0.99, 1.01)
        over = value > limit
        points.append(PathPoint(at + BLOCK * block, value, limit, None, None, "breach" if over else "pass"))
    return a_rule(points, rule="memory", text="memory > 1.5x baseline", dimension="bytes", baseline=200 * 2.0**20,
                  sentence="memory is 340 MiB, over 300 MiB" if peak > 1 else "memory is 210 MiB")  # fmt: skip


def a_switch(index: int = 0, *, label: Label = Label.GOOD, bad_from: int | None = None, **others) -> SwitchReplay:
    """One switch with an error rate and a memory rule; decided by the error rate where it breached."""
    at = others.pop("at", BEGIN + timedelta(hours=7 * index + 1))
    rules = others.pop("rules", None) or (
        a_rule(a_path(at, bad_from=bad_from, seed=index)),
        a_gauge(at, 0.7 + 0.2 * random.Random(index).random(), seed=index),
        a_rule(rule="health", kind="probe", text="GET /health", not_replayable="no metric holds its probes"),
    )
    breached = min((rule.breached_at for rule in rules if rule.breached_at), default=None)
    first = next((rule.rule for rule in rules if rule.breached_at == breached), "") if breached else ""
    service = SERVICES[index % len(SERVICES)]
    given = {
        "id": f"{service}-{at:%Y%m%dt%H%M%S}z", "target": f"production/deployment/{service}", "guard": "services",
        "kind": "rollout", "placebo": False, "at_is_bound": False, "source": "kube-state-metrics",
        "candidate": f"{service}-7d9f6c{index:04x}", "stable": f"{service}-5b8c4d{index:04x}",
        "label_source": "label file" if label is not Label.UNKNOWN else "",
        "outcome": "rolled-back" if breached else "passed",
        "reason": "error-rate was breached" if breached else "no rule was breached in 10 min",
        "served_until": at + timedelta(minutes=10), "served_until_why": "bake end",
        "bad_requests": 1800.0 if breached else 12.0,
        "saved_requests": 1500.0 if breached else None, "saved_bound": True, **others,
    }  # fmt: skip
    return SwitchReplay(
        at=at, label=label, rules=tuple(rules), decided_at=breached, first_rule=first,
        decided_in=(breached - at).total_seconds() if breached else None, **given,
    )  # fmt: skip


def totals_of(switches: Sequence[SwitchReplay], rule: str = "") -> Totals:
    """Counted over the switches themselves; the interval is only about right."""

    def breached(switch: SwitchReplay) -> datetime | None:
        one = switch.rule(rule) if rule else None
        return (one.breached_at if one else None) if rule else switch.decided_at

    usable = [each for each in switches if not rule or ((one := each.rule(rule)) and not one.not_replayable)]
    bad = [each for each in usable if each.label is Label.BAD]
    clean = [each for each in usable if each.placebo or each.label is Label.GOOD]
    times = sorted((at - each.at).total_seconds() for each in bad if (at := breached(each)))
    alarms = sum(1 for each in clean if breached(each))
    share = alarms / len(clean) if clean else 0.0
    interval = Interval(max(0.0, share - 0.03), min(1.0, share + 0.05)) if clean else Interval(0.0, 1.0)
    return Totals(
        rule, "services" if rule else "", len(bad), len(times), sum(1 for each in bad if each.first_rule == rule),
        len(clean), alarms, interval,
        sum(1 for each in usable if each.label is Label.UNKNOWN and not each.placebo and breached(each)),
        len(switches) - len(usable), times[len(times) // 2] if times else None,
        times[int(len(times) * 0.9)] if times else None, 1500.0 * len(times) if times else None,
        "no metric holds its probes" if rule == "health" else "",
    )  # fmt: skip


def a_report(switches: Sequence[SwitchReplay], notes: Sequence[Note] = (), **others) -> Report:
    given = {
        "rules_file": "rules.toml", "digest": "a" * 64, "prometheus": "http://prometheus:9090", "since": BEGIN,
        "until": BEGIN + timedelta(days=14), "replayed_at": BEGIN + timedelta(days=14),
        "spent": Spent(420, 12, 1_300_000, 18.2), **others,
    }  # fmt: skip
    names = dict.fromkeys(rule.rule for switch in switches for rule in switch.rules)
    totals = tuple(totals_of(switches, name) for name in names)
    return Report(
        switches=tuple(sorted(switches, key=lambda each: each.at)), totals=totals, overall=totals_of(switches),
        notes=tuple(notes), **given,
    )  # fmt: skip


def fortnight(count: int = 40, bad: int = 8, placebos: int = 30) -> Report:
    """Fourteen days: some bad releases (one of them missed), one false alarm, a switch that nobody labelled."""
    switches = []
    for index in range(count):
        at = BEGIN + timedelta(days=14) * ((index + 0.5) / count)
        if index < bad:
            switches.append(a_switch(index, at=at, label=Label.BAD, bad_from=None if index == 3 else 4 + index))
        elif index == bad:
            switches.append(a_switch(index, at=at, label=Label.GOOD, bad_from=20))
        elif index == bad + 1:
            switches.append(a_switch(index, at=at, label=Label.UNKNOWN, bad_from=12))
        else:
            switches.append(a_switch(index, at=at))
    for index in range(placebos):
        at = BEGIN + timedelta(days=14) * ((index + 0.25) / placebos)
        switches.append(a_switch(1000 + index, at=at, placebo=True, kind="rollout", source="placebo", label=Label.GOOD,
                                 label_source="a quiet window"))  # fmt: skip
    notes = [Note(Severity.WARNING, "15 days are kept; what lies before 2026-11-14 was not there"),
             Note(Severity.INFO, "labels were taken from labels.csv")]  # fmt: skip
    return a_report(switches, notes)


def a_comparison(report: Report) -> Comparison:
    """The same switches under older rules that missed one, rolled another back, and were 40 s later."""
    chosen = [each for each in report.real if each.decided_at][:3]
    more, fewer, sooner = chosen
    undone = {more.id: replace(more, decided_at=None, decided_in=None, first_rule="", outcome="passed")}
    old = a_report([undone.get(each.id, each) for each in report.switches], digest="b" * 64)

    def differs(switch: SwitchReplay, change: Change, **others) -> Difference:
        given = {"seconds": None, "old_outcome": "passed", "new_outcome": "rolled-back", "old_rule": "",
                 "new_rule": "error-rate", "old_decided_at": None, "new_decided_at": switch.decided_at,
                 **others}  # fmt: skip
        return Difference(switch.id, switch.target, switch.at, switch.placebo, switch.label, change, **given)

    differences = (
        differs(more, Change.ROLLBACK_MORE),
        differs(fewer, Change.ROLLBACK_FEWER, old_outcome="rolled-back", new_outcome="passed"),
        differs(sooner, Change.SOONER, seconds=-40.0, old_outcome="rolled-back", old_rule="error-rate"),
    )
    return Comparison(old, report, "main:rules.toml", differences, "1 rollback more, 1 fewer, 40 s sooner")
