"""Counted metrics: their raw samples are asked for, and counted on from where they were counted to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchdog.domain.conditions import RateMetric, Threshold
from watchdog.domain.counting import Counted, Increase
from watchdog.domain.counting_on import count_on
from watchdog.domain.measurement import Answer, Block, NoData, QueryFailed, Reading
from watchdog.domain.selections import Selection
from watchdog.domain.stretch import Increases, Stretch
from watchdog.engine.gathering import Gatherer, Outcome
from watchdog.engine.questions import (
    LOOK_BACK,
    MILLISECOND,
    Instant,
    Raw,
    Span,
    Subject,
    pieces,
    question_of,
    selection_of,
    selectors_of,
)
from watchdog.engine.readings import NOTHING_COUNTED, impossible_sample, medians, reading_of
from watchdog.engine.refining import picked

_LONGEST_ARREARS = 3600.0  # samples older than that are given up, should Prometheus have been away so long
_LEAD_IN = 60.0  # before each step of a baseline, so that its first scrape has one to be counted from
_PIECE = 600.0  # of a baseline's raw samples, asked for at once


class Tracker:
    """How far one rule of one watch has been counted. Set `subject` when its pods change."""

    def __init__(self, threshold: Threshold, subject: Subject, *, by_itself: bool = False) -> None:
        self.threshold = threshold
        self.by_itself = by_itself  # see `Question`
        self.subject = subject
        self.counted = Counted()
        self.begun: float | None = None  # where the first block that was asked for begins
        self.until: float | None = None  # all samples up to here have been counted
        self.by_name = False  # the last answer was of the pods alone that were known
        self._query = ""
        self._nothing = NoData("")

    def block(self, span: Span, reading: Reading, query: str) -> Block:
        """A block of what was read. What each says like the one before it shares with it: there are many."""
        if query != self._query:
            self._query = query
        if isinstance(reading, NoData):
            if reading != self._nothing:
                self._nothing = reading
            reading = self._nothing
        return Block(*span, reading, self._query)


@dataclass(frozen=True, slots=True)
class _Selections:
    """The answers to the one or two selectors of a counted metric."""

    lead: Selection
    companion: Selection | None

    def within(self, begin: float, end: float = math.inf) -> "_Selections":
        """The same without samples before `begin` or after `end`."""
        companion = None if self.companion is None else self.companion.within(begin, end)
        return _Selections(self.lead.within(begin, end), companion)


@dataclass(frozen=True, slots=True)
class Grown:
    """The increases of a metric's one or two selectors, series by series; `telling` only the second matches on."""

    lead: Sequence[Increase]
    companion: Sequence[Increase]
    telling: frozenset[str]


async def counted_baseline(
    gatherer: Gatherer, threshold: Threshold, subject: Subject, end: datetime, step: float
) -> tuple[Reading, list[Reading], str]:
    """Count a long stretch piece by piece: its raw samples are too many to hold them all."""
    tracker, stretch = Tracker(threshold, subject), Stretch(subject.scope, step + _LEAD_IN)
    begin, last = subject.since.timestamp(), end.timestamp()
    readings: list[Reading] = []
    query, answered = "", False
    for at in pieces(begin, last, _PIECE):
        window = Raw(max(begin, at - _PIECE), at)
        answers, query = await _selections(gatherer, tracker, window)
        if isinstance(answers, QueryFailed):
            return answers, [], query
        # As if nothing but this window had been asked for: others ask with it for their own.
        answers = answers.within(window.start - MILLISECOND, window.end + MILLISECOND)
        answered = answered or bool(answers.lead.series)
        ends = pieces(window.start, at, step)
        # In one go: a baseline that comes later than what it is compared with has it all judged again.
        for lead, companion in stretch.increases(answers.lead, answers.companion, ends):
            readings.append(_read(tracker, lead, companion, answers, query))
    if isinstance(threshold.metric, RateMetric):
        return medians(readings, query), readings, query
    return reading_of(threshold, *stretch.sums(), answered, query), readings, query


