"""Increases of counters, counted from raw samples between one scrape and the next.

The state is carried from block to block, so that a sample counts once, in the block in which it was there: one that
came after its block was closed counts in the next. Nothing is extrapolated, and nothing before `since` counts.

- Between two samples of a series: their difference; after a reset (the value fell), the new value. A reset that has
  passed the old value again by the next scrape cannot be seen; it counts too little, never too much.
- A series' first value counts from 0 if its pod is newborn (created at or after `since`), or if its scrape had been
  made before without this series while another series of that scrape goes on (an errors series does not exist until
  the first error). Otherwise it is where counting begins. The series that goes on is what tells a new series
  from an old one whose labels were changed by a new relabelling: then all of them begin at once.
- NaN, infinite and negative values are no measurement. A gap adds nothing; what grew in it counts at its end.
- One endpoint scraped twice (two jobs, two Prometheus replicas, honor_labels on and off) gives every series twice.
  Series of one pod and `instance` that differ in `SCRAPE_LABELS` come from different scrapers; one scraper is
  counted, the one with more samples, and kept until it falls silent. All other labels (container, handler,
  path, method, status, le ...) and another `instance` (another port of the pod) make a series of its own. `service`
  is the scraper's unless the selector names it (as for ingress controllers, whose own label it is).
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from watchdog.domain.counted_to import NO_MARKS, Key, Mark, Marks, Scraped, Scraper
from watchdog.domain.selections import Scope, Selection, measured, source_of

# Samples of one scrape bear one time, those of one push nearly so.
_SAME_SCRAPE = 0.25


@dataclass(frozen=True, slots=True)
class Counted:
    """What must be remembered from one block to the next; begins empty.

    `marks` is of the lead and of the companion; `scrapers` has whose samples count for each endpoint, and until when
    they were counted.
    """

    marks: tuple[Marks, Marks] = (NO_MARKS, NO_MARKS)
    scrapers: Mapping[Scraped, tuple[Scraper, float]] = field(default_factory=dict)


class Increase(NamedTuple):
    """By how much one series grew in a block: between `start` (the sample before, else the first one) and `end`.

    `at_birth` is the part of `amount` that a newborn pod's first value brought, from a time before `start`.
    `joined`: the series began in this block. `samples`: how many of its samples were counted.
    """

    pod: str
    labels: Mapping[str, str]
    amount: float
    samples: int
    start: float
    end: float
    at_birth: float = 0.0
    joined: bool = False


@dataclass(slots=True)
class _Track:
    """One series while a block is counted: what is new of it, and all that was answered."""

    role: int
    key: Key
    labels: Mapping[str, str]
    pod: str
    scraped: Scraped
    scraper: Scraper
    mark: Mark | None
    known: list[tuple[float, float]]
    fresh: list[tuple[float, float]]

    @property
    def times(self) -> list[float]:
        """All times at which the series is known to have been sampled."""
        times = [at for at, _ in self.known]
        return times if self.mark is None else [self.mark.first, self.mark.last, *times]


def count(
    before: Counted, lead: Selection, companion: Selection | None, scope: Scope, end: float
) -> tuple[Counted, tuple[Increase, ...], tuple[Increase, ...]]:
    """Count the samples up to `end` that were not counted yet: the state after, and the increases of both selections.

    `lead` is what the companion is measured against (a ratio's total, a histogram's buckets). The companion must have
    been asked after it: its samples beyond the lead's last scrape of the same endpoint wait for the next block.
    """
    tracks = list(_tracks(0, lead, before, scope, end))
    if companion is not None:
        followers = list(_tracks(1, companion, before, scope, end))
        _hold_back(followers, tracks)
        tracks += followers
    scrapes = _Scrapes(tracks)
    scrapers, handed_over = _choose_scrapers(before, tracks)
    further: tuple[dict[Key, Mark], dict[Key, Mark]] = ({}, {})
    increases: tuple[list[Increase], list[Increase]] = ([], [])
    for track in tracks:
        if not track.fresh:
            continue
        after = handed_over.get(track.scraped)
        increase = _increase(track, scope, scrapes, -math.inf if after is None else after)
        first = track.mark.first if track.mark else track.fresh[0][0]
        further[track.role][track.key] = Mark(first, *track.fresh[-1])
        if scrapers[track.scraped][0] == track.scraper:
            increases[track.role].append(increase)
    marks = before.marks[0].moved(further[0]), before.marks[1].moved(further[1])
    return Counted(marks, scrapers), tuple(increases[0]), tuple(increases[1])


def _tracks(role: int, selection: Selection, before: Counted, scope: Scope, end: float) -> Iterator[_Track]:
    for series in selection.series:
        labels = series.labels
        key = tuple(sorted(labels.items()))
        mark = before.marks[role].get(key)
        pod, scraped, scraper = source_of(selection, labels)
        known = measured(series, pod, scope, end)
        if not known and mark is None:
            continue
        fresh = known if mark is None else [sample for sample in known if sample[0] > mark.last]
        yield _Track(role, key, labels, pod, scraped, scraper, mark, known, fresh)


def _hold_back(followers: Iterable[_Track], leaders: Iterable[_Track]) -> None:
    """Cut from the companion what a scrape brought between the two questions: its half of the lead is not here yet."""
    last: dict[object, float] = {}
    for track in leaders:
        latest = max(track.times)
        for place in ((track.scraped, track.scraper), track.scraped, track.pod, None):
            last[place] = max(latest, last.get(place, -math.inf))
    for track in followers:
        places = ((track.scraped, track.scraper), track.scraped, track.pod, None)
        horizon = next((last[place] for place in places if place in last), -math.inf)
        track.known = [sample for sample in track.known if sample[0] <= horizon]
        track.fresh = [sample for sample in track.fresh if sample[0] <= horizon]


_TimesOf = Mapping[tuple[Scraped, Scraper], list[float]]


class _Scrapes:
    """When each endpoint was scraped by whom, and when a series that had been there before was there again.

    Only of series that are new is it asked, so it is found out when one is.
    """

    def __init__(self, tracks: Iterable[_Track]) -> None:
        self._tracks = tracks

    @cached_property
    def _times(self) -> tuple[_TimesOf, _TimesOf]:
        """Of all series, and of those that went on."""
        all_times: dict[tuple[Scraped, Scraper], set[float]] = defaultdict(set)
        going_on: dict[tuple[Scraped, Scraper], set[float]] = defaultdict(set)
        for track in self._tracks:
            times = track.times
            if times:
                first = min(times)
                all_times[track.scraped, track.scraper].update(times)
                going_on[track.scraped, track.scraper].update(at for at in times if at > first + _SAME_SCRAPE)
        return {place: sorted(times) for place, times in all_times.items()}, {
            place: sorted(times) for place, times in going_on.items()
        }

    def before(self, track: _Track, first: float) -> float | None:
        """The scrape before the one at `first`, if it was made without the series and another series goes on."""
        place = (track.scraped, track.scraper)
        all_times, all_going_on = self._times
        going_on = all_going_on[place]
        index = bisect_left(going_on, first - _SAME_SCRAPE)
        if index == len(going_on) or going_on[index] > first:
            return None
        times = all_times[place]
        index = bisect_left(times, first - _SAME_SCRAPE)
        return times[index - 1] if index else None


def _choose_scrapers(
    before: Counted, tracks: Iterable[_Track]
) -> tuple[Mapping[Scraped, tuple[Scraper, float]], Mapping[Scraped, float]]:
    """Whose samples count for each endpoint; and where that changed, until when the former's were counted."""
    rivals: dict[Scraped, dict[Scraper, list[_Track]]] = defaultdict(lambda: defaultdict(list))
    for track in tracks:
        if track.fresh:
            rivals[track.scraped][track.scraper].append(track)
    chosen, handed_over = dict(before.scrapers), {}
    for scraped, present in rivals.items():
        who, until = chosen.get(scraped, (None, -math.inf))
        if who is None:
            who = max(present, key=lambda rival: _weight(present[rival]))
        elif who not in present:
            eager = {rival: found for rival, found in present.items() if _scrapes_after(until, found) >= 2}
            if not eager:
                continue
            who = max(eager, key=lambda rival: _weight(eager[rival]))
            handed_over[scraped] = until
        chosen[scraped] = (who, max(track.fresh[-1][0] for track in present[who]))
    return chosen, handed_over


