"""Asks Prometheus few, large questions: those of the same shape that come at the same moment go out as one."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.domain.rollout import one_of
from watchdog.engine.alike import by_metric, metric_of, of_all
from watchdog.engine.apart import taken_apart
from watchdog.engine.easing import LONGEST_PIECE, SHORTEST_PIECE, Eased, Easing
from watchdog.engine.questions import NEARLY, SHORT, Asked, Instant, Question, Raw, Steps, When, pieces
from watchdog.engine.splitting import chunks_of, text_of
from watchdog.engine.templates import Template, template_of
from watchdog.engine.turns import Turns
from watchdog.ports import Clock, MetricSource

_MOST_AT_LENGTH = 12  # revisions of which a long stretch is asked for at once: an answer is read in one go
_MOST_BISECTIONS = 32  # further queries of one gathering that was refused
_APART_FOR = 600.0  # seconds for which metrics are asked one by one, where all together were refused
_FOR_ONE_OF_THEM = frozenset(
    {FailureReason.REFUSED, FailureReason.GARBLED, FailureReason.PARTIAL, FailureReason.TIMEOUT}
)
"""What may be wrong with the answer about one metric, or with so much. What was slow is not tried again at once."""

Outcome = Answer | QueryFailed


@dataclass(slots=True)
class _Gathering:
    questions: dict[Question, None] = field(default_factory=dict)  # a set that keeps its order
    names: dict[Asked, frozenset[str]] = field(default_factory=dict)
    task: "asyncio.Task[Mapping[Question, Outcome]] | None" = None

    def add(self, question: Question) -> None:
        """One more. Whom somebody asks about without knowing all names is asked about by the expression."""
        self.questions[question] = None
        known = self.names.get(question.subject, question.names)
        self.names[question.subject] = known | question.names if known and question.names else frozenset()

    def asked(self) -> list[Asked]:
        """Whom it is about, each with the names to send."""
        return [one._replace(names=one_of(self.names[one])) for one in sorted(self.names)]


class Gatherer:
    """Gathers questions for a moment, asks them together, and takes the answers apart again."""

    def __init__(
        self,
        source: MetricSource,
        clock: Clock,
        *,
        deadline: float,
        gather: float,
        eased: Callable[[Eased], None] = lambda _steps: None,
        turns: Turns | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._easing = Easing(clock, deadline, eased)
        self._gather = gather
        self._turns = turns or Turns()
        self._apart_until = -math.inf
        self._open: dict[Hashable, _Gathering] = {}
        self._tasks: set[asyncio.Task[Mapping[Question, Outcome]]] = set()

    async def ask(self, question: Question) -> Outcome:
        """The answer to one question; its `query` is that of `question`. Never raises."""
        gathering = self._open.get(question.shape)
        if gathering is None or gathering.task is None:
            gathering = self._open[question.shape] = _Gathering()
            gathering.task = asyncio.create_task(self._answered(question.shape, gathering), name="ask Prometheus")
            self._tasks.add(gathering.task)
            gathering.task.add_done_callback(self._tasks.discard)
        gathering.add(question)
        # Shielded: a watch that ends while it waits must not take the answer from the others.
        answers = await asyncio.shield(gathering.task)
        await self._turns.mine()  # all who asked wake in this moment, and each has something to count
        return answers[question]

    async def turn(self) -> None:
        """Let others have theirs: between two parts of what follows from a long answer."""
        await self._turns.mine()

    async def close(self) -> None:
        """End what is still being asked."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answered(self, shape: Hashable, gathering: _Gathering) -> Mapping[Question, Outcome]:
        try:
            await self._clock.sleep(self._gather)
        finally:
            del self._open[shape]
        of_template: dict[Template, list[Question]] = {}
        for question in gathering.questions:
            of_template.setdefault(question.wide or question.template, []).append(question)
        self._easing.widen()
        asked = [one if self._easing.may_name(one.names) else one._replace(names="") for one in gathering.asked()]
        if len(of_template) > 1 and (answers := await self._at_once(of_template, asked)) is not None:
            return answers
        each = await asyncio.gather(*(self._alone(*one, asked) for one in of_template.items()))
        return {question: outcome for outcomes in each for question, outcome in outcomes.items()}

    async def _at_once(
        self, of_template: Mapping[Template, Sequence[Question]], asked: Sequence[Asked]
    ) -> Mapping[Question, Outcome] | None:
        """One question for selectors that differ in their metric alone; None where each is to be asked by itself."""
        subjects = [{question.subject for question in questions} for questions in of_template.values()]
        if self._easing.narrowed or self._clock.monotonic() < self._apart_until or subjects[1:] != subjects[:-1]:
            return None
        template = template_of(of_all([one.text for one in of_template]))
        when = _covering([question.when for questions in of_template.values() for question in questions])
        found: dict[Asked, Outcome] = {}
        chunks = chunks_of(template, asked, len(asked))
        outcomes = await asyncio.gather(*(self._send(template, chunk, when, _Refusals(0)) for chunk in chunks))
        for chunk, outcome in zip(chunks, outcomes, strict=True):
            if isinstance(outcome, QueryFailed) and outcome.reason in _FOR_ONE_OF_THEM:
                self._apart_until = self._clock.monotonic() + _APART_FOR
                if outcome.reason is not FailureReason.TIMEOUT:
                    return None
            parts = taken_apart(template, chunk, outcome) if isinstance(outcome, Answer) else {}
            found.update((one._replace(names=""), parts.get(one, outcome)) for one in chunk)
        parts_of = {one: by_metric(outcome) for one, outcome in found.items() if isinstance(outcome, Answer)}
        answers: dict[Question, Outcome] = {}
        for one, questions in of_template.items():
            metric = metric_of(one.text)
            for question in questions:
                mine, outcome = parts_of.get(question.subject), found[question.subject]
                part = outcome if mine is None else Answer(outcome.query, mine.get(metric, ()))
                answers[question] = self._of(question, part)
        return answers

    async def _alone(
        self, template: Template, questions: Sequence[Question], asked: Sequence[Asked]
    ) -> Mapping[Question, Outcome]:
        """What one template asks, of whom it was asked about."""
        subjects = {question.subject for question in questions}
        asked = [one for one in asked if one._replace(names="") in subjects]
        when = _covering([question.when for question in questions])
        most = _MOST_AT_LENGTH if isinstance(when, Raw) and when.end - when.start > SHORT else len(asked)
        largest = min(most, self._easing.largest or most)
        chunks = chunks_of(template, asked, largest) if template.apart and template.pod_labels else [asked[:1]]
        refusals = _Refusals(_MOST_BISECTIONS)
        found: dict[Asked, Outcome] = {}
        for outcome in await asyncio.gather(*(self._ask(template, chunk, when, refusals) for chunk in chunks)):
            found.update((one._replace(names=""), part) for one, part in outcome.items())
        if (size := refusals.answered_at) is not None:
            self._easing.too_many(size)
        any_of = next(iter(found.values()))
        return {question: self._of(question, found.get(question.subject, any_of)) for question in questions}

    def _of(self, question: Question, outcome: Outcome) -> Outcome:
        return replace(outcome, query=question.query)

    async def _ask(
        self, template: Template, asked: Sequence[Asked], when: When, refusals: "_Refusals"
    ) -> Mapping[Asked, Outcome]:
        """One query for all of them; if it is refused, each half alone, so that one bad question spoils no other."""
        outcome = await self._send(template, asked, when, refusals)
        refused = not isinstance(outcome, Answer) and outcome.reason is FailureReason.REFUSED
        if refused and len(asked) == 1 and asked[0].names and refusals.take(1):
            return {asked[0]: await self._by_expression(template, asked[0], when, refusals)}
        refusals.note(len(asked), outcome)
        if isinstance(outcome, Answer):
            return taken_apart(template, asked, outcome)
        if refused and len(asked) > 1 and refusals.take(2):
            middle = len(asked) // 2
            first = await self._ask(template, asked[:middle], when, refusals)
            return {**first, **await self._ask(template, asked[middle:], when, refusals)}
        return dict.fromkeys(asked, outcome)

    async def _by_expression(self, template: Template, one: Asked, when: When, refusals: "_Refusals") -> Outcome:
        """Of one whose pods' names were refused, perhaps because they are many."""
        [outcome] = (await self._ask(template, [one._replace(names="")], when, refusals)).values()
        if isinstance(outcome, Answer):
            self._easing.too_many_names(len(one.names))
        return outcome

    async def _send(self, template: Template, asked: Sequence[Asked], when: When, refusals: "_Refusals") -> Outcome:
        match when:
            case Instant(at):
                query = text_of(template, asked, when)
                return await self._timed(partial(self._query, query, _moment(at)))
            case Steps(start, end, step):
                query, moments = text_of(template, asked, when), (_moment(start), _moment(end))
                return await self._timed(
                    lambda deadline: self._source.query_range(query, *moments, step, deadline=deadline)
                )
            case Raw():
                return await self._samples(template, asked, when, refusals)

    async def _query(self, query: str, at: datetime, deadline: float) -> Outcome:
        return await self._source.query(query, at, deadline=deadline)

    async def _timed(self, ask: Callable[[float], Awaitable[Outcome]]) -> Outcome:
        deadline, began = self._easing.deadline, self._clock.monotonic()
        outcome = await ask(deadline)
        if isinstance(outcome, Answer):
            self._easing.answered(self._clock.monotonic() - began)
        elif outcome.reason is FailureReason.TIMEOUT:
            self._easing.timed_out(deadline)
        return outcome

    async def _samples(self, template: Template, asked: Sequence[Asked], window: Raw, refusals: "_Refusals") -> Outcome:
        """Raw samples, in pieces of bounded length, one after the other."""
        answers: list[Answer] = []
        length, begin = self._easing.piece, window.start
        if length == LONGEST_PIECE and window.end - begin <= length + NEARLY:
            length += NEARLY  # somewhat longer for having been merged: no reason for one question more
        for end in pieces(window.start, window.end, length):
            query, at = text_of(template, asked, Raw(begin, end)), _moment(end)
            answer = await self._timed(partial(self._query, query, at))
            if isinstance(answer, QueryFailed) and len(asked) == 1 and _shorter(answer, begin, end):
                answer = await self._halved(template, asked, Raw(begin, end), answer, refusals)
            if isinstance(answer, QueryFailed):
                return answer
            answers.append(answer)
            begin = end
        return answers[0] if len(answers) == 1 else Answer(answers[-1].query, _joined(answers))

    async def _halved(
        self, template: Template, asked: Sequence[Asked], window: Raw, refused: QueryFailed, refusals: "_Refusals"
    ) -> Outcome:
        """A stretch that was refused, in two."""
        if not refusals.take(2):
            return refused
        middle = (window.start + window.end) / 2.0
        answers: list[Answer] = []
        for half in (Raw(window.start, middle), Raw(middle, window.end)):
            answer = await self._samples(template, asked, half, refusals)
            if isinstance(answer, QueryFailed):
                return answer
            answers.append(answer)
        self._easing.too_long(window.end - middle)
        return Answer(answers[-1].query, _joined(answers))


