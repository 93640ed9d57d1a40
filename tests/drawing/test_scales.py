"""Ticks are round numbers in the unit that people think in, and every value has its place."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.conditions import Dimension
from watchdog.drawing import Clock, Elapsed, Linear, Logarithmic, Odds
from watchdog.drawing.scales import ceiling


def labels(scale, count: int = 5) -> list[str]:
    return [label for _, label in scale.ticks(count)]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Linear(0, 0.1, Dimension.RATIO), ["0", "2 %", "4 %", "6 %", "8 %", "10 %"]),
        (Linear(0, 0.005, Dimension.RATIO), ["0", "0.1 %", "0.2 %", "0.3 %", "0.4 %", "0.5 %"]),
        (Linear(0, 0.5, Dimension.SECONDS), ["0", "100 ms", "200 ms", "300 ms", "400 ms", "500 ms"]),
        (Linear(0, 12.5, Dimension.SECONDS), ["0", "2.5 s", "5.0 s", "7.5 s", "10.0 s", "12.5 s"]),
        (Linear(0, 2**30, Dimension.BYTES), ["0", "0.25 GiB", "0.50 GiB", "0.75 GiB", "1.00 GiB"]),
        (Linear(0, 600 * 2**20, Dimension.BYTES), ["0", "128 MiB", "256 MiB", "384 MiB", "512 MiB"]),
        (Linear(0, 1, Dimension.CORES), ["0", "200 m", "400 m", "600 m", "800 m", "1,000 m"]),
        (Linear(0, 50_000), ["0", "10k", "20k", "30k", "40k", "50k"]),
        (Linear(-1, 1), ["−1.0", "−0.5", "0", "0.5", "1.0"]),
        (Elapsed(-60, 600), ["0:00", "+2:00", "+4:00", "+6:00", "+8:00", "+10:00"]),
        (Elapsed(0, 6 * 3600), ["0:00", "+1 h", "+2 h", "+3 h", "+4 h", "+5 h", "+6 h"]),
        (Odds(-1, 14), ["even", "100 to 1", "10,000 to 1", "1,000,000 to 1"]),
        (Odds(-10, 70), ["even", "10^12 to 1", "10^24 to 1"]),
        (Logarithmic(10, 1000, Dimension.SECONDS), ["10 s", "20 s", "50 s", "100 s", "200 s", "500 s", "1,000 s"]),
    ],
)  # fmt: skip
def test_ticks_are_round_and_carry_their_unit(scale, expected: list[str]) -> None:
    assert labels(scale) == expected


def test_a_clock_says_the_day_where_it_begins() -> None:
    begin = datetime(2026, 11, 28, 22, 0, tzinfo=UTC).timestamp()
    assert labels(Clock(begin, begin + 4 * 3600), 4) == ["28 Nov 22:00", "23:00", "29 Nov 00:00", "01:00", "02:00"]
    assert labels(Clock(begin, begin + 10 * 86400), 5)[0] == "29 Nov"


@given(
    low=st.floats(-1e9, 1e9),
    span=st.floats(1e-6, 1e9),
    dimension=st.sampled_from(Dimension),
    count=st.integers(2, 9),
)
def test_ticks_lie_on_the_axis_in_order_and_are_told_apart(
    low: float, span: float, dimension: Dimension, count: int
) -> None:
    high = low + span
    if (high - low) / max(abs(low), abs(high)) < 1e-6:
        return  # no axis: its ends are the same number to any reader
    ticks = Linear(low, high, dimension).ticks(count)
    values = [value for value, _ in ticks]
    slack = span * 1e-6
    assert values == sorted(values)
    assert all(low - slack <= value <= high + slack for value in values)
    assert len({label for _, label in ticks}) == len(ticks)
    assert len(ticks) <= 2 * count + 2


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_value_has_its_place_on_every_scale(value: float) -> None:
    for scale in (Linear(0, 1), Logarithmic(1, 10), Odds(0, 10), Elapsed(0, 10), Clock(0, 10)):
        assert 0.0 <= scale.place(value) <= 1.0


def test_the_high_end_leaves_air_and_is_never_zero() -> None:
    assert ceiling([None, 0.05, math.nan, math.inf]) == pytest.approx(0.054)
    assert ceiling([]) == 1.0
    assert ceiling([0.01], least=0.05) == pytest.approx(0.054)
