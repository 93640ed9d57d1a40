"""Bets: money that a harmless release cannot multiply, whatever its requests do together."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.judge.betting import (
    FIRST,
    NO_BETS,
    STAKES,
    Bets,
    evidence_of_a_constant,
    kept_after,
    placed_at,
)

HARMLESS = 0.015
A_BAKE = 40
shares = st.floats(0, 1)
sizes = st.floats(1e-3, 1e9)


def wagered(
    *blocks: tuple[float, float], harmless: float = HARMLESS, expected: int = A_BAKE, sought: float = 1.0
) -> Bets:
    bets = NO_BETS
    for bad, requests in blocks:
        bets = bets.bet(bad, requests, harmless, expected, sought=sought)
    return bets


def needed(*, rules: int = 1) -> float:
    return math.log(1000 * rules)


def blocks_until(share: float, *, rules: int = 1) -> int:
    bets = NO_BETS
    while bets.log_evidence < needed(rules=rules):
        bets = bets.bet(150 * share, 150, HARMLESS, A_BAKE)
    return bets.placed


def test_the_parts_of_the_money_make_a_whole() -> None:
    assert math.fsum(stake.part for stake in STAKES) == pytest.approx(1)
    for expected in (1, 2, 13, 40, 400):
        placed = math.fsum(placed_at(bet, expected) for bet in range(1, 100_000))
        assert placed == pytest.approx(1, abs=1e-4)
        for bet in (1, 2, expected, expected + 1, expected + 7):
            so_far = math.fsum(placed_at(n, expected) for n in range(1, bet + 1))
            assert kept_after(bet, expected) == pytest.approx(1 - so_far, abs=1e-9)


@pytest.mark.parametrize(("share", "blocks"), [(0.08, 5), (0.2, 3), (0.5, 3), (1.0, 2)])
def test_a_worse_release_is_proven_in_fewer_blocks(share: float, blocks: int) -> None:
    assert blocks_until(share) == blocks


@pytest.mark.parametrize("harmless", [0.5, HARMLESS, 3e-4, 1.5e-5, 1e-6])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_no_single_block_decides(harmless: float, share: float) -> None:
    assert wagered((share * 1e9, 1e9), harmless=harmless).log_evidence < needed()


def test_a_fault_that_begins_late_still_finds_money() -> None:
    quiet = [(0, 150)] * 20
    late = wagered(*quiet, *[(30, 150)] * 6)
    assert late.log_evidence > needed()


def test_a_quiet_release_keeps_what_it_has_not_placed() -> None:
    bets = wagered(*[(0, 150)] * 400)
    assert bets.log_evidence < 0
    assert math.isfinite(bets.log_evidence)


def test_a_first_handful_of_requests_without_an_error_does_not_delay_the_proof() -> None:
    """A pod that is scraped a moment after its birth shows three requests, whatever was released."""
    after = [(7, 75)] * 5
    assert wagered(*after[1:], sought=0.1).log_evidence < needed() <= wagered(*after, sought=0.1).log_evidence
    assert wagered((0, 3), *after, sought=0.1).log_evidence >= needed()
    careless = wagered((0, 3), *after)  # nobody is wary in search of what fails every request
    assert careless.log_evidence < needed()


def test_a_stake_is_wary_of_few_requests_and_as_bold_as_the_others_with_many() -> None:
    few, many = (wagered((0, requests), sought=0.1).stakes for requests in (3, 1e6))
    bold, wary, *_ = STAKES
    assert wary.wary
    assert few[0] == pytest.approx(math.log(FIRST * bold.part * (1 - bold.fraction)))
    assert few[1] == pytest.approx(math.log(FIRST * wary.part * (1 - wary.fraction * (1 - 0.9**3))))
    assert many[1] == pytest.approx(many[0])


@pytest.mark.parametrize(("requests", "more"), [(2, 1), (4, 2), (8, 1), (15, 2)])
def test_thin_traffic_proves_more_where_a_stake_is_wary_of_it(requests: float, more: float) -> None:
    wary, careless = (evidence_of_a_constant(0.1, HARMLESS, 30, requests, sought) for sought in (0.1, 1.0))
    assert wary > careless + more


@given(st.lists(st.tuples(shares, sizes), max_size=60), st.floats(1e-6, 0.9), st.floats(1e-6, 1.0))
def test_nothing_overflows(blocks: list[tuple[float, float]], harmless: float, sought: float) -> None:
    bets = wagered(*((share * size, size) for share, size in blocks), harmless=harmless, sought=sought)
    assert math.isfinite(bets.log_evidence)
    assert not any(math.isnan(stake) for stake in bets.stakes)


@given(st.lists(st.tuples(shares, shares, st.floats(0.5, 200)), min_size=1, max_size=40), st.floats(0.01, 1.0))
def test_more_bad_requests_never_lower_the_evidence(blocks: list[tuple[float, float, float]], sought: float) -> None:
    fewer = wagered(*((size * min(pair), size) for *pair, size in blocks), sought=sought)
    more = wagered(*((size * max(pair), size) for *pair, size in blocks), sought=sought)
    assert more.log_evidence >= fewer.log_evidence - 1e-9


@given(st.lists(shares, min_size=1, max_size=20), st.floats(0, 1e-9))
def test_a_block_without_requests_is_no_bet(blocks: list[float], nothing: float) -> None:
    with_gaps = NO_BETS
    for share in blocks:
        with_gaps = with_gaps.bet(0, 0, HARMLESS, A_BAKE).bet(share * 100, 100, HARMLESS, A_BAKE)
    assert with_gaps == wagered(*((share * 100, 100) for share in blocks))
    assert wagered((nothing, 0)) == NO_BETS


def ruined(blocks: int, spread: float, *, seed: int, runs: int, sizes: tuple[int, ...] = (30,)) -> int:
    """In how many runs at exactly the harmless level the evidence reaches 20 to 1.

    `spread` is how unlike the blocks are: the share of each is drawn from two values whose mean is the harmless level.
    Their sizes are drawn as well.
    """
    chance = random.Random(seed)
    reached = 0
    for _ in range(runs):
        bets = NO_BETS
        for _ in range(blocks):
            high = min(1.0, HARMLESS * (1 + spread))
            share = high if chance.random() < HARMLESS / high else 0.0
            size = chance.choice(sizes)
            bad = sum(chance.random() < share for _ in range(size)) if spread < 50 else size * share
            bets = bets.bet(bad, size, HARMLESS, A_BAKE, sought=0.1)
            if bets.log_evidence >= math.log(20):
                reached += 1
                break
    return reached


@pytest.mark.parametrize("sizes", [(30,), (1, 5, 60)], ids=["even", "thin and uneven"])
@pytest.mark.parametrize("spread", [0.0, 5.0, 60.0])
def test_a_harmless_release_reaches_20_to_1_in_one_of_20_watches_at_most_however_its_requests_cluster(
    spread: float, sizes: tuple[int, ...]
) -> None:
    runs = 1500
    reached = ruined(A_BAKE, spread, seed=11, runs=runs, sizes=sizes)
    # Ville's inequality allows 5 %; three standard errors are 1.7 %.
    assert reached / runs <= 0.067
    assert reached > 0 or spread == 0.0  # a bound that nothing ever comes near would test nothing


def test_what_a_constant_share_comes_to_is_what_the_bets_on_it_come_to() -> None:
    expected = evidence_of_a_constant(0.08, HARMLESS, 6, 1e6)
    bets = wagered(*[(8e4, 1e6)] * 6)
    # The money placed later adds a little, and is not counted on.
    assert expected <= bets.log_evidence <= expected - math.log(FIRST)
    thin = evidence_of_a_constant(0.08, HARMLESS, 6, 3)
    assert thin < expected
