"""A stretch counted in one go comes to what `count` comes to, called for each of its steps."""

from bisect import bisect_left
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from counted_worlds import END, SINCE, World, worlds
from watchdog.domain.counting import Counted, Increase, count
from watchdog.domain.measurement import Series
from watchdog.domain.selections import Scope, Selection
from watchdog.domain.stretch import Stretch

BACK = 75.0


def near(selection: Selection, begin: float) -> Selection:
    """What is looked at from `begin` on."""
    cut = [replace(one, samples=one.samples[bisect_left(one.samples, (begin,)) :]) for one in selection.series]
    return replace(selection, series=[one for one in cut if one.samples])


def step_by_step(
    parts: list[tuple[Selection, Selection | None, list[float]]], scope: Scope
) -> list[tuple[tuple[Increase, ...], tuple[Increase, ...]]]:
    """The same as slowly as can be."""
    counted, found = Counted(), []
    for lead, companion, ends in parts:
        for end in ends:
            begin = end - BACK
            there = None if companion is None else near(companion, begin)
            counted, more, beside = count(counted, near(lead, begin), there, scope, end)
            found.append((more, beside))
    return found


def summed(increases: list[tuple[Increase, ...]]) -> dict[tuple[tuple[str, str], ...], tuple[float, int, float, float]]:
    """Of each series: by how much it grew, in how many samples, until when, and what its pods were born with."""
    sums: dict[tuple[tuple[str, str], ...], tuple[float, int, float, float]] = {}
    for one in (one for step in increases for one in step):
        key = tuple(sorted(one.labels.items()))
        amount, samples, _, born = sums.get(key, (0.0, 0, 0.0, 0.0))
        sums[key] = amount + one.amount, samples + one.samples, one.end, born + one.at_birth
    return sums


def held(parts: list[tuple[Selection, Selection | None, list[float]]], scope: Scope) -> None:
    """Count both ways and compare."""
    stretch = Stretch(scope, BACK)
    found = [one for lead, companion, ends in parts for one in stretch.increases(lead, companion, ends)]
    assert found == step_by_step(parts, scope)
    for role, whole in enumerate(stretch.sums()):
        assert summed([whole]) == summed([step[role] for step in found])


def parts_of(world: World, seam: float, bad_until: float) -> list[tuple[Selection, Selection | None, list[float]]]:
    """The world in two answers; of the second one's companion nothing is known after `bad_until`."""
    parts = []
    for begin, end, last in ((SINCE, seam, END + 60.0), (seam, END, bad_until)):
        both = []
        for series, until in ((world.total, END + 60.0), (world.bad, last)):
            known = [replace(one, samples=tuple(s for s in one.samples if begin <= s[0] <= until)) for one in series]
            both.append(Selection([one for one in known if one.samples]))
        ends = [begin + 15.0 * n for n in range(1, int((end - begin) / 15.0) + 1)]
        parts.append((both[0], both[1], ends))
    return parts


@given(worlds(), st.sampled_from([190.0, 250.0, 310.0]), st.sampled_from([330.0, END + 60.0]))
def test_a_stretch_comes_to_what_its_steps_come_to(world: World, seam: float, bad_until: float) -> None:
    held(parts_of(world, seam, bad_until), world.scope)


@given(worlds(), st.sets(st.integers(0, 40)), st.integers(0, 3))
def test_also_where_two_scrapers_share_an_endpoint(world: World, missed: set[int], late: int) -> None:
    other = []
    for one in world.total:
        samples = [(at + 0.5 * late, value) for n, (at, value) in enumerate(one.samples) if n not in missed]
        if samples:
            other.append(Series({**one.labels, "job": "b"}, tuple(samples)))
    parts = [
        (replace(lead, series=[*lead.series, *other]), companion, ends)
        for lead, companion, ends in parts_of(world, 250.0, END)
    ]
    held(parts, world.scope)


@given(worlds(), st.integers(0, 1_000_000))
def test_also_where_values_are_missing_or_none(world: World, seed: int) -> None:
    random = Random(seed)
    strange = [float("nan"), float("inf"), -1.0]

    def spoilt(series: Series) -> Series:
        samples = [(at, random.choice(strange) if random.random() < 0.2 else value) for at, value in series.samples]
        return replace(series, samples=tuple(samples))

    parts = [
        (replace(lead, series=[spoilt(one) for one in lead.series]), None, ends)
        for lead, _, ends in parts_of(world, 250.0, END)
    ]
    held(parts, world.scope)


def test_a_quiet_stretch_is_read_on_and_not_counted_anew() -> None:
    """What is read on brings the very increases that counting would, with their start and end."""
    samples = tuple((100.0 + 15.0 * n, float(n * n)) for n in range(20))
    selection = Selection([Series({"pod": "a", "instance": "a:80"}, samples)])
    stretch = Stretch(Scope(100.0, {}), BACK)
    found = [lead for lead, _ in stretch.increases(selection, None, [115.0, 130.0, 145.0])]
    assert [(one.amount, one.start, one.end) for lead in found for one in lead] == [
        (1.0, 100.0, 115.0),
        (3.0, 115.0, 130.0),
        (5.0, 130.0, 145.0),
    ]


def test_the_steps_together_are_as_one_block() -> None:
    samples = tuple((100.0 + 10 * k, float(k * k)) for k in range(10))
    selection, scope = Selection([Series({"pod": "a"}, samples)]), Scope(100.0, {"a": 100.0})
    _, at_once, _ = count(Counted(), selection, None, scope, 200.0)
    stretch = Stretch(scope, BACK)
    assert len(list(stretch.increases(selection, None, [135.0, 200.0]))) == 2
    assert stretch.sums() == (at_once, ())
    assert at_once[0].amount == 81.0
