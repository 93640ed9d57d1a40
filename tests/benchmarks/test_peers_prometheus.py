"""The bench's Prometheus answers what Debian's `promtool test rules` 2.42.0 did for the same samples, to the digit."""

import math

import pytest

np = pytest.importorskip("numpy")

from benchmarks.judge.peers.prometheus import error_ratio, store_of  # noqa: E402 (numpy may be absent)
from benchmarks.judge.runs import Release, Scrapes  # noqa: E402

NONE = math.nan


def a_pod(name: str, failed: list[float], served: list[float]) -> Scrapes:
    """Samples each 15 s from 0 on; NaN where there is none."""
    at = np.arange(len(served)) * 15.0
    bad, good = np.array(failed), np.array(served)
    scraped = ~np.isnan(good)
    return Scrapes(name, 0.0, at[scraped], (np.nan_to_num(bad) + good)[scraped], bad[scraped])


PODS = (
    a_pod("errors from 45 s on", [NONE, NONE, NONE, 2, 9, 11, 30], [NONE, 30, 178, 326, 470, 620, 750]),
    a_pod("restarted before 60 s", [1, 4, 9, 9, 2, 6, 7], [100, 240, 390, 540, 80, 230, 380]),
    a_pod("born late with much", [NONE, NONE, NONE, NONE, 50, 51, 51], [NONE, NONE, NONE, NONE, 900, 1049, 1190]),
    a_pod("scraped once", [NONE] * 7, [NONE, NONE, NONE, NONE, NONE, NONE, 5]),
)


def a_release(*pods: Scrapes, outages: tuple[tuple[float, float], ...] = ()) -> Release:
    return Release("made by hand", 0, pods, (), 600.0, 15.0, None, np.zeros(1), outages=outages)


@pytest.mark.parametrize(
    ("at", "window", "answer"),
    [
        (20, 60, 1.7142857142857144e-02),
        (30, 60, 1.5597920277296359e-02),
        (45, 60, 1.0285714285714285e-02),
        (59, 60, 1.0048988820499937e-02),
        (60, 60, 1.883052527254708e-02),
        (61, 60, 1.8701918825714033e-02),
        (75, 60, 1.7190929041697146e-02),
        (82, 60, 1.63350093241744e-02),
        (90, 60, 2.545333555148894e-02),
        (95, 60, 2.8729462709921588e-02),
        (104, 60, 2.8616228929831438e-02),
        (120, 60, 3.0100334448160536e-02),
        (130, 60, 4.5351473922902494e-02),
        (75, 15, 1.5350877192982457e-02),
        (89, 30, 1.5350877192982457e-02),
        (100, 30, 4.5351473922902494e-02),
        (61.5, 30, 2.9672947801602772e-02),
    ],
)
def test_the_ratio_of_rates_is_the_one_that_promtool_gives(at: float, window: float, answer: float) -> None:
    told = error_ratio(a_release(*PODS), store_of(PODS), np.array([float(at)]), window)
    assert told.present[0]
    assert told.value[0] == pytest.approx(answer, rel=1e-14)


@pytest.mark.parametrize(
    ("at", "answer"),
    [(60, 3.862660944206008e-02), (75, 1.5350877192982457e-02), (104, 4.5351473922902494e-02)],
)
def test_irate_takes_the_last_two_samples_as_promtool_does(at: float, answer: float) -> None:
    told = error_ratio(a_release(*PODS), store_of(PODS), np.array([float(at)]), 60.0, function="irate")
    assert told.value[0] == pytest.approx(answer, rel=1e-14)


def test_a_window_with_one_sample_answers_an_empty_vector() -> None:
    told = error_ratio(a_release(*PODS), store_of(PODS), np.array([149.0]), 60.0)
    assert not told.present[0]
    assert not told.failed[0]


def test_errors_that_never_were_are_an_empty_vector_in_one_query_and_zero_in_the_other() -> None:
    pods = (a_pod("no errors", [NONE] * 4, [0, 150, 300, 450]),)
    asked = {query: error_ratio(a_release(*pods), store_of(pods), np.array([45.0]), 60.0, query) for query in _QUERIES}
    assert not asked["errors"].present[0]
    assert asked["successes"].present[0]
    assert asked["successes"].value[0] == 0.0


_QUERIES = ("errors", "successes")


def test_no_requests_at_all_are_nan_which_breaches_nothing() -> None:
    pods = (a_pod("idle", [0, 0, 0], [0, 0, 0]),)
    told = error_ratio(a_release(*pods), store_of(pods), np.array([30.0]), 60.0)
    assert told.present[0]
    assert math.isnan(told.value[0])
    assert not told.breach(0.0)[0]


def test_away_is_a_failed_query_and_a_range_that_is_asked_for_later_is_not() -> None:
    release = a_release(*PODS, outages=((50.0, 70.0),))
    at = np.array([49.9, 50.0, 69.9, 70.0])
    assert error_ratio(release, store_of(PODS), at, 60.0).failed.tolist() == [False, True, True, False]
    assert not error_ratio(release, store_of(PODS), at, 60.0, live=False).failed.any()


def test_no_pods_answer_nothing() -> None:
    told = error_ratio(a_release(), store_of(()), np.array([30.0]), 60.0)
    assert not told.present.any()
