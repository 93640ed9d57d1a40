"""Counting, case by case."""

from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from holding import kept_by
from watchdog.domain.counted_to import Mark, Marks
from watchdog.domain.counting import Counted, Increase, count
from watchdog.domain.measurement import Series
from watchdog.domain.selections import Scope, Selection

OLD = Scope(100.0, {})
NEWBORN = Scope(100.0, {"a": 100.0})


def series(*samples: tuple[float, float], **labels: str) -> Series:
    return Series({"pod": "a", "instance": "a:80", "job": "pods", **labels}, samples)


def amount(*selection: Series, scope: Scope = OLD, end: float = 1000.0, named: frozenset[str] = frozenset()) -> float:
    return total_of(count(Counted(), Selection(selection, named=named), None, scope, end)[1])


def total_of(increases: tuple[Increase, ...]) -> float:
    return sum(increase.amount for increase in increases)


def test_the_first_sample_of_an_old_pod_is_where_counting_begins() -> None:
    assert amount(series((110, 500), (125, 510))) == 10


def test_the_first_sample_of_a_newborn_pod_counts_from_zero() -> None:
    assert amount(series((110, 500), (125, 510)), scope=NEWBORN) == 510


def test_a_pod_that_nobody_knows_counts_as_old() -> None:
    assert amount(series((110, 500), (125, 510)), scope=Scope(100.0, {"b": 200.0})) == 10


def test_no_count_spans_the_switch() -> None:
    assert amount(series((95, 0), (110, 50), (125, 60))) == 10


def test_a_reset_adds_the_new_value() -> None:
    assert amount(series((110, 500), (125, 3), (140, 5))) == 5


def test_an_errors_series_that_begins_while_others_go_on_counts_from_zero() -> None:
    fine = series((110, 5), (125, 9), status="200")
    assert amount(fine, series((125, 2), status="500")) == 4 + 2


def test_an_errors_series_that_begins_with_the_first_scrape_does_not() -> None:
    fine = series((125, 9), (140, 9), status="200")
    assert amount(fine, series((125, 2), status="500")) == 0


def test_the_companion_takes_its_witness_from_the_lead() -> None:
    total = Selection([series((110, 5), (125, 9), status="200"), series((125, 2), status="500")])
    bad = Selection([series((125, 2), status="500")])
    _, totals, bads = count(Counted(), total, bad, OLD, 1000.0)
    assert (total_of(totals), total_of(bads)) == (6, 2)


def test_the_companion_takes_its_witness_from_an_earlier_block() -> None:
    fine = series((110, 5), (125, 9), status="200")
    state, *_ = count(Counted(), Selection([fine]), Selection([]), OLD, 130.0)
    later = series((140, 9), status="200")
    first_error = series((140, 1), status="500")
    _, totals, bads = count(state, Selection([later, first_error]), Selection([first_error]), OLD, 145.0)
    assert (total_of(totals), total_of(bads)) == (1, 1)


def test_new_labels_on_all_series_at_once_are_a_new_relabelling_not_new_requests() -> None:
    before = series((110, 5000), (125, 5010), status="200")
    after = series((140, 5020), (155, 5030), status="200", team="x")
    assert amount(before, after) == 10 + 10


def test_nan_infinite_and_negative_values_are_no_samples() -> None:
    assert amount(series((110, 5), (125, nan), (140, inf), (155, -3), (170, 8))) == 3


def test_a_gap_adds_nothing_and_ends_with_what_grew_in_it() -> None:
    state, first, _ = count(Counted(), Selection([series((110, 5), (125, 8))]), None, OLD, 130.0)
    state, gap, _ = count(state, Selection([series((125, 8))]), None, OLD, 145.0)
    _, last, _ = count(state, Selection([series((155, 18))]), None, OLD, 160.0)
    assert (total_of(first), gap, total_of(last)) == (3, (), 10)


def test_a_late_sample_counts_in_the_next_block() -> None:
    state, first, _ = count(Counted(), Selection([series((110, 5))]), None, OLD, 130.0)
    _, second, _ = count(state, Selection([series((110, 5), (129, 8), (140, 9))]), None, OLD, 145.0)
    assert total_of(first) == 0
    assert (total_of(second), second[0].samples) == (4, 2)


def test_an_endpoint_scraped_by_two_jobs_counts_once_by_the_one_with_more_samples() -> None:
    often = series((110, 5), (125, 8), (140, 11), job="often")
    seldom = series((112, 5), (142, 11), job="seldom", pod_template_hash="1")
    assert amount(often, seldom) == 6
    assert amount(seldom, often) == 6


def test_honor_labels_on_and_off_give_one_count() -> None:
    assert amount(series((110, 5), (125, 8)), series((110, 5), (125, 8), exported_pod="a")) == 3


def test_containers_paths_and_ports_are_series_of_their_own() -> None:
    here = series((110, 5), (125, 8), container="app", path="/")
    there = series((110, 5), (125, 8), container="app", path="/x")
    sidecar = series((110, 5), (125, 8), container="sidecar", path="/")
    other_port = series((110, 5), (125, 8), container="app", path="/", instance="a:81")
    assert amount(here, there, sidecar, other_port) == 12


def test_service_is_the_scrapers_label_unless_the_selector_names_it() -> None:
    blue, green = series((110, 5), (125, 8), service="blue"), series((110, 5), (125, 8), service="green")
    assert amount(blue, green) == 3
    assert amount(blue, green, named=frozenset({"service"})) == 6


