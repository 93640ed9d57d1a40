"""The plot of one rule of one watch: stable before the switch, the candidate against its limit, the evidence."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median

from watchdog.domain.judge.sentences import odds
from watchdog.domain.judge.verdict import number
from watchdog.domain.reading import Point, Record, Rule, items, mapping, moment, points, real
from watchdog.drawing import Band, Elapsed, Figure, Happened, Line, Linear, Moment, Odds, Panel, Tone, ceiling
from watchdog.drawing.layers import Layer
from watchdog.drawing.layers import Point as Place
from watchdog.drawing.levels import level
from watchdog.drawing.thinning import thinned, with_gaps

DRAWN = 160
"""Points of a path that are drawn; extremes are kept."""

_WIDE, _NARROW = 1000.0, 320.0  # pixels: on a phone all of it is seen at once, with letters as large
_BEFORE = 0.4  # of the time after the switch is shown before it


def figure_of(record: Record, rule: Rule, key: str, *, narrow: bool = False) -> Figure | None:
    """The picture, for a page or for a phone's; None where the rule has no numbers to draw."""
    switched = moment(record.get("switched_at"))
    path, recovery = points(rule.all.get("path")), points(rule.all.get("recovery"))
    if switched is None or not any(point.value is not None for point in (*path, *recovery)):
        return None
    times = [(point.at - switched).total_seconds() for point in (*path, *recovery)]
    ended = moment(record.get("ended_at"))
    end = max([*times, 60.0, *([(ended - switched).total_seconds()] if ended else [])])
    stable = mapping(rule.all.get("stable"))
    begin = _begin(stable, switched, end)
    panels = [_values(rule, path, recovery, stable, switched, begin, end), *_evidence(path, switched)]
    return Figure(
        title=f"{rule.name} of {record.get('target')}",
        description=_told(rule, path),
        caption="time from the switch" if narrow else "minutes and seconds from the switch",
        x=Elapsed(begin, end),
        panels=panels,
        moments=moments_of(record, rule, switched),
        heading=False,
        width=_NARROW if narrow else _WIDE,
        key=key,
    )


def _begin(stable: object, switched: datetime, end: float) -> float:
    start = moment(mapping(stable).get("from"))
    before = (switched - start).total_seconds() if start else 0.0
    return -min(max(before, 0.02 * end), _BEFORE * end)


def _values(
    rule: Rule, path: Sequence[Point], recovery: Sequence[Point], stable: object, switched: datetime, begin: float,
    end: float,
) -> Panel:  # fmt: skip
    limits = _series([*path, *recovery], switched, "limit")
    known = [limit for _, limit in limits if limit is not None]
    shown = number(known[-1], rule.dimension) if known else ""
    layers, high = _stable_layers(rule, stable, switched, begin, end)
    layers += level("limit", limits, upward=bool(rule.all.get("upward", True)), said=shown)
    values, after = _series(path, switched, "value"), _series(recovery, switched, "value")
    layers.append(Line("candidate", thinned(with_gaps(values, _reach(path)), DRAWN)))
    if any(value is not None for _, value in after):
        layers.append(Line("after it was put back", thinned(with_gaps(after, _reach(recovery)), DRAWN), Tone.RECOVERY))
    top = ceiling([value for _, value in (*values, *after)] + [*known, high])
    return Panel(rule.text or rule.name, Linear(0.0, top, rule.dimension), layers, height=170.0)


def _stable_layers(
    rule: Rule, stable: object, switched: datetime, begin: float, end: float
) -> tuple[list[Layer], float | None]:
    """What stable did: the band it kept within, its course before the switch, its value as a level."""
    found = mapping(stable)
    layers: list[Layer] = []
    band = [real(edge) for edge in items(found.get("band"))]
    if len(band) == 2 and band[0] is not None and band[1] is not None:
        low, high = band[0], band[1]
        layers.append(Band("nine tenths of stable's baseline", [(begin, low, high), (end, low, high)]))
    course: list[Place] = []
    for row in items(found.get("course")):
        at = moment(row[0]) if len(items(row)) == 2 else None
        if at is not None and (at - switched).total_seconds() >= begin:
            course.append(((at - switched).total_seconds(), real(row[1])))
    if course:
        layers.append(Line("stable before the switch", course, Tone.BASELINE, thick=1.6))
    baseline = real(rule.all.get("baseline"))
    if baseline is not None:
        layers.append(Line("stable's baseline", [(begin, baseline), (end, baseline)], Tone.BASELINE, "2 3", 1.6))
    return layers, max([value for _, value in course if value is not None] + [baseline or 0.0], default=None)


def _evidence(path: Sequence[Point], switched: datetime) -> list[Panel]:
    evidence, needed = _series(path, switched, "log_evidence"), _series(path, switched, "needed")
    wanted = [each for _, each in needed if each is not None]
    reached = [each for _, each in evidence if each is not None]
    if not wanted or not reached:
        return []
    # Far beyond what is needed nothing more is learnt; an axis up to 10^200 would flatten all that matters.
    top = min(max(*reached, *wanted), 2.0 * max(wanted)) * 1.08
    layers = level("needed:", needed, said=odds(wanted[-1], far=True))
    layers.append(Line("evidence", thinned(with_gaps(evidence, _reach(path)), DRAWN), Tone.EVIDENCE))
    return [Panel("odds against a harmless release", Odds(max(min(0.0, *reached), -3.0), top), layers, height=120.0)]


def _series(path: Sequence[Point], switched: datetime, field: str) -> list[Place]:
    return [((point.at - switched).total_seconds(), getattr(point, field)) for point in path]


def _reach(path: Sequence[Point]) -> float:
    """How far apart two points may lie without a gap between them."""
    return 2.5 * median([(after.at - before.at).total_seconds() for before, after in pairwise(path)] or [60.0])


def moments_of(record: Record, rule: Rule | None, switched: datetime) -> list[Moment]:
    """What happened, as the plots mark it."""
    breached = moment(rule.all.get("breached_at")) if rule is not None else moment(record.get("breached_at"))
    ended = moment(record.get("ended_at"))
    recovered = record.get("recovery") == "recovered"
    told = [
        (switched, Happened.SWITCH, "switch"),
        (breached, Happened.BREACH, "breach"),
        (moment(record.get("acted_at")), Happened.ACT, "put back"),
        (ended if recovered else None, Happened.RECOVERY, "recovered"),
        (ended if ended and not recovered else None, Happened.NOTE, str(record.get("outcome") or "")),
    ]
    return [Moment((at - switched).total_seconds(), what, name) for at, what, name in told if at is not None]


def _told(rule: Rule, path: Sequence[Point]) -> str:
    """What the picture shows, for those who cannot see it."""
    values = [point.value for point in path if point.value is not None]
    parts = [f"{rule.text}: {rule.finding}", rule.sentence]
    if values:
        low, high = (number(each, rule.dimension) for each in (min(values), max(values)))
        parts.append(f"the candidate was measured {len(values)} times, between {low} and {high}")
    if rule.by_evidence:
        parts.append(f"the evidence against a harmless release stands at {rule.stands()}")
    return ". ".join(part for part in parts if part)
