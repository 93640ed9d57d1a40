"""The next block of series that were all counted before, to the same result as `counting.count`.

Nearly every block is one: no series appears, each endpoint has its one scraper, and the companion is not ahead of what
it is measured against. Then each series only has to be read on from its mark.
"""

import math
from collections.abc import Mapping, Sequence

from watchdog.domain.counted_to import Marks, Scraped, Scraper, shared
from watchdog.domain.counting import Counted, Increase, count
from watchdog.domain.selections import Scope, Selection, measured, source_of

Increases = tuple[Increase, ...]
Samples = Sequence[tuple[float, float]]


def count_on(
    before: Counted, lead: Selection, companion: Selection | None, scope: Scope, end: float
) -> tuple[Counted, Increases, Increases]:
    """What `count` says of the same, for a third of its price where nothing is new."""
    step = _Step(before.scrapers, scope, end)
    of_lead = step.read(before.marks[0], lead, leads=True)
    of_companion: tuple[Marks, Increases] | None = (before.marks[1], ())
    if of_lead is not None and companion is not None:
        of_companion = step.read(before.marks[1], companion, leads=False)
    if of_lead is None or of_companion is None:
        return count(before, lead, companion, scope, end)
    return Counted((of_lead[0], of_companion[0]), step.scrapers), of_lead[1], of_companion[1]


class _Step:
    """One block while it is read; `scrapers` are those after it, once all is read."""

    def __init__(self, scrapers: Mapping[Scraped, tuple[Scraper, float]], scope: Scope, end: float) -> None:
        self.scrapers = dict(scrapers)
        self._before = scrapers
        self._scope = scope
        self._end = end
        self._bounds: dict[str, tuple[float, float]] = {}
        self._until: dict[Scraped, float] = {}  # counted in this block
        self._led: dict[Scraped, float] = {}  # until when the lead is known

    def read(self, marks: Marks, selection: Selection, *, leads: bool) -> tuple[Marks, Increases] | None:
        """The marks after the block, and its increases; None where it is not as simple as that."""
        numbers, sources, further = marks.read_on()
        seen = bytearray(len(marks))
        increases: list[Increase] = []
        for series, place in zip(
            selection.series, marks.places_of([series.labels for series in selection.series]), strict=True
        ):
            labels = series.labels
            if place is None:
                if measured(series, source_of(selection, labels)[0], self._scope, self._end):
                    return None
                continue
            source = sources[place]
            if source is None:
                source = sources[place] = shared(source_of(selection, labels))
            pod, scraped, scraper = source
            chosen = self._before.get(scraped)
            if seen[place] or chosen is None or chosen[0] != scraper:
                return None
            seen[place] = True
            at = 3 * place + 1
            counted_to = numbers[at]
            amount, new, last, value = self._grown(pod, series.samples, counted_to, numbers[at + 1])
            if leads:
                self._led[scraped] = max(last, self._led.get(scraped, -math.inf))
            elif new and last > self._led.get(scraped, -math.inf):
                return None
            if new:
                numbers[at], numbers[at + 1] = last, value
                increases.append(Increase(pod, labels, amount, new, counted_to, last))
                until = self._until[scraped] = max(last, self._until.get(scraped, -math.inf))
                self.scrapers[scraped] = chosen[0], until
        return further, tuple(increases)

    def _grown(self, pod: str, samples: Samples, last: float, value: float) -> tuple[float, int, float, float]:
        """By how much a series grew since `last`, in how many samples, and its last one: `measured` and `grown`."""
        bounds = self._bounds.get(pod)
        if bounds is None:
            bounds = self._bounds[pod] = self._scope.bounds(pod)
        begin, until = bounds
        amount, new, counted_to, end = 0.0, 0, last, self._end
        for at, now in samples:
            if counted_to < at <= end and begin <= at < until and 0.0 <= now < math.inf:
                amount += now - value if now >= value else now
                last, value = at, now
                new += 1
        return amount, new, last, value
