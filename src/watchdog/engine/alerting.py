"""Measures rules on alerts: looks at the `ALERTS` series at each block's end, and once at the past before the first.

All rules and watches that ask at the same moment share one query. The past (the baseline stretch, then what a restart
missed) tells what was active before; without it no block of alerts can be judged.
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from watchdog.domain.alerts import Known, Labels, Moments, Place, look
from watchdog.domain.measurement import Answer, Block, QueryFailed
from watchdog.domain.rules import ALERT_NAME, Alerts
from watchdog.engine.gathering import Gatherer, Outcome
from watchdog.engine.questions import Instant, Question, Span, Steps, When, at_moment, grid_of
from watchdog.engine.templates import quoted, template_of

_MOST_LOOKS = 600
"""Looks at one stretch of the past; a longer stretch is looked at less often."""


class AlertTracker:
    """How far the alerts of one rule of one watch are known. `past`: from when on they are looked at."""

    def __init__(self, alerts: Alerts, place: Place, moments: Moments, past: datetime) -> None:
        self.alerts = alerts
        self.place = place
        self.moments = moments
        self.past = past
        self.known: Known | None = None

    def moved(self, place: Place) -> None:
        """Another Service joined the switch: what its alerts did before is not known yet."""
        if place != self.place:
            self.place, self.known = place, None


async def alert_blocks(gatherer: Gatherer, tracker: AlertTracker, spans: Sequence[Span]) -> tuple[Block, ...]:
    """Look at each span's end. Where asking failed the block says so, and the next look goes on from the last."""
    if tracker.known is None:
        failed = await _look_back(gatherer, tracker, spans[0])
        if failed is not None:
            return tuple(Block(*span, failed, failed.query) for span in spans)
    blocks = []
    for span, outcome in zip(spans, await _looks(gatherer, tracker.alerts, spans), strict=True):
        query = _question(tracker.alerts, Instant(span[2].timestamp())).query
        if isinstance(outcome, QueryFailed):
            blocks.append(Block(*span, outcome, query))
            continue
        active = [series.labels for series in outcome.series]
        before = tracker.known or Known()
        tracker.known, firing = look(before, active, span[2], tracker.alerts, tracker.place, tracker.moments)
        blocks.append(Block(*span, firing, query))
    return tuple(blocks)


async def _looks(gatherer: Gatherer, alerts: Alerts, spans: Sequence[Span]) -> Sequence[Outcome]:
    """What was active at each span's end: of many, in one query."""
    ends = [end for _, _, end in spans]
    grid = grid_of(ends)
    if grid is None:
        return await asyncio.gather(*(gatherer.ask(_question(alerts, Instant(end.timestamp()))) for end in ends))
    outcome = await gatherer.ask(_question(alerts, grid))
    if isinstance(outcome, QueryFailed):
        return [outcome] * len(spans)
    return [at_moment(outcome, end.timestamp()) for end in ends]


async def _look_back(gatherer: Gatherer, tracker: AlertTracker, first: Span) -> QueryFailed | None:
    """Look at the past up to the first span's start: up to the switch on one grid, from there on another."""
    interval, switch, start = first[2] - first[1], tracker.moments.switch, first[1]
    known = Known()
    for begin, end in ((min(tracker.past, switch - interval), switch), (switch, start)):
        if end <= begin:
            continue
        times = _steps(begin, end, interval)
        when = Steps(times[0].timestamp(), end.timestamp() + 0.5, (times[1] - times[0]).total_seconds())
        outcome = await gatherer.ask(_question(tracker.alerts, when))
        if isinstance(outcome, QueryFailed):
            return outcome
        for at, active in zip(times, _seen(outcome, when, len(times)), strict=True):
            known, _ = look(known, active, at, tracker.alerts, tracker.place, tracker.moments)
    tracker.known = known
    return None


def _steps(begin: datetime, end: datetime, interval: timedelta) -> list[datetime]:
    """Moments that end exactly at `end` and begin at `begin` or a step before; at least two."""
    step = interval * max(1, math.ceil((end - begin) / interval / _MOST_LOOKS))
    count = max(1, math.ceil((end - begin) / step))
    return [end - step * back for back in range(count, -1, -1)]


def _seen(answer: Answer, when: Steps, count: int) -> list[list[Labels]]:
    """What was active at each step. Some that speak Prometheus's API shift the steps: the nearest one is meant."""
    seen: list[list[Labels]] = [[] for _ in range(count)]
    for series in answer.series:
        steps = {round((at - when.start) / when.step) for at, _ in series.samples}
        for step in steps:
            if 0 <= step < count:
                seen[step].append(series.labels)
    return seen


def _question(alerts: Alerts, when: When) -> Question:
    """The alerts by their names, which stand where other questions have their pods: so they go out together."""
    return Question(template_of(_selector(alerts.matchers)), "|".join(map(re.escape, alerts.names)), when)


def _selector(matchers: Mapping[str, str]) -> str:
    written = [f"{label}={quoted(value)}" for label, value in matchers.items()]
    return "ALERTS{" + ", ".join([*written, f'{ALERT_NAME}=~"{{{{ pods }}}}"']) + "}"
