"""Asks Prometheus few, large questions: those of the same shape that come at the same moment go out as one."""

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.engine.apart import taken_apart
from watchdog.engine.questions import Asked, Instant, Question, Raw, Steps, When, pieces, promql
from watchdog.engine.templates import Template
from watchdog.ports import Clock, MetricSource

_LONGEST_PATTERN = 4000  # characters of one alternation of pods
_PIECE = 600.0  # seconds of raw samples that are asked for at once
_MOST_BISECTIONS = 32  # further queries of one gathering that was refused

Outcome = Answer | QueryFailed


@dataclass(slots=True)
class _Gathering:
    questions: dict[Question, None] = field(default_factory=dict)  # a set that keeps its order
    task: "asyncio.Task[Mapping[Question, Outcome]] | None" = None


class Gatherer:
    """Gathers questions for a moment, asks them together, and takes the answers apart again."""

    def __init__(self, source: MetricSource, clock: Clock, *, deadline: float, gather: float) -> None:
        self._source = source
        self._clock = clock
        self._deadline = deadline
        self._gather = gather
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
        gathering.questions[question] = None
        # Shielded: a watch that ends while it waits must not take the answer from the others.
        return (await asyncio.shield(gathering.task))[question]

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
        questions = tuple(gathering.questions)
        template = questions[0].wide or questions[0].template
        when = _covering([question.when for question in questions])
        asked = sorted({question.subject for question in questions})
        chunks = _chunks(asked) if template.apart and template.pod_labels else [asked[:1]]
        refusals = _Budget(_MOST_BISECTIONS)
        found: dict[Asked, Outcome] = {}
        for outcome in await asyncio.gather(*(self._ask(template, chunk, when, refusals) for chunk in chunks)):
            found.update(outcome)
        return {question: self._of(question, found.get(question.subject, found[asked[0]])) for question in questions}

    def _of(self, question: Question, outcome: Outcome) -> Outcome:
        return replace(outcome, query=question.query)

    async def _ask(
        self, template: Template, asked: Sequence[Asked], when: When, budget: "_Budget"
    ) -> Mapping[Asked, Outcome]:
        """One query for all of them; if it is refused, each half alone, so that one bad question spoils no other."""
        outcome = await self._send(template, asked, when)
        if isinstance(outcome, Answer):
            return taken_apart(template, asked, outcome)
        if outcome.reason is FailureReason.REFUSED and len(asked) > 1 and budget.take(2):
            middle = len(asked) // 2
            first = await self._ask(template, asked[:middle], when, budget)
            return {**first, **await self._ask(template, asked[middle:], when, budget)}
        return dict.fromkeys(asked, outcome)

    async def _send(self, template: Template, asked: Sequence[Asked], when: When) -> Outcome:
        match when:
            case Instant(at):
                return await self._source.query(_text(template, asked, when), _moment(at), deadline=self._deadline)
            case Steps(start, end, step):
                query = _text(template, asked, when)
                return await self._source.query_range(
                    query, _moment(start), _moment(end), step, deadline=self._deadline
                )
            case Raw():
                return await self._samples(template, asked, when)

    async def _samples(self, template: Template, asked: Sequence[Asked], window: Raw) -> Outcome:
        """Raw samples, in pieces of bounded length, one after the other."""
        answers: list[Answer] = []
        for end in pieces(window.start, window.end, _PIECE):
            piece = Raw(max(window.start, end - _PIECE), end)
            query = _text(template, asked, piece)
            answer = await self._source.query(query, _moment(end), deadline=self._deadline)
            if isinstance(answer, QueryFailed):
                return answer
            answers.append(answer)
        return answers[0] if len(answers) == 1 else Answer(answers[-1].query, _joined(answers))


@dataclass(slots=True)
class _Budget:
    left: int

    def take(self, amount: int) -> bool:
        self.left -= amount
        return self.left >= 0


def _covering(times: Sequence[When]) -> When:
    windows = [when for when in times if isinstance(when, Raw)]
    if not windows:
        return times[0]
    return Raw(min(window.start for window in windows), max(window.end for window in windows))


def _chunks(asked: Sequence[Asked]) -> list[list[Asked]]:
    chunks: list[list[Asked]] = []
    room = 0
    for one in asked:
        room -= len(one.pods) + 1
        if room < 0:
            chunks.append([])
            room = _LONGEST_PATTERN - len(one.pods) - 1
        chunks[-1].append(one)
    return chunks


def _text(template: Template, asked: Sequence[Asked], when: When) -> str:
    namespaces = sorted({one.namespace for one in asked if one.namespace})
    return promql(template, _alternation(sorted({one.pods for one in asked})), when, namespaces)


def _alternation(patterns: Sequence[str]) -> str:
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"


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
