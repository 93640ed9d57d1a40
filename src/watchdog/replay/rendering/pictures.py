"""The pictures of a backtest: every switch on one time axis, one switch with its evidence, what a threshold costs."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.sentences import odds
from watchdog.domain.judge.verdict import number
from watchdog.drawing import (
    Clock,
    Dot,
    Dots,
    Elapsed,
    Figure,
    Happened,
    Limit,
    Line,
    Linear,
    Moment,
    Odds,
    Panel,
    Tone,
    ceiling,
)
from watchdog.drawing.layers import Layer, Point
from watchdog.drawing.thinning import thinned, with_gaps
from watchdog.drawing.timelines import Event, Kind, Row, Timeline
from watchdog.drawing.tones import SERIES
from watchdog.replay.rendering.curves import Curve, Setting
from watchdog.replay.rendering.wording import (
    Standing,
    decision,
    downward,
    duration,
    label_words,
    moment,
    plural,
    reached,
    standing,
)
from watchdog.replay.report import Label, PathPoint, Report, RuleReplay, SwitchReplay

POINTS = 120  # of a path that are drawn; extremes are kept
_CURVES = len(SERIES)

_KINDS = {
    Standing.MISSED: Kind("missed", Tone.DOUBT, "down"),
    Standing.FALSE_ALARM: Kind("false alarm", Tone.EVIDENCE, "square"),
    Standing.CAUGHT: Kind("caught", Tone.BREACH, "triangle"),
    Standing.CUT_SHORT: Kind("cut short by the rollback", Tone.MUTED, "box"),
    Standing.UNLABELLED: Kind("decided, not labelled", Tone.INK, "diamond"),
    Standing.TOLD: Kind("decided, not labelled", Tone.INK, "diamond"),
    Standing.PASSED: Kind("passed", Tone.GOOD, "circle"),
}


def timeline(report: Report, links: Mapping[str, str], most: int) -> Timeline:
    """Every real switch, and the placebos that were decided; a row a target, at most so many rows."""
    rows: dict[str, list[Event]] = {}
    order = list(Standing)
    for switch in report.switches:
        kind = standing(switch)
        if switch.placebo and kind is not Standing.FALSE_ALARM:
            continue
        share = max((each for rule in switch.rules if (each := reached(rule)) is not None), default=None)
        rows.setdefault(switch.target, []).append(
            Event(switch.at.timestamp(), _kind(switch), _event_words(switch), share, switch.label is Label.BAD,
                  links.get(switch.id, ""))
        )  # fmt: skip
    shown = sorted(rows)[:most]
    counts = [(kind, sum(1 for each in report.switches if standing(each) is kind)) for kind in order]
    said = ", ".join(f"{count} {kind}" for kind, count in counts if count)
    return Timeline(
        title="Every switch, and how near it came to a decision",
        description=f"{plural(len(report.real), 'switch', 'switches')} of {plural(len(rows), 'target')}: {said}.",
        caption="time in UTC",
        x=Clock(report.since.timestamp(), report.until.timestamp()),
        rows=[Row(target, rows[target]) for target in shown],
        threshold="decision",
        ring="really bad",
        heading=False,
        width=1000.0,
    )


def _kind(switch: SwitchReplay) -> Kind:
    """What its mark looks like; where nothing was decided, its outcome is its name."""
    kind = _KINDS.get(standing(switch))
    tone = Tone.DOUBT if switch.outcome == "held" else Tone.MUTED
    return kind or Kind(switch.outcome, tone, "plus" if switch.outcome == "held" else "box")


def _event_words(switch: SwitchReplay) -> str:
    kind = "placebo, " if switch.placebo else ""
    return f"{switch.target}, {moment(switch.at)} UTC: {kind}{decision(switch)}; {label_words(switch)}"


def switch_figure(switch: SwitchReplay, rule: RuleReplay, key: str) -> Figure | None:
    """One rule of one switch: its value against the limit, its evidence against what it needed. None: nothing known."""
    begin = switch.at.timestamp()
    path = [(point.at.timestamp() - begin, point) for point in rule.path]
    values: list[Point] = [(at, point.value) for at, point in path]
    if not any(value is not None for _, value in values):
        return None
    dimension = Dimension(rule.dimension) if rule.dimension in set(Dimension) else Dimension.PLAIN
    end = max([at for at, _ in path] + [60.0])
    reach = 2.5 * median([after[0] - before[0] for before, after in pairwise(path)] or [60.0])
    limits: list[Point] = [(at, point.limit) for at, point in path]
    known = [limit for _, limit in limits if limit is not None]
    layers: list[Layer] = []
    if rule.baseline is not None:
        layers.append(
            Line("stable before the switch", [(0.0, rule.baseline), (end, rule.baseline)], Tone.BASELINE, "2 3", 1.6)
        )
    layers += _level("limit", limits, number(known[-1], dimension) if known else "", upward=not downward(rule))
    layers.append(Line("candidate", thinned(with_gaps(values, reach), POINTS)))
    high = ceiling([*(value for _, value in values), *known, rule.baseline])
    panels = [Panel(f"{rule.rule}: {rule.text}", Linear(0.0, high, dimension), layers, height=130.0)]
    panels += _evidence(path, reach)
    return Figure(
        title=f"{switch.target}, {moment(switch.at)} UTC, {rule.rule}",
        description=f"{rule.sentence}. {decision(switch)}.",
        caption="minutes and seconds since the switch",
        x=Elapsed(0.0, end),
        panels=panels,
        moments=_moments(switch, rule, end),
        heading=False,
        key=key,
    )


def _level(name: str, points: Sequence[Point], said: str, *, upward: bool = True) -> list[Layer]:
    """A limit as one level where it never moved, else as a line."""
    known = {value for _, value in points if value is not None}
    if not known:
        return []
    if max(known) - min(known) <= 1e-9 * max(abs(max(known)), 1e-12):
        return [Limit(f"{name} {said}", known.pop(), beyond=True, upward=upward)]
    return [Line(name, thinned(points, POINTS), Tone.LIMIT, "6 4", 1.6)]


def _evidence(path: Sequence[tuple[float, PathPoint]], reach: float) -> list[Panel]:
    evidence: list[Point] = [(at, point.log_evidence) for at, point in path]
    needed: list[Point] = [(at, point.needed) for at, point in path]
    wanted = [each for _, each in needed if each is not None]
    if not wanted or not any(each is not None for _, each in evidence):
        return []
    # Far beyond what is needed nothing more is learnt; an axis up to 10^200 would flatten all that matters.
    top = min(max([*(each for _, each in evidence if each is not None), *wanted]), 2.0 * max(wanted)) * 1.08
    low = min([0.0, *(each for _, each in evidence if each is not None)])
    layers = _level("needed:", needed, odds(wanted[-1], far=True))
    layers.append(Line("evidence", thinned(with_gaps(evidence, reach), POINTS), Tone.EVIDENCE))
    return [Panel("odds against a harmless release", Odds(max(low, -3.0), top), layers, height=110.0)]


def _moments(switch: SwitchReplay, rule: RuleReplay, end: float) -> list[Moment]:
    moments = [Moment(0.0, Happened.SWITCH, "switch, at the latest" if switch.at_is_bound else "switch")]
    if rule.breached_at is not None:
        moments.append(Moment((rule.breached_at - switch.at).total_seconds(), Happened.BREACH, f"{rule.rule} breached"))
    if switch.decided_at is not None and switch.decided_in is not None:
        did = "would have rolled back" if switch.acted else f"would have {switch.outcome}"
        if switch.first_rule != rule.rule:
            did += f" for {switch.first_rule}"
        moments.append(Moment(switch.decided_in, Happened.ACT, did))
    gone = (switch.served_until - switch.at).total_seconds()
    if gone < end and switch.served_until_why != "bake end":
        moments.append(Moment(gone, Happened.NOTE, f"really ended: {switch.served_until_why}"))
    return moments


def trade_off(found: Sequence[Curve]) -> Figure | None:
    """False alarms against time, for a thousandth to a thousand times the odds needed. None: nothing to draw."""
    layers: list[Layer] = []
    for curve, (tone, shape, dash) in zip(found[:_CURVES], SERIES, strict=False):
        dots = [_dot(each, curve) for each in curve.settings if each.time_median is not None]
        layers.append(Dots(curve.rule, _apart(dots), tone, shape, joined=True, dash=dash))
    drawn = [dot for layer in layers if isinstance(layer, Dots) for dot in layer.dots]
    if not drawn:
        return None
    said = "; ".join(
        f"{curve.rule}: " + ", ".join(f"{factor_words(each)} {setting_words(each)}" for each in curve.settings)
        for curve in found[:_CURVES]
    )
    rate = Linear(0.0, ceiling([dot.y for dot in drawn], least=1.0))
    return Figure(
        title="False alarms and time, by how much evidence is asked for",
        description=said,
        caption="median time from a bad switch to the decision",
        x=Linear(0.0, ceiling([dot.x for dot in drawn]), Dimension.SECONDS),
        panels=[Panel("false alarms per 100 clean deploys", rate, layers, 240.0)],
        heading=False,
        width=1000.0,
        key="trade-off",
    )


def _dot(setting: Setting, curve: Curve) -> Dot:
    caption = factor_words(setting)
    if setting.caught < max(each.caught for each in curve.settings):
        caption += f" ({setting.caught} of {setting.bad})"
    said = f"{curve.rule}, {factor_words(setting)}: {setting_words(setting)}"
    return Dot(setting.time_median or 0.0, setting.per_100, said, caption, large=setting.factor == 1.0)


def setting_words(setting: Setting) -> str:
    """What a threshold gave, in words."""
    return (
        f"{setting.caught} of {setting.bad} caught, median {duration(setting.time_median)}, "
        f"{setting.false_alarms} of {setting.clean} clean ones rolled back"
    )


def factor_words(setting: Setting) -> str:
    """`÷10`, `as it is`, `×100`: how much more evidence is asked for."""
    if setting.factor == 1.0:
        return "as it is"
    return f"×{round(setting.factor):,}" if setting.factor > 1 else f"÷{round(1 / setting.factor):,}"


def _apart(dots: Sequence[Dot]) -> list[Dot]:
    """Without the captions of those that lie on another's place: the first says where they begin."""
    kept: list[Dot] = []
    for dot in sorted(dots, key=lambda each: not each.large):
        near = any(
            math.isclose(dot.x, other.x, rel_tol=0.05) and math.isclose(dot.y, other.y, rel_tol=0.05) for other in kept
        )
        kept.append(Dot(dot.x, dot.y, dot.words, "" if near else dot.caption, large=dot.large))
    return sorted(kept, key=lambda each: (each.x, -each.y))
