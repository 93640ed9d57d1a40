"""A rule's path lies in a row of numbers, and reads like the points that it was made of."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from holding import kept_by
from watchdog.domain.judge import Finding
from watchdog.domain.path import extended
from watchdog.domain.state import PATH_KEPT, Point

START = datetime(2026, 1, 1, tzinfo=UTC)
numbers = st.none() | st.floats(allow_nan=False)
moments = st.timedeltas(-timedelta(days=9000), timedelta(days=60000)).map(START.__add__)
points = st.builds(Point, moments, numbers, numbers, st.sampled_from(Finding), numbers, numbers)


@given(st.lists(points, max_size=20), points)
def test_a_path_is_the_row_of_its_points(some: list[Point], last: Point) -> None:
    path = extended(some, last)
    assert path == (*some, last)
    assert path[-1].at.tzinfo is UTC
    assert extended(path, last) == (*some, last, last)


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    at = datetime(2026, 3, 3, 12, tzinfo=timezone(timedelta(hours=1)))
    assert extended((), Point(at, None, None, Finding.PASS))[0].at == at


def a_path(length: int) -> list[Point]:
    return [Point(START + n * timedelta(seconds=5, microseconds=1), n / 7.0, 3.0, Finding.PASS) for n in range(length)]


def test_of_a_path_as_long_as_it_may_be_every_second_point_is_dropped() -> None:
    long = a_path(PATH_KEPT + 1)
    assert extended(long[:-1], long[-1]) == (*long[:-1:2], long[-1])
    assert extended(long[:-2], long[-2]) == long[:-1]


def test_sixteen_points_are_one_object_and_what_is_the_same_in_them_takes_no_room() -> None:
    few, many = (extended(row[:-1], row[-1]) for row in (a_path(20), a_path(212)))
    assert kept_by(many).objects - kept_by(few).objects == 192 // 16
    assert kept_by(many).bytes - kept_by(few).bytes < 192 * 3 * 8  # of six numbers four stay as they are


def test_a_path_is_read_in_the_same_way_in_whole_and_point_by_point() -> None:
    points = a_path(45)
    path = extended(points[:-1], points[-1])
    assert list(path) == points
    assert [path[index] for index in range(-45, 45)] == [*points, *points]
    assert path[::2] == tuple(points[::2])
