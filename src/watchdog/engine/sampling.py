"""Turns what the open watches want to know into few questions to Prometheus, and the answers into readings.

sampler = Sampler(source, clock)
tracker = sampler.tracker(threshold, subject)           # one per watch and rule
blocks = await sampler.blocks(tracker, [(7, start, end)])
tracker.subject = replace(tracker.subject, pods=...)    # whenever pods come
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.domain.conditions import GaugeMetric, RateMetric, Threshold
from watchdog.domain.counting import Counted, Increase, Selection, count
from watchdog.domain.judge.gauges import course_of
from watchdog.domain.judge.harmless import pairs_of
from watchdog.domain.measurement import Answer, Baseline, Block, QueryFailed, Reading
from watchdog.domain.tallies import together
from watchdog.engine.alerting import AlertTracker, alert_blocks
from watchdog.engine.by_source import BySource
from watchdog.engine.easing import Eased
from watchdog.engine.gathering import Outcome
from watchdog.engine.questions import (
    Instant,
    Raw,
    Span,
    Steps,
    Subject,
    at_moment,
    grid_of,
    pieces,
    question_of,
    selection_of,
    selectors_of,
)
from watchdog.engine.readings import (
    NOTHING_COUNTED,
    gauge_reading,
    gauge_steps,
    impossible_sample,
    medians,
    reading_of,
    values_over_time,
)
from watchdog.engine.refining import picked
from watchdog.engine.staying import while_staying
from watchdog.ports import Clock, MetricSource, MetricSources

__all__ = ["Sampler", "Span", "Subject", "Tracker"]

SETTLE = 2.0  # seconds after a block's end that its samples are given to arrive
_LOOK_BACK = 300.0  # where counting is taken up in the middle: a series' last sample is at most that old
_LONGEST_ARREARS = 3600.0  # samples older than that are given up, should Prometheus have been away so long
_BASELINE_STEPS = 120
_LEAD_IN = 60.0  # before each step of a baseline, so that its first scrape has one to be counted from
_PIECE = 600.0  # of a baseline's raw samples, asked for at once


class Tracker:
    """How far one rule of one watch has been counted. Set `subject` when its pods change."""

    def __init__(self, threshold: Threshold, subject: Subject) -> None:
        self.threshold = threshold
        self.subject = subject
        self.counted = Counted()
        self.begun: float | None = None  # where the first block that was asked for begins
        self.until: float | None = None  # all samples up to here have been counted


@dataclass(frozen=True, slots=True)
class _Selections:
    """The answers to the one or two selectors of a counted metric."""

    lead: Selection
    companion: Selection | None


@dataclass(frozen=True, slots=True)
class Grown:
    """The increases of a metric's one or two selectors, series by series; `telling` only the second matches on."""

    lead: Sequence[Increase]
    companion: Sequence[Increase]
    telling: frozenset[str]