class _Refusals:
    """How many more queries may be sent for refused ones, and what the refusals of one gathering say."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._answered = 0
        self._refused: list[int] = []

    def take(self, amount: int) -> bool:
        """Whether so many more may be sent."""
        self._left -= amount
        return self._left >= 0

    def note(self, size: int, outcome: Outcome) -> None:
        """How a question about so many revisions went."""
        if isinstance(outcome, Answer):
            self._answered = max(self._answered, size)
        elif outcome.reason is FailureReason.REFUSED:
            self._refused.append(size)

    @property
    def answered_at(self) -> int | None:
        """How many can be asked about at once, where only the number was too large; None where that was not it."""
        if not self._refused or min(self._refused) == 1:
            return None  # one that is refused alone says nothing of numbers
        smallest = min(self._refused)
        return min(self._answered, smallest - 1) if self._answered else smallest // 2


def _shorter(refused: QueryFailed, begin: float, end: float) -> bool:
    return refused.reason is FailureReason.REFUSED and end - begin >= 2.0 * SHORTEST_PIECE


def _covering(times: Sequence[When]) -> When:
    windows = [when for when in times if isinstance(when, Raw)]
    if not windows:
        return times[0]
    return Raw(min(window.start for window in windows), max(window.end for window in windows))


def _joined(answers: Iterable[Answer]) -> tuple[Series, ...]:
    """One series of the pieces of each; a sample on the seam is there once."""
    labels: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
    samples: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for answer in answers:
        for series in answer.series:
            key = tuple(sorted(series.labels.items()))
            labels[key] = series.labels
            samples.setdefault(key, {}).update(series.samples)
    return tuple(Series(labels[key], tuple(sorted(values.items()))) for key, values in samples.items())


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
