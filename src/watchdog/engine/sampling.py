"""Turns what the open watches want to know into few questions to Prometheus, and the answers into readings.

sampler = Sampler(source, clock)
tracker = sampler.tracker(threshold, subject)           # one per watch and rule
blocks = await sampler.blocks(tracker, [(7, start, end)])
tracker.subject = replace(tracker.subject, pods=...)    # whenever pods come
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from watchdog.domain.conditions import GaugeMetric, RateMetric, Threshold
from watchdog.domain.judge.gauges import course_of
from watchdog.domain.judge.harmless import pairs_of
from watchdog.domain.measurement import Answer, Baseline, Block
from watchdog.engine.alerting import AlertTracker, alert_blocks
from watchdog.engine.by_source import BySource
from watchdog.engine.counters import Grown, Tracker, counted_baseline, counted_blocks, grown
from watchdog.engine.easing import Eased
from watchdog.engine.parties import Parties
from watchdog.engine.questions import Instant, Span, Steps, Subject, at_moment, grid_of, question_of
from watchdog.engine.readings import NOTHING_COUNTED, gauge_reading, gauge_steps, values_over_time
from watchdog.engine.staying import while_staying
from watchdog.engine.turns import Turns
from watchdog.ports import Clock, MetricSource, MetricSources

__all__ = ["Sampler", "Span", "Subject", "Tracker"]

SETTLE = 2.0  # seconds after a block's end that its samples are given to arrive
_BASELINE_STEPS = 120
_BASELINES = 24  # watches that ask for theirs at once: two questions a metric, and a few MiB of samples


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
        self.baselines = Parties(_BASELINES)
        """Of watches that ask for their baselines: a party's samples are there at one time."""
        self.turns = Turns()
        """Of whatever follows from an answer about many watches."""
        self._gatherers = BySource(
            sources or (lambda _name: source), clock, deadline=deadline, gather=gather, eased=eased, turns=self.turns
        )

    async def close(self) -> None:
        """End what is still being asked."""
        await self._gatherers.close()

    def tracker(self, threshold: Threshold, subject: Subject, *, by_itself: bool = False) -> Tracker:
        """Begin to measure a rule. `by_itself`: an act waits for it, and so it waits for no other rule."""
        return Tracker(threshold, subject, by_itself=by_itself)

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
        return await counted_blocks(self._gatherers[tracker.threshold.source], tracker, spans)

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
        reading, readings, query = await counted_baseline(
            self._gatherers[threshold.source], threshold, replace(subject, since=start), end, step
        )
        course = course_of(threshold, readings, step)
        pairs = pairs_of(threshold, reading, readings)
        return Baseline(start, end, reading, query, pairs, course, step if course else 0.0)

    async def grown(self, threshold: Threshold, subject: Subject, end: datetime, most: int) -> Grown | None:
        """By how much each series of a counted metric grew: see `counters.grown`."""
        return await grown(self._gatherers[threshold.source], threshold, subject, end, most)

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
            return tracker.block(span, gauge_reading(outcome, question), question.query)

        return tuple(await asyncio.gather(*map(measured, spans)))
