"""A long stretch counted step by step, to the same increases as `counting.count` called once for each step.

Nearly always the next step is plain: each series that has something new was counted before, by the one scraper that
its endpoint has. Then it only has to be read on, and nothing is looked through again. Every other step (a series
appears, two scrapers, a companion that is ahead of what it is measured against) is left to `count`.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from watchdog.domain.counted_to import Key, Mark, Scraped, Scraper
from watchdog.domain.counting import Counted, Increase, count, grown
from watchdog.domain.selections import Scope, Selection, measured, source_of

Increases = tuple[tuple[Increase, ...], tuple[Increase, ...]]
"""Of the lead and of the companion."""

Samples = list[tuple[float, float]]


@dataclass(slots=True)
class _Line:
    """One series of an answer, while it is read on; `last` is when it was sampled last, measurement or not."""

    role: int
    key: Key
    labels: Mapping[str, str]
    pod: str
    scraped: Scraped
    scraper: Scraper
    times: list[float]
    samples: Samples
    last: float
    mark: Mark | None = None

    def until(self, end: float, near: float) -> float | None:
        """Until when it is known to have been sampled, as `count` sees it; None where it does not see it."""
        if self.last < near:
            return None
        at = bisect_right(self.times, end)
        if at and self.times[at - 1] >= near:
            return self.times[at - 1]
        return None if self.mark is None else self.mark.last


Fresh = tuple[_Line, Samples]
"""A series with what is new of it."""


class Stretch:
    """What was counted so far. `back`: how far before its end a step's samples are looked at."""

    def __init__(self, scope: Scope, back: float) -> None:
        self._scope = scope
        self._back = back
        self._counted = Counted()
        self._sums: tuple[dict[Key, _Sum], dict[Key, _Sum]] = ({}, {})

    def increases(self, lead: Selection, companion: Selection | None, ends: Sequence[float]) -> Iterator[Increases]:
        """Those of each step that ends within these answers, one after the other; to be taken to the last."""
        lines = _lines(0, lead, self._scope) + ([] if companion is None else _lines(1, companion, self._scope))
        others = _not_plain(lines)
        sums = {(line.role, id(line.labels)): self._sum_of(line) for line in lines}
        self._marked(lines)
        for end in ends:
            found = self._plain(lines, others, end)
            if found is None:
                self._note(lines)
                near = end - self._back
                beside = None if companion is None else companion.within(near)
                self._counted, *both = count(self._counted, lead.within(near), beside, self._scope, end)
                self._marked(lines)
                found = both[0], both[1]
            for role, of_role in enumerate(found):
                for more in of_role:
                    sums[role, id(more.labels)].add(more)
            yield found
        self._note(lines)

    def sums(self) -> Increases:
        """The increases of all steps as those of one."""
        lead, companion = ([one.whole for one in sums.values()] for sums in self._sums)
        return tuple(one for one in lead if one), tuple(one for one in companion if one)

    def _plain(self, lines: Sequence[_Line], others: frozenset[Scraped], end: float) -> Increases | None:
        """The increases of a plain step; None, and nothing is changed, where it is none."""
        near = end - self._back
        fresh: list[Fresh] = []
        followed = False
        for line in lines:
            past = bisect_right(line.times, end)
            first = bisect_left(line.times, near, 0, past)
            if line.mark is not None:
                first = max(first, bisect_right(line.times, line.mark.last, 0, past))
            if first == past:
                continue
            known = self._counted.scrapers.get(line.scraped)
            if line.mark is None or line.scraped in others or known is None or known[0] != line.scraper:
                return None
            followed = followed or line.role == 1
            fresh.append((line, line.samples[first:past]))
        if followed and not _abreast(lines, fresh, near, end):
            return None
        scrapers = dict(self._counted.scrapers)
        increases: tuple[list[Increase], list[Increase]] = ([], [])
        until: dict[Scraped, float] = {}
        for line, samples in fresh:
            mark, last = line.mark, samples[-1]
            assert mark is not None
            amount = grown(mark, samples)
            increases[line.role].append(Increase(line.pod, line.labels, amount, len(samples), mark.last, last[0]))
            line.mark = Mark(mark.first, *last)
            until[line.scraped] = max(last[0], until.get(line.scraped, -math.inf))
            scrapers[line.scraped] = line.scraper, until[line.scraped]
        self._counted = replace(self._counted, scrapers=scrapers)
        return tuple(increases[0]), tuple(increases[1])

    def _marked(self, lines: Sequence[_Line]) -> None:
        for line in lines:
            line.mark = self._counted.marks[line.role].get(line.key)

    def _note(self, lines: Sequence[_Line]) -> None:
        further: tuple[dict[Key, Mark], dict[Key, Mark]] = ({}, {})
        for line in lines:
            if line.mark is not None:
                further[line.role][line.key] = line.mark
        lead, companion = self._counted.marks
        self._counted = replace(self._counted, marks=(lead.moved(further[0]), companion.moved(further[1])))

    def _sum_of(self, line: _Line) -> "_Sum":
        return self._sums[line.role].setdefault(line.key, _Sum())


@dataclass(slots=True)
class _Sum:
    """The increases of one series, as they come."""

    first: Increase | None = None
    amount: float = 0.0
    samples: int = 0
    end: float = 0.0
    at_birth: float = 0.0

    def add(self, more: Increase) -> None:
        """One more, of a later step."""
        if self.first is None:
            self.first = more
        self.amount += more.amount
        self.samples += more.samples
        self.end = more.end
        self.at_birth += more.at_birth

    @property
    def whole(self) -> Increase | None:
        """All of them as one."""
        if self.first is None:
            return None
        return self.first._replace(amount=self.amount, samples=self.samples, end=self.end, at_birth=self.at_birth)


def _lines(role: int, selection: Selection, scope: Scope) -> list[_Line]:
    lines = []
    for series in selection.series:
        pod, scraped, scraper = source_of(selection, series.labels)
        samples = measured(series, pod, scope, math.inf)
        last = series.samples[-1][0] if series.samples else -math.inf
        key = tuple(sorted(series.labels.items()))
        times = [at for at, _ in samples]
        lines.append(_Line(role, key, series.labels, pod, scraped, scraper, times, samples, last))
    return lines


def _not_plain(lines: Sequence[_Line]) -> frozenset[Scraped]:
    """The endpoints that more than one scraper visits, or of which one series came twice."""
    scrapers: dict[Scraped, Scraper] = {}
    seen: set[tuple[int, Key]] = set()
    found: set[Scraped] = set()
    for line in lines:
        if scrapers.setdefault(line.scraped, line.scraper) != line.scraper or (line.role, line.key) in seen:
            found.add(line.scraped)
        seen.add((line.role, line.key))
    return frozenset(found)


def _abreast(lines: Sequence[_Line], fresh: Sequence[Fresh], near: float, end: float) -> bool:
    """Whether nothing that is new of the companion lies beyond the lead's last scrape of the same endpoint."""
    last: dict[Scraped, float] = {}
    for line in lines:
        until = line.until(end, near) if line.role == 0 else None
        if until is not None:
            last[line.scraped] = max(until, last.get(line.scraped, -math.inf))
    followers = [(line.scraped, samples[-1][0]) for line, samples in fresh if line.role == 1]
    return all(latest <= last.get(scraped, -math.inf) for scraped, latest in followers)
