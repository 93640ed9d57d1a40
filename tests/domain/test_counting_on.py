"""Reading on from where each series was counted to comes to what `count` comes to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counted_worlds import END, SINCE, World, worlds
from watchdog.domain import counting_on
from watchdog.domain.counting import Counted, Increase, count
from watchdog.domain.counting_on import count_on
from watchdog.domain.measurement import Series
from watchdog.domain.selections import Scope, Selection

INTERVAL = 15.0


def seen(series: tuple[Series, ...], begin: float, end: float) -> Selection:
    """What a block asks for: its interval and the one before."""
    parts = [replace(one, samples=tuple(s for s in one.samples if begin <= s[0] <= end)) for one in series]
    return Selection([one for one in parts if one.samples])


def held(total: tuple[Series, ...], bad: tuple[Series, ...], scope: Scope, late: float) -> None:
    """Count block by block both ways and compare; the companion was asked `late` seconds after the lead."""
    slowly, quickly = Counted(), Counted()
    end = SINCE + INTERVAL
    while end <= END:
        lead, companion = seen(total, end - 2 * INTERVAL, end), seen(bad, end - 2 * INTERVAL, end + late)
        slowly, *expected = count(slowly, lead, companion, scope, end + late)
        quickly, *found = count_on(quickly, lead, companion, scope, end + late)
        assert found == expected
        assert quickly == slowly
        end += INTERVAL


@given(worlds(), st.sampled_from([0.0, 4.0]))
def test_blocks_read_on_are_the_blocks_counted(world: World, late: float) -> None:
    held(world.total, world.bad, world.scope, late)


@given(worlds(), st.integers(0, 2), st.sets(st.integers(0, 30)))
def test_also_where_a_second_scraper_comes_in_between_or_an_answer_has_a_series_twice(
    world: World, late: int, missed: set[int]
) -> None:
    other = []
    for one in world.total:
        samples = tuple((at + 0.5 * late, value) for n, (at, value) in enumerate(one.samples) if n not in missed)
        other.append(Series({**one.labels, **({"job": "b"} if late else {})}, samples))
    held((*world.total, *other), world.bad, world.scope, 0.0)


@given(worlds(), st.floats(SINCE, END))
def test_also_where_pods_belong_to_it_for_a_while_alone(world: World, until: float) -> None:
    pods = {one.labels["pod"] for one in world.total}
    scope = Scope(SINCE, world.created, dict.fromkeys(pods, (SINCE + 20.0, until)))
    held(world.total, world.bad, scope, 0.0)


def test_a_block_in_which_nothing_is_new_is_not_counted_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    series = tuple(
        Series({"pod": pod, "le": le}, tuple((SINCE + 5.0 + 15.0 * n, 10.0 * n) for n in range(20)))
        for pod in ("a", "b")
        for le in ("1", "+Inf")
    )
    asked: list[float] = []

    def noted(*given_: object) -> tuple[Counted, tuple[Increase, ...], tuple[Increase, ...]]:
        asked.append(given_[4])  # type: ignore[arg-type]
        return count(*given_)  # type: ignore[arg-type]

    monkeypatch.setattr(counting_on, "count", noted)
    counted = Counted()
    for n in range(1, 10):
        end = SINCE + INTERVAL * n
        block = seen(series, end - 2 * INTERVAL, end)
        counted, grown, _ = count_on(counted, block, None, Scope(SINCE, {}), end)
        assert [one.amount for one in grown] == [0.0 if n == 1 else 10.0] * 4
    assert asked == [SINCE + INTERVAL]
