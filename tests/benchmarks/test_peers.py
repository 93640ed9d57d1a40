"""Each competitor behaves as its source and the recordings of it say, and each of its settings can be played."""

from dataclasses import replace
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from benchmarks.judge.peers.alert import Alert  # noqa: E402 (numpy may be absent)
from benchmarks.judge.peers.argo import Argo  # noqa: E402
from benchmarks.judge.peers.burn_rate import Burn, BurnRate  # noqa: E402
from benchmarks.judge.peers.catalogue import Setting, settings  # noqa: E402
from benchmarks.judge.peers.flagger import Flagger  # noqa: E402
from benchmarks.judge.peers.kayenta import Kayenta  # noqa: E402
from benchmarks.judge.peers.mann_whitney import Classifier  # noqa: E402
from benchmarks.judge.peers.script import Script  # noqa: E402
from benchmarks.judge.peers.sprt import Sprt  # noqa: E402
from benchmarks.judge.runs import Release, Scrapes  # noqa: E402

BAKE = 600.0
FOR_EVER = float("inf")


def a_pod(ratio: Any, *, begins: float = 0.0, ends: float = BAKE, rps: float = 10.0, phase: float = 4.0) -> Scrapes:
    """A pod that serves `rps` from `begins` on, scraped each 15 s; `ratio` of its requests fail, a function of time."""
    seconds = np.arange(begins, ends)
    at = np.arange(begins + phase, ends, 15.0)
    failed = np.concatenate(([0.0], np.cumsum(np.array([ratio(second) for second in seconds]) * rps)))
    served = (at - begins).astype(int)
    return Scrapes("pod", begins, at, np.round(served * rps), np.floor(failed[served]))


def a_release(*pods: Scrapes, **given: Any) -> Release:
    if "stable" not in given:
        given["stable"] = (a_pod(lambda _: 0.005, begins=-BAKE, ends=0.0),)
    failing = np.zeros(600)
    return Release("made by hand", 7, pods, bake=BAKE, scrape_interval=15.0, fault_at=None, failing=failing, **given)


def good(second: float) -> float:
    return 0.005


def bad(second: float) -> float:
    return 0.2


def for_a_while(start: float, end: float) -> Any:
    return lambda second: 0.2 if start <= second < end else 0.005


@pytest.mark.parametrize(("interval", "threshold"), [(60.0, 1), (60.0, 5), (15.0, 2), (30.0, 2)])
def test_flagger_takes_two_intervals_more_than_its_threshold(interval: float, threshold: int) -> None:
    ending = Flagger(interval, threshold, 10).analyse(a_release(a_pod(bad)))
    assert ending.outcome == "rollback"
    assert ending.at == pytest.approx((threshold + 2) * interval - 1, abs=1.2)


def test_flagger_never_takes_a_failed_check_back() -> None:
    twice = a_pod(lambda second: for_a_while(100, 150)(second) + for_a_while(400, 450)(second))
    assert Flagger(60, 2, 10).analyse(a_release(twice)).outcome == "rollback"


def test_flagger_promotes_after_one_good_check_more_than_its_iterations() -> None:
    ending = Flagger(30, 2, 10).analyse(a_release(a_pod(good)))
    assert ending.outcome == "promoted"
    assert ending.at == pytest.approx(30 * 12, abs=2.5)


def test_flagger_counts_an_absent_answer_and_a_failed_query() -> None:
    gone = a_release(a_pod(good), outages=((200.0, FOR_EVER),))
    assert Flagger(15, 2, 40).analyse(gone).outcome == "rollback"
    too_short = Flagger(15, 2, 40, window=14).analyse(a_release(a_pod(good)))
    assert too_short.at == pytest.approx(59, abs=1.2)


def test_argo_begins_with_errors_and_decides_on_its_first_values() -> None:
    ending = Argo(15, 40, 3).analyse(a_release(a_pod(bad)))
    assert ending.outcome == "rollback"
    assert ending.at == pytest.approx(70, abs=6)


def test_argo_errs_out_at_the_fifth_error_in_a_row_and_not_at_the_fourth() -> None:
    ending = Argo(15, 40, 3).analyse(a_release(a_pod(good, phase=28.0)))
    assert (ending.outcome, ending.at) == ("error", pytest.approx(39.5, abs=1.0))
    assert Argo(15, 30, 3, 5).analyse(a_release(a_pod(good, phase=28.0))).outcome == "promoted"


def test_argo_retries_an_error_after_ten_seconds_whatever_the_interval() -> None:
    gone = a_release(a_pod(good), outages=((100.0, FOR_EVER),))
    ending = Argo(60, 10, 3).analyse(gone)
    assert ending.outcome == "error"
    assert 140 <= (ending.at or 0) <= 201


def test_argo_holds_an_empty_answer_for_success_where_its_condition_says_so() -> None:
    late = a_release(a_pod(good, phase=28.0))
    assert Argo(15, 20, 3, empty="successful").analyse(late).outcome == "promoted"


def test_argo_pauses_for_a_person_between_its_two_conditions() -> None:
    ending = Argo(15, 40, 0, failure_above=0.5).analyse(a_release(a_pod(bad)))
    assert ending.outcome == "undecided"
    assert "inconclusive" in ending.why


def test_argo_waits_for_its_initial_delay() -> None:
    ending = Argo(60, 10, 0, initial_delay=120).analyse(a_release(a_pod(bad)))
    assert ending.at == pytest.approx(120, abs=1.1)


