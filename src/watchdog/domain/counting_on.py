"""The next block of series that were all counted before, to the same result as `counting.count`.

Nearly every block is one: no series appears, each endpoint has its one scraper, and the companion is not ahead of what
it is measured against. Then each series only has to be read on from its mark.
"""

import math
from collections.abc import Mapping, Sequence

from watchdog.domain.counted_to import Marks, Scraped, Scraper, Source, shared
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
        self._endpoints: dict[Scraped, _Endpoint] = {}

    def read(self, marks: Marks, selection: Selection, *, leads: bool) -> tuple[Marks, Increases] | None:
        """The marks after the block, and its increases; None where it is not as simple as that."""
        numbers, sources, further = marks.read_on()
        seen = bytearray(len(marks))
        increases: list[Increase] = []
        places = marks.places_of([series.labels for series in selection.series])
        here: _Endpoint | None = None
        for series, place in zip(selection.series, places, strict=True):
            if place is None:
                if measured(series, source_of(selection, series.labels)[0], self._scope, self._end):
                    return None
                continue
            source = sources[place]
            if source is None:
                source = sources[place] = shared(source_of(selection, series.labels))
            if here is None or here.source is not source:  # one after the other come from one, nearly always
                here = self._endpoint(source)
            if seen[place] or here is None:
                return None
            seen[place] = True
            at = 3 * place + 1
            counted_to = numbers[at]
            amount, new, last, value = self._grown(here, series.samples, counted_to, numbers[at + 1])
            if leads:
                here.led = max(last, here.led)
            elif new and last > here.led:
                return None
            if new:
                numbers[at], numbers[at + 1] = last, value
                increases.append(Increase(source[0], series.labels, amount, new, counted_to, last))
                if last > here.until:
                    here.until = last
                    self.scrapers[source[1]] = here.scraper, last
        return further, tuple(increases)

    def _endpoint(self, source: Source) -> "_Endpoint | None":
        """Where a series comes from; None where another scraper's samples count of it, or nobody's yet."""
        pod, scraped, scraper = source
        chosen = self._before.get(scraped)
        if chosen is None or chosen[0] != scraper:
            return None
        found = self._endpoints.get(scraped)  # of the lead and of the companion it is one
        if found is None:
            found = self._endpoints[scraped] = _Endpoint(source, chosen[0], *self._scope.bounds(pod))
        return found

    def _grown(self, here: "_Endpoint", samples: Samples, last: float, value: float) -> tuple[float, int, float, float]:
        """By how much a series grew since `last`, in how many samples, and its last one: `measured` and `grown`."""
        amount, new, counted_to, end = 0.0, 0, last, self._end
        begin, before = here.begin, here.before
        for at, now in samples:
            if counted_to < at <= end and begin <= at < before and 0.0 <= now < math.inf:
                amount += now - value if now >= value else now
                last, value = at, now
                new += 1
        return amount, new, last, value


class _Endpoint:
    """One endpoint while a block is read, by the scraper whose samples count of it."""

    __slots__ = ("before", "begin", "led", "scraper", "source", "until")

    def __init__(self, source: Source, scraper: Scraper, begin: float, before: float) -> None:
        self.source = source
        self.scraper = scraper
        self.begin = begin  # from when on its pod's samples count
        self.before = before  # and before when
        self.led = -math.inf  # until when the lead is known
        self.until = -math.inf  # counted in this block