def test_when_the_counted_scraper_falls_silent_the_other_takes_over_and_nothing_counts_twice() -> None:
    def one_block(state: Counted, *selection: Series, end: float) -> tuple[Counted, float]:
        state, increases, _ = count(state, Selection(selection), None, OLD, end)
        return state, total_of(increases)

    state, first = one_block(
        Counted(), series((110, 5), (120, 8), (130, 9), job="x"), series((115, 6), (125, 8), job="y"), end=130
    )
    assert first == 4
    state, alone = one_block(state, series((140, 12), job="y"), end=145)
    assert alone == 0  # one scrape missed is no silence
    state, after = one_block(state, series((140, 12), (155, 20), (170, 21), job="y"), end=175)
    assert after == 9
    _, back = one_block(state, series((180, 30), job="x"), series((185, 31), job="y"), end=190)
    assert back == 10


def test_without_a_pod_label_all_belongs_to_one_nameless_pod() -> None:
    selection = Selection([series((110, 5), (125, 8)), series((110, 5), (125, 7), pod="b", instance="b:80")], None)
    _, increases, _ = count(Counted(), selection, None, OLD, 1000.0)
    assert {increase.pod for increase in increases} == {""}
    assert total_of(increases) == 5


# Pods whose names do not tell whose they are: a StatefulSet's keep theirs over all revisions.

STAYS = Scope(100.0, {"a": 130.0}, {"a": (130.0, inf)})


def test_what_a_pod_counted_under_another_revision_is_not_counted_and_the_reset_between_is_none() -> None:
    same_labels = series((105, 900), (120, 960), (135, 4), (150, 9))
    assert amount(same_labels, scope=STAYS) == 9  # from 0 at its birth; 60 and the jump down are its predecessor's
    assert amount(same_labels, scope=Scope(100.0, {"a": 130.0})) > 60  # what it would be if the name decided


def test_a_pod_counts_for_its_old_revision_until_its_successor_is_made() -> None:
    old = Scope(100.0, {"a": 10.0}, {"a": (10.0, 130.0)})
    assert amount(series((105, 900), (120, 960), (135, 4), (150, 9)), scope=old) == 60


def test_a_pod_that_was_never_seen_as_the_revisions_counts_nothing() -> None:
    assert amount(series((135, 4), (150, 9)), scope=Scope(100.0, {}, {"b": (10.0, inf)})) == 0


def test_series_without_a_pod_are_counted_as_ever() -> None:
    without = Series({"service": "db"}, ((110, 5), (125, 9)))
    assert amount(without, scope=STAYS) == 4


def test_a_successor_that_is_counted_in_several_blocks_counts_once() -> None:
    samples = [(105.0, 900.0), (120.0, 960.0), (135.0, 4.0), (150.0, 9.0), (165.0, 2.0)]
    whole = amount(series(*samples), scope=STAYS)
    state, total = Counted(), 0.0
    for end in (115.0, 130.0, 145.0, 160.0, 175.0):
        known = Selection([series(*(one for one in samples if one[0] <= end))])
        state, increases, _ = count(state, known, None, STAYS, end)
        total += total_of(increases)
    assert total == whole == 9 + 2


def a_scrape(at: float, series_of_a_pod: int = 50) -> Selection:
    """One sample of many series, each with texts of its own, as a new answer has them."""
    labels = [
        {"pod": f"{'a' * 20}", "instance": f"{'1' * 12}:80", "job": f"{'j' * 9}", "le": f"{bound}.5"}
        for bound in range(series_of_a_pod)
    ]
    return Selection([Series(one, ((at, at + n),)) for n, one in enumerate(labels)])


def counted_for(blocks: int) -> Counted:
    counted = Counted()
    for block in range(blocks):
        counted, _, _ = count(counted, a_scrape(110.0 + 15.0 * block), None, OLD, 120.0 + 15.0 * block)
    return counted


def test_what_is_remembered_of_a_series_does_not_grow_with_its_blocks() -> None:
    few, many = kept_by(counted_for(20)), kept_by(counted_for(200))
    assert many.objects - few.objects <= 1  # a text that an earlier test shares, perhaps
    assert many.bytes - few.bytes < 100


def test_a_series_is_remembered_in_four_numbers_and_a_reference() -> None:
    assert kept_by(counted_for(2)).bytes < 50 * 5 * 8 + 1536


def test_of_a_series_is_known_when_it_began_and_what_it_was_last() -> None:
    key, other = (("pod", "a"),), (("pod", "b"),)
    before = Marks().moved({key: Mark(110.0, 140.0, 140.0), other: Mark(110.0, 140.0, 141.0)})
    after = before.moved({key: Mark(110.0, 500.0, 7.0), (("pod", "new"),): Mark(500.0, 500.0, 1.0)})
    assert before.get(key) == Mark(110.0, 140.0, 140.0)
    assert after.get(key) == Mark(110.0, 500.0, 7.0)
    assert after.get(other) == Mark(110.0, 140.0, 141.0)
    assert (len(before), len(after), after.get((("pod", "none"),))) == (2, 3, None)


@given(st.lists(st.dictionaries(st.integers(0, 30), st.integers(0, 9))))
def test_each_series_has_the_newest_mark_that_it_was_given(moves: list[dict[int, int]]) -> None:
    marks, expected = Marks(), dict[int, Mark]()
    for move in moves:
        further = {series: Mark(0.0, float(value), float(value)) for series, value in move.items()}
        marks = marks.moved({(("series", str(series)),): mark for series, mark in further.items()})
        expected |= further
    assert {n: marks.get((("series", str(n)),)) for n in range(31)} == {n: expected.get(n) for n in range(31)}