async def grown(gatherer: Gatherer, threshold: Threshold, subject: Subject, end: datetime, most: int) -> Grown | None:
    """By how much each series of a counted metric grew from `subject.since` to `end`; None where that failed.

    Of more than `most` series nothing is asked: they are counted first.
    """
    lead, _ = selectors_of(threshold)
    size = await gatherer.ask(question_of(f"count({lead})", subject, Instant(end.timestamp())))
    if isinstance(size, QueryFailed):
        return None
    if any(value > most for one in size.series for _, value in one.samples):
        return Grown((), (), frozenset())
    tracker = Tracker(threshold, subject)
    answers, _ = await _selections(gatherer, tracker, Raw(subject.since.timestamp(), end.timestamp()))
    if isinstance(answers, QueryFailed):
        return None
    named = answers.companion.named - answers.lead.named if answers.companion is not None else frozenset[str]()
    return Grown(*_count_on(tracker, answers, end.timestamp()), named)


async def counted_blocks(gatherer: Gatherer, tracker: Tracker, spans: Sequence[Span]) -> tuple[Block, ...]:
    """Measure consecutive spans that have settled, each from where the one before ended."""
    since, first = tracker.subject.since.timestamp(), spans[0][1].timestamp()
    end = spans[-1][2].timestamp()
    if end <= since:
        return tuple(Block(*span, NOTHING_COUNTED) for span in spans)
    if tracker.begun is None:
        tracker.begun = max(since, first)
    # What came late lies before the end of the last block; what failed to be asked, behind it.
    interval = (spans[0][2] - spans[0][1]).total_seconds()
    # Where counting is taken up in the middle, a series' last sample is at most that old.
    begin = tracker.begun - LOOK_BACK if tracker.until is None else min(first, tracker.until) - interval
    known = tracker.subject.knows(max(since, begin))
    if tracker.by_name and not known:
        begin -= LOOK_BACK  # what came and went since the break, while those alone were asked about that were known
    begin = max(begin, min(first - interval, end - _LONGEST_ARREARS))
    answers, query = await _selections(gatherer, tracker, Raw(max(since, begin), end))
    if isinstance(answers, QueryFailed):
        return tuple(Block(*span, answers, query) for span in spans)
    tracker.by_name = known
    if tracker.until is None and tracker.begun > since:
        _count_on(tracker, answers, tracker.begun)  # taken up in the middle: what lies before is known already
    blocks = []
    for span in spans:
        if span is not spans[0]:
            await gatherer.turn()
        # What the span would have been asked for alone: of many, the older samples would be gone through each time.
        near = answers if span is spans[0] else answers.within(span[1].timestamp() - interval)
        increases = _count_on(tracker, near, span[2].timestamp())
        blocks.append(tracker.block(span, _read(tracker, *increases, answers, query), query))
    return tuple(blocks)


async def _selections(gatherer: Gatherer, tracker: Tracker, window: Raw) -> tuple[_Selections | QueryFailed, str]:
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
        question = question_of(selector, tracker.subject, window, by_itself=tracker.by_itself)
        outcome = picked(whole[1], whole[0], question.template.text) if whole is not None else None
        if outcome is not None:
            queries.append(question.query)
        else:
            outcome = await gatherer.ask(question)
            queries.append(outcome.query)  # that of the question, put together once
            if isinstance(outcome, Answer):
                outcome = impossible_sample(outcome) or outcome
        if isinstance(outcome, QueryFailed):
            return outcome, "; ".join(queries)
        whole = question.template.text, outcome
        selections.append(selection_of(question.template, outcome))
    return _Selections(selections[0], selections[1] if companion is not None else None), "; ".join(queries)


def _count_on(tracker: Tracker, answers: _Selections, end: float) -> Increases:
    """Count up to `end`."""
    tracker.counted, *increases = count_on(tracker.counted, answers.lead, answers.companion, tracker.subject.scope, end)
    tracker.until = end
    return increases[0], increases[1]


def _read(
    tracker: Tracker, lead: Sequence[Increase], companion: Sequence[Increase], answers: _Selections, query: str
) -> Reading:
    return reading_of(tracker.threshold, lead, companion, bool(answers.lead.series), query)
