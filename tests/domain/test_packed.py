"""Long rows whose older items lie packed: they read like tuples, and take a tenth of the room."""

import gc
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holding import kept_by
from watchdog.domain.histograms import PodBuckets
from watchdog.domain.measurement import Block, Buckets, Counts, NoData, PodCount, PodValues
from watchdog.domain.packed import PAIR, TOGETHER, Packed, appended

rows = st.lists(st.integers(), max_size=100)
ends = st.none() | st.integers(-120, 120)


def a_row(items: list[int], *, keep: int = 1000, fresh: int = 3) -> Packed[int]:
    row: Packed[int] = Packed()
    for item in items:
        row = appended(row, item, keep=keep, fresh=fresh)
    return row


@given(rows, st.integers(1, 60), st.integers(1, 10))
def test_a_packed_row_is_the_tuple_of_its_newest_items(items: list[int], keep: int, fresh: int) -> None:
    row, plain = a_row(items, keep=keep, fresh=fresh), tuple(items[-keep:])
    assert row == plain
    assert plain == row
    assert len(row) == len(plain)
    assert list(row) == list(plain)
    assert list(reversed(row)) == list(reversed(plain))
    assert hash(row) == hash(plain)
    assert [row[-1 - n] for n in range(len(row))] == list(reversed(plain))


@given(rows, ends, ends, st.none() | st.integers(1, 3))
def test_a_slice_holds_what_a_tuple_s_would(
    items: list[int], begin: int | None, end: int | None, step: int | None
) -> None:
    assert a_row(items)[begin:end:step] == tuple(items)[begin:end:step]


@given(rows, st.integers(1, 40), st.integers())
def test_a_slice_and_a_tuple_go_on_like_a_row(items: list[int], keep: int, item: int) -> None:
    plain = (*items[2:-2], item)[-keep:]
    assert appended(a_row(items)[2:-2], item, keep=keep, fresh=3) == plain
    assert appended(tuple(items)[2:-2], item, keep=keep, fresh=3) == plain


def test_rows_are_unequal_where_an_item_or_their_length_differs() -> None:
    row = a_row([*range(30)])
    assert row != tuple(range(29))
    assert row != (*range(29), 0)
    assert row != "a row"


def test_beyond_a_row_s_ends_there_is_nothing() -> None:
    row = a_row([*range(30)], keep=20)
    for index in (20, -21):
        with pytest.raises(IndexError):
            row[index]


def test_the_row_before_is_still_what_it_was() -> None:
    before = a_row([*range(40)], keep=40)
    appended(before, 40, keep=40, fresh=3)
    assert before == tuple(range(40))


def test_what_is_not_kept_any_more_takes_no_room() -> None:
    assert a_row([*range(1000)], keep=16).packets <= 16 // TOGETHER + 1


def a_block(index: int) -> Block:
    """A histogram of two pods, 300 requests each; the pods' names are texts of their own, as answers have them."""
    start = datetime(2026, 1, 1, tzinfo=UTC) + index * timedelta(seconds=15)
    bounds = [0.01 * 2**n for n in range(20)] + [float("inf")]
    pods = {}
    for pod in range(2):
        counts = tuple((bound, float(min(300, 11 * n + (7 * index + pod) % 5))) for n, bound in enumerate(bounds))
        pods[f"checkout-{pod}-{'x' * 20}"] = PodBuckets.of(counts, 300.0, 31.4 + index / 7.0, 1)
    return Block(index, start, start + timedelta(seconds=15), Buckets(pods), "the same question each time")


def a_history(blocks: int) -> Packed[Block]:
    row: Packed[Block] = Packed()
    for index in range(1, blocks + 1):
        row = appended(row, a_block(index), keep=600, fresh=5)
    return row


def test_blocks_come_out_of_a_packet_as_they_went_in() -> None:
    history = a_history(50)
    assert [*history] == [a_block(index) for index in range(1, 51)]
    whole = [block.reading.whole for block in history if isinstance(block.reading, Buckets)]
    assert whole == [block.reading.whole for block in map(a_block, range(1, 51)) if isinstance(block.reading, Buckets)]


def test_an_older_block_takes_a_quarter_of_a_kilobyte_and_two_objects_in_eight() -> None:
    sizes = [kept_by(a_history(blocks)) for blocks in (6 * TOGETHER, 18 * TOGETHER, 30 * TOGETHER)]
    for fewer, more in pairwise(sizes):
        assert (more.bytes - fewer.bytes) / (12 * TOGETHER) < 256
        assert (more.objects - fewer.objects) / (12 * TOGETHER) <= 2 / TOGETHER


def test_no_more_than_one_block_beyond_those_that_are_looked_at_lies_unpacked() -> None:
    def unpacked(blocks: int) -> int:
        held = gc.get_referents(a_history(blocks))
        return sum(len(row) for row in held if isinstance(row, tuple) and row and isinstance(row[0], Block))

    assert {unpacked(blocks) for blocks in range(5, 5 + 3 * TOGETHER)} == {5, 5 + PAIR - 1}


moments = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - they get one
amounts = st.floats(0.0, 1e9)
readings = st.one_of(
    st.builds(Counts, st.dictionaries(st.text(), st.builds(PodCount, amounts, amounts, st.integers()))),
    st.builds(PodValues, st.dictionaries(st.text(), amounts)),
    st.builds(NoData, st.text(), st.text()),
)


@given(st.builds(Block, st.integers(), moments, moments, readings, st.text(), st.none() | readings))
def test_a_block_that_was_packed_is_the_same_to_the_microsecond(block: Block) -> None:
    again = appended(appended(appended((), block, keep=9, fresh=1), None, keep=9, fresh=1), None, keep=9, fresh=1)[0]
    assert again is not block
    assert again == block