def _weight(tracks: Sequence[_Track]) -> tuple[int, float, Scraper]:
    amount = math.fsum(grown(track.mark, track.fresh) for track in tracks)
    return max(len(track.fresh) for track in tracks), amount, tracks[0].scraper


def _scrapes_after(at: float, tracks: Sequence[_Track]) -> int:
    return max(len(track.known) - bisect_right([time for time, _ in track.known], at) for track in tracks)


def grown(mark: Mark | None, fresh: Sequence[tuple[float, float]], not_before: float = -math.inf) -> float:
    """The sum of the steps between samples, without those that begin before `not_before`."""
    amount = 0.0
    previous = None if mark is None else (mark.last, mark.value)
    for at, value in fresh:
        if previous is not None and previous[0] >= not_before:
            amount += value - previous[1] if value >= previous[1] else value
        previous = (at, value)
    return amount


def _increase(track: _Track, scope: Scope, scrapes: _Scrapes, not_before: float) -> Increase:
    """What the series' fresh samples add. Steps that begin before `not_before` are another scraper's already."""
    amount = grown(track.mark, track.fresh, not_before)
    first_at, first_value = track.fresh[0]
    start, at_birth, joined = first_at, 0.0, False
    if track.mark is not None:
        start = max(track.mark.last, not_before)
    elif not_before == -math.inf:
        if (scraped_before := scrapes.before(track, first_at)) is not None:
            amount, start, joined = amount + first_value, scraped_before, True
        elif scope.newborn(track.pod):
            at_birth, joined = first_value, True
    return Increase(
        track.pod, track.labels, amount + at_birth, len(track.fresh), start, track.fresh[-1][0], at_birth, joined
    )
