"""Rows of numbers read like tuples, and take eight bytes a number at most; counts take next to nothing."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holding import kept_by
from watchdog.domain.codec import dump, load
from watchdog.domain.measurement import Baseline, NoData
from watchdog.domain.numbers import Course, Pairs

START = datetime(2026, 1, 1, tzinfo=UTC)
finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**33).map(float) | st.just(-0.0)
pairs = st.lists(st.tuples(finite, finite), max_size=20)
values = st.lists(st.none() | finite, max_size=20)
ends = st.none() | st.integers(-30, 30)


@given(pairs, values, ends, ends)
def test_rows_read_like_the_tuples_that_they_were_made_of(
    two: list[tuple[float, float]], one: list[float | None], begin: int | None, end: int | None
) -> None:
    for row, plain in ((Pairs(two), tuple(two)), (Course(one), tuple(one))):
        assert row == plain
        assert plain == row
        assert (len(row), bool(row), hash(row), repr(row)) == (len(plain), bool(plain), hash(plain), repr(plain))
        assert row[begin:end] == plain[begin:end]
        assert [row[-1 - n] for n in range(len(row))] == [*reversed(plain)]
        for index in (len(row), -len(row) - 1):
            with pytest.raises(IndexError):
                row[index]


def a_baseline(steps: int) -> Baseline:
    blocks = tuple((n / 7.0, n / 3.0) for n in range(steps))
    course = tuple(n / 9.0 if n % 3 else None for n in range(steps))
    return Baseline(START, START + timedelta(minutes=30), NoData("none"), "query", blocks, course, 15.0)


def test_a_baseline_is_read_from_a_record_as_it_was_written() -> None:
    baseline = a_baseline(120)
    assert load(Baseline, dump(baseline), "baseline") == baseline


def test_a_step_of_a_baseline_takes_three_numbers_at_most() -> None:
    few, many = kept_by(a_baseline(300)), kept_by(a_baseline(1300))
    assert many.objects == few.objects
    assert (many.bytes - few.bytes) / 1000 <= 3 * 8


def test_half_an_hour_of_counts_takes_a_few_hundred_bytes() -> None:
    chance = random.Random(8)
    counts = [(float(chance.randint(0, 3)), float(chance.randint(900, 1100))) for _ in range(120)]
    assert kept_by(Pairs(counts)).bytes < 500
