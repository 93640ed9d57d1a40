"""What increases amount to."""

from math import inf

from watchdog.domain.counting import Counted, Increase, count
from watchdog.domain.measurement import PodCount, Series
from watchdog.domain.selections import Scope, Selection
from watchdog.domain.tallies import histogram, rates, ratio


def an_increase(amount: float, start: float = 0.0, end: float = 15.0, **more: object) -> Increase:
    fields = {"pod": "a", "labels": {}, "amount": amount, "samples": 1, "start": start, "end": end, **more}
    return Increase(**fields)  # type: ignore[arg-type]


def test_a_pod_without_bad_series_has_no_bad_events() -> None:
    counted = ratio([an_increase(5), an_increase(4, pod="b", samples=2)], [an_increase(1)])
    assert counted == {"a": PodCount(1, 5, 1), "b": PodCount(0, 4, 2)}


def test_histograms_of_a_pod_are_merged_sorted_scaled_and_made_monotone() -> None:
    buckets = [
        an_increase(9, labels={"le": "+Inf", "path": "/"}),
        an_increase(7, labels={"le": "100", "path": "/"}),
        an_increase(4, labels={"le": "500", "path": "/"}),
        an_increase(1, labels={"le": "100", "path": "/x"}),
        an_increase(1, labels={"le": "500", "path": "/x"}),
        an_increase(2, labels={"le": "+Inf", "path": "/x"}),
        an_increase(3, labels={"le": "what", "path": "/x"}),
    ]
    merged = histogram(buckets, [an_increase(1500.0)], 0.001)["a"]
    assert merged.counts == ((0.1, 8), (0.5, 8), (inf, 11))
    assert (merged.total, merged.sum) == (11, 1.5)


def test_a_handler_with_buckets_of_its_own_does_not_count_as_slow() -> None:
    buckets = [
        *(an_increase(9, labels={"le": le, "path": "/"}) for le in ("0.1", "0.5", "1", "+Inf")),
        *(an_increase(5, labels={"le": le, "path": "/new"}) for le in ("0.2", "1", "+Inf")),
    ]
    assert histogram(buckets, [], 1.0)["a"].counts == ((1.0, 14), (inf, 14))


def test_the_last_bound_is_infinite_even_where_no_bucket_is() -> None:
    assert histogram([an_increase(4, labels={"le": "1"})], [], 1.0)["a"].counts == ((1.0, 4), (inf, 4))


def test_a_series_without_any_bound_is_no_histogram() -> None:
    assert histogram([an_increase(4)], [], 1.0) == {}


def test_a_rate_is_the_increase_of_all_containers_over_the_time_they_were_sampled_in() -> None:
    assert rates([an_increase(15), an_increase(30, 3.0, 18.0)]) == {"a": 3.0}


def test_a_container_that_takes_over_from_another_adds_its_time() -> None:
    assert rates([an_increase(10, 0.0, 10.0), an_increase(10, 10.0, 20.0, joined=True)]) == {"a": 1.0}


def test_one_sample_is_no_rate() -> None:
    assert rates([an_increase(10, 15.0, 15.0, at_birth=10, joined=True)]) == {}


def test_what_a_newborn_brought_is_no_part_of_its_rate() -> None:
    samples = ((110.0, 50.0), (120.0, 60.0))
    newborn = Scope(100.0, {"a": 100.0})
    _, increases, _ = count(Counted(), Selection([Series({"pod": "a"}, samples)]), None, newborn, 200.0)
    assert increases[0].amount == 60.0
    assert rates(increases) == {"a": 1.0}