def test_kayenta_fails_at_the_end_of_an_interval_and_knows_a_storm_that_hits_both() -> None:
    judged = Kayenta(300, 600, Classifier(direction="increase", critical=True), step=15)
    alone = judged.analyse(a_release(a_pod(bad)))
    assert (alone.outcome, alone.at) == ("rollback", 300.0)
    beside = a_release(a_pod(bad), stable=(a_pod(bad, begins=-BAKE),))
    assert judged.analyse(beside).outcome == "promoted"


def test_kayenta_without_data_scores_zero_and_tries_a_failed_query_again() -> None:
    judged = Kayenta(300, 600, Classifier(direction="increase"), step=15)
    assert judged.analyse(a_release(a_pod(good), stable=())).outcome == "rollback"
    short = replace(a_release(a_pod(bad)), outages=((299.0, 304.0),))
    assert judged.analyse(short).at == pytest.approx(307.0)
    assert judged.analyse(replace(short, outages=((299.0, FOR_EVER),))).outcome == "error"


def test_an_alert_fires_when_it_held_and_begins_again_after_a_gap() -> None:
    rule = Alert(60, 60)
    fired = rule.watch(a_release(a_pod(bad)))
    assert fired.outcome == "rollback"
    assert 75 <= (fired.at or 0) <= 110
    gone = replace(a_release(a_pod(bad)), outages=((60.0, 80.0),))
    again = rule.watch(gone).at or 0
    assert 140 <= again <= 155
    assert rule.watch(a_release(a_pod(for_a_while(100, 110)))).outcome == "undecided"


def test_an_alert_that_fired_before_the_release_is_not_of_its_doing() -> None:
    storm = a_pod(bad, begins=-BAKE)
    assert Alert(60, 60, pods="service").watch(a_release(a_pod(bad), stable=(storm,))).outcome == "undecided"


def test_the_script_wants_its_breaches_in_a_row() -> None:
    assert Script(3).run(a_release(a_pod(bad))).at == pytest.approx(61, abs=15)
    ends = a_pod(for_a_while(100, 130))
    assert Script(8).run(a_release(ends)).outcome == "undecided"
    gone = replace(a_release(a_pod(good)), outages=((100.0, 160.0),))
    assert Script(3).run(gone).outcome == "undecided"
    assert Script(3, failed_query="counted").run(gone).outcome == "rollback"


def test_burn_rates_are_slower_over_windows_that_reach_back_beyond_the_switch() -> None:
    burns = (Burn(14.4, 3600.0, 300.0),)
    broken = a_release(a_pod(lambda _: 0.08))
    cut = BurnRate(0.005, burns, cut=True).watch(broken).at
    uncut = BurnRate(0.001, burns).watch(broken).at
    assert cut is not None
    assert uncut is not None
    assert cut < 60 < uncut


def test_the_sequential_test_rolls_back_and_accepts() -> None:
    test = Sprt(0.2, 1.0)
    assert (test.watch(a_release(a_pod(bad))).at or BAKE) < 60
    assert replace(test, accepted="ends").watch(a_release(a_pod(good))).outcome == "promoted"
    assert test.watch(a_release(a_pod(good))).outcome == "undecided"


def test_every_setting_has_a_name_of_its_own_and_every_peer_a_default() -> None:
    held = settings()
    assert len({each.name for each in held}) == len(held)
    peers = {each.peer for each in held}
    assert peers == {each.peer for each in held if each.kind == "default"}
    assert peers == {each.peer for each in held if each.kind == "documented"}
    assert peers == {each.peer for each in held if each.kind == "grid"}


@pytest.mark.parametrize(
    "name",
    [
        "Argo 15 s, count 40, failureLimit 3 (recorded)",
        "Argo 60 s, count 10, failureLimit 0 (recorded)",
        "Flagger 60 s, threshold 5 (recorded)",
        "Flagger 15 s, threshold 2 (recorded)",
    ],
)
def test_the_recorded_settings_are_played(name: str) -> None:
    assert name in {each.name for each in settings()}


ODD = {
    "a good one": a_release(a_pod(good)),
    "a bad one": a_release(a_pod(bad)),
    "nothing scraped": a_release(replace(a_pod(good), at=np.empty(0), total=np.empty(0), bad=np.empty(0)), stable=()),
    "no pods": a_release(stable=()),
    "no traffic": a_release(a_pod(lambda _: 0.0, rps=0.0)),
    "no errors yet": a_release(replace(a_pod(good), bad=np.full(a_pod(good).at.size, np.nan))),
    "never an answer": a_release(a_pod(bad), outages=((-1000.0, FOR_EVER),)),
    "a restart": a_release(replace(a_pod(good), total=a_pod(good).total % 1000, bad=a_pod(good).bad % 7)),
}


@pytest.mark.parametrize("release", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("peer", sorted({each.peer for each in settings()}))
def test_every_setting_judges_every_release_twice_alike_and_within_its_bake(peer: str, release: Release) -> None:
    played: list[Setting] = [each for each in settings() if each.peer == peer]
    decisions = [each.policy(release) for each in played]
    assert decisions == [each.policy(replace(release)) for each in played]
    assert all(each.at is None or 0 <= each.at <= BAKE for each in decisions)


def test_where_a_controller_stands_on_its_clock_hangs_on_the_seed_alone() -> None:
    release = a_release(a_pod(bad))
    assert Argo(15, 40, 3)(release) == Argo(15, 40, 3)(replace(release, world="another"))
    moments = {Flagger(15, 2, 40)(replace(release, seed=seed)).at for seed in range(20)}
    assert len(moments) == 20