class Sampler:
    """Measures rules, for all watches at once. Readings, never exceptions, tell of what went wrong.

    `settle`: how long after a block's end it is asked about; `deadline`: of one query; `gather`: how long to wait
    for other questions of the same shape. All in seconds. `sources` are those that rules name; without them every
    question goes to the one source. `eased` is told of what a source, by its name, is spared (`easing`).
    """

    def __init__(
        self,
        source: MetricSource,
        clock: Clock,
        *,
        sources: MetricSources | None = None,
        settle: float = SETTLE,
        deadline: float = 10.0,
        gather: float = 0.05,
        eased: Callable[[str, Eased], None] = lambda _source, _steps: None,
    ) -> None:
        self._clock = clock
        self._settle = settle
        self.aside = asyncio.Semaphore(1)
        """For large questions that no act waits for: one at a time, of all watches, so that none keeps the rest."""
        self._gatherers = BySource(
            sources or (lambda _name: source), clock, deadline=deadline, gather=gather, eased=eased
        )

    async def close(self) -> None:
        """End what is still being asked."""
        await self._gatherers.close()

    def tracker(self, threshold: Threshold, subject: Subject) -> Tracker:
        """Begin to measure a rule."""
        return Tracker(threshold, subject)

    async def blocks(self, tracker: Tracker | AlertTracker, spans: Sequence[Span]) -> tuple[Block, ...]:
        """Wait until the last of the consecutive spans has settled, then measure each of them.

        Of one tracker one call at a time. Where asking failed, all the blocks say so, and what was counted meanwhile
        comes with the next block.
        """
        if not spans:
            return ()
        last = spans[-1][2]
        await self._clock.sleep((last - self._clock.now()).total_seconds() + self._settle)
        if isinstance(tracker, AlertTracker):
            return await alert_blocks(self._gatherers[tracker.alerts.source], tracker, spans)
        if isinstance(tracker.threshold.metric, GaugeMetric):
            return await self._gauge_blocks(tracker.threshold.metric, tracker, spans)
        return await self._counted_blocks(tracker, spans)

    async def baseline(
        self, threshold: Threshold, subject: Subject, start: datetime, end: datetime, interval: float
    ) -> Baseline:
        """Measure a stretch of the past: as one block, or (gauge, rate) as each pod's median over time.

        What evidence is held against is kept interval by interval (seconds) as well.
        """
        step = float(max(5, round((end - start).total_seconds() / _BASELINE_STEPS)))
        if isinstance(threshold.metric, GaugeMetric):
            first = min(start.timestamp() + step, end.timestamp())
            question = question_of(threshold.metric.query, subject, Steps(first, end.timestamp(), step))
            outcome = await self._gatherers[threshold.source].ask(question)
            steps = gauge_steps(outcome, question, first, step)
            course = course_of(threshold, steps, step)
            return Baseline(
                start,
                end,
                values_over_time(outcome, question),
                question.query,
                course=course,
                step=step if course else 0.0,
            )
        step = step if isinstance(threshold.metric, RateMetric) else interval
        reading, readings, query = await self._counted_baseline(threshold, replace(subject, since=start), end, step)
        course = course_of(threshold, readings, step)
        pairs = pairs_of(threshold, reading, readings)
        return Baseline(start, end, reading, query, pairs, course, step if course else 0.0)

    async def _counted_baseline(
        self, threshold: Threshold, subject: Subject, end: datetime, step: float
    ) -> tuple[Reading, list[Reading], str]:
        """Count a long stretch piece by piece: its raw samples are too many to hold them all."""
        tracker = Tracker(threshold, subject)
        begin, last = subject.since.timestamp(), end.timestamp()
        lead: list[Increase] = []
        companion: list[Increase] = []
        readings: list[Reading] = []
        query, answered = "", False
        for at in pieces(begin, last, _PIECE):
            answers, query = await self._selections(tracker, Raw(max(begin, at - _PIECE), at))
            if isinstance(answers, QueryFailed):
                return answers, [], query
            answered = answered or bool(answers.lead.series)
            for to in pieces(max(begin, at - _PIECE), at, step):
                near = _from(answers, to - step - _LEAD_IN)
                more_lead, more_companion = _count_on(tracker, near, to)
                readings.append(_read(tracker, more_lead, more_companion, answers, query))
                lead += more_lead
                companion += more_companion
        if isinstance(threshold.metric, RateMetric):
            return medians(readings, query), readings, query
        return reading_of(threshold, together(lead), together(companion), answered, query), readings, query

    async def grown(self, threshold: Threshold, subject: Subject, end: datetime, most: int) -> Grown | None:
        """By how much each series of a counted metric grew from `subject.since` to `end`; None where that failed.

        Of more than `most` series nothing is asked: they are counted first.
        """
        lead, _ = selectors_of(threshold)
        size = await self._gatherers[threshold.source].ask(
            question_of(f"count({lead})", subject, Instant(end.timestamp()))
        )
        if isinstance(size, QueryFailed):
            return None
        if any(value > most for one in size.series for _, value in one.samples):
            return Grown((), (), frozenset())
        tracker = Tracker(threshold, subject)
        answers, _ = await self._selections(tracker, Raw(subject.since.timestamp(), end.timestamp()))
        if isinstance(answers, QueryFailed):
            return None
        named = answers.companion.named - answers.lead.named if answers.companion is not None else frozenset[str]()
        return Grown(*_count_on(tracker, answers, end.timestamp()), named)

    # -- counters ------------------------------------------------------------------------------------------------

    async def _counted_blocks(self, tracker: Tracker, spans: Sequence[Span]) -> tuple[Block, ...]:
        since, first = tracker.subject.since.timestamp(), spans[0][1].timestamp()
        end = spans[-1][2].timestamp()
        if end <= since:
            return tuple(Block(*span, NOTHING_COUNTED) for span in spans)
        if tracker.begun is None:
            tracker.begun = max(since, first)
        # What came late lies before the end of the last block; what failed to be asked, behind it.
        interval = (spans[0][2] - spans[0][1]).total_seconds()
        begin = tracker.begun - _LOOK_BACK if tracker.until is None else min(first, tracker.until) - interval
        begin = max(begin, min(first - interval, end - _LONGEST_ARREARS))
        answers, query = await self._selections(tracker, Raw(max(since, begin), end))
        if isinstance(answers, QueryFailed):
            return tuple(Block(*span, answers, query) for span in spans)
        if tracker.until is None and tracker.begun > since:
            _count_on(tracker, answers, tracker.begun)  # taken up in the middle: what lies before is known already
        blocks = []
        for span in spans:
            # What the span would have been asked for alone: of many, the older samples would be gone through each time.
            near = answers if span is spans[0] else _from(answers, span[1].timestamp() - interval)
            increases = _count_on(tracker, near, span[2].timestamp())
            blocks.append(Block(*span, _read(tracker, *increases, answers, query), query))
        return tuple(blocks)

    async def _selections(self, tracker: Tracker, window: Raw) -> tuple[_Selections | QueryFailed, str]:
        """The raw samples of the metric's selectors; the companion asked after the lead, as `count` needs it, unless
        its series are among the lead's."""
        lead, companion = selectors_of(tracker.threshold)
        selections: list[Selection] = []
        queries: list[str] = []
        whole: tuple[str, Answer] | None = None
        outcome: Outcome | None
        for selector in (lead, companion):
            if selector is None:
                continue
            question = question_of(selector, tracker.subject, window)
            queries.append(question.query)
            outcome = picked(whole[1], whole[0], question.template.text) if whole is not None else None
            if outcome is None:
                outcome = await self._gatherers[tracker.threshold.source].ask(question)
            if isinstance(outcome, Answer):
                outcome = impossible_sample(outcome) or outcome
            if isinstance(outcome, QueryFailed):
                return outcome, "; ".join(queries)
            whole = question.template.text, outcome
            selections.append(selection_of(question.template, outcome))
        return _Selections(selections[0], selections[1] if companion is not None else None), "; ".join(queries)

    # -- gauges --------------------------------------------------------------------------------------------------

    async def _gauge_blocks(self, metric: GaugeMetric, tracker: Tracker, spans: Sequence[Span]) -> tuple[Block, ...]:
        subject, gatherer = tracker.subject, self._gatherers[tracker.threshold.source]
        grid = grid_of([span[2] for span in spans if span[2] > subject.since])

        async def measured(span: Span) -> Block:
            if span[2] <= subject.since:
                return Block(*span, NOTHING_COUNTED)
            at = span[2].timestamp()
            question = question_of(metric.query, subject, grid or Instant(at))
            outcome = await gatherer.ask(question)
            if grid is not None and isinstance(outcome, Answer):
                outcome = at_moment(outcome, at)
            outcome = while_staying(outcome, question, subject)
            return Block(*span, gauge_reading(outcome, question), question.query)

        return tuple(await asyncio.gather(*map(measured, spans)))


Increases = tuple[tuple[Increase, ...], tuple[Increase, ...]]


def _count_on(tracker: Tracker, answers: _Selections, end: float) -> Increases:
    """Count up to `end`."""
    tracker.counted, *increases = count(tracker.counted, answers.lead, answers.companion, tracker.subject.scope, end)
    tracker.until = end
    return increases[0], increases[1]


def _from(answers: _Selections, begin: float) -> _Selections:
    """The answers without samples before `begin`."""

    def cut(selection: Selection) -> Selection:
        parts = (
            replace(series, samples=series.samples[bisect_left(series.samples, (begin,)) :])
            for series in selection.series
        )
        return replace(selection, series=tuple(part for part in parts if part.samples))

    return _Selections(cut(answers.lead), cut(answers.companion) if answers.companion is not None else None)


def _read(
    tracker: Tracker, lead: Sequence[Increase], companion: Sequence[Increase], answers: _Selections, query: str
) -> Reading:
    return reading_of(tracker.threshold, lead, companion, bool(answers.lead.series), query)
