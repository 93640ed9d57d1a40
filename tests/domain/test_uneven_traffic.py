"""Blocks of very different sizes: a handful of requests neither proves a fault nor hides one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from builders import a_baseline, a_block, a_live, a_ratio, a_rule, a_watch, counts, play
from domain.test_judge_evidence import SURE, track_of
from watchdog.domain.events import BaselineMeasured, Event, Looked, Measured, Ticked
from watchdog.domain.judge.harmless import harmless_of
from watchdog.domain.measurement import Baseline, Counts
from watchdog.domain.state import Phase, Watch

BLOCKS = 40


def batches(quiet: Counts, batch: Counts, *, each: int, first: int = 0) -> list[Counts]:
    """A bake in which every so manyth block is a batch."""
    return [batch if (index - first) % each == each - 1 else quiet for index in range(BLOCKS)]


def before(blocks: list[Counts]) -> Baseline:
    """Stable's half hour: three bakes of the same."""
    some = blocks * 3
    whole = counts(sum(one.bad for one in some), sum(one.total for one in some), samples=len(some))
    return Baseline(
        **{
            **{name: getattr(a_baseline(whole), name) for name in ("start", "end", "reading")},
            "blocks": tuple((one.bad, one.total) for one in some),
        }
    )


CHECKS = batches(counts(1, 6), counts(0, 3000), each=8)
FEW = batches(counts(4, 60), counts(0, 5000), each=20)


@pytest.mark.parametrize("blocks", [CHECKS, FEW], ids=["a check beside batches", "thin traffic beside batches"])
@pytest.mark.parametrize("first", range(0, 20, 3))
def test_a_release_that_is_like_stable_is_not_proven_bad(blocks: list[Counts], first: int) -> None:
    shifted = blocks[first:] + blocks[:first]
    assert track_of(SURE, *shifted, baseline=before(blocks)).breach is None


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("first", range(8))
def test_a_release_that_fails_the_batch_in_which_most_requests_come_is_proven(share: float, first: int) -> None:
    good = batches(counts(0, 100), counts(0, 3000), each=8)
    bad = batches(counts(0, 100), counts(3000 * share, 3000), each=8, first=first)
    track = track_of(SURE, *bad, baseline=before(good))
    assert track.breach is not None


def test_even_traffic_is_bet_on_in_full() -> None:
    even = [counts(0, 100 + 40 * (index % 2)) for index in range(BLOCKS)]
    harmless = harmless_of(a_ratio(0.05), before(even))
    assert harmless is not None
    assert harmless.full == 0.0
    assert {bet.weight for bet in track_of(SURE, *even, baseline=before(even)).history.ledger} == {1.0}


def events(blocks: list[Counts], baseline: Baseline) -> Iterator[tuple[Event, float]]:
    yield Looked(a_live(1, complete=True)), 1
    yield BaselineMeasured({"error-rate": baseline}), 2
    for index, reading in enumerate(blocks, start=1):
        yield Measured({"error-rate": a_block(index, reading)}), 15.0 * index + 2


def ended(blocks: list[Counts], baseline: Baseline) -> Watch:
    watch, _ = play(a_watch(a_rule(alpha=0.001)), *events(blocks, baseline), (Ticked(), 700.0))
    return watch


def test_a_rule_that_held_half_of_the_time_and_was_never_proven_does_not_pass() -> None:
    # Stable was nearly as bad: what the release does cannot be told from that.
    blocks = [counts(8, 150)] * BLOCKS
    watch = ended(blocks, before([counts(7, 150)] * BLOCKS))
    assert watch.phase is Phase.INCONCLUSIVE
    assert watch.reason == "error-rate was over its limit at 39 of 39 looks, and never proven"


def test_a_moment_over_the_limit_is_said_of_a_release_that_passes() -> None:
    blocks = [counts(0, 150)] * 10 + [counts(60, 150)] + [counts(0, 150)] * 29
    watch = ended(blocks, before([counts(0, 150)] * BLOCKS))
    assert watch.phase is Phase.PASSED
    assert "error-rate was over its limit at 4 of 39 looks" in watch.reason


def test_moments_in_which_stable_showed_as_much_beside_it_are_not_held_against_a_release() -> None:
    storm = [replace(a_block(index, counts(30, 150)), beside=counts(30, 150)) for index in range(1, 25)]
    calm = [a_block(index, counts(0, 150)) for index in range(25, BLOCKS + 1)]
    seen = [(Measured({"error-rate": block}), 15.0 * block.index + 2) for block in [*storm, *calm]]
    started = (Looked(a_live(1, complete=True)), 1), (BaselineMeasured({"error-rate": before([counts(0, 150)])}), 2)
    watch, _ = play(a_watch(a_rule(alpha=0.001)), *started, *seen, (Ticked(), 700.0))
    assert watch.phase is Phase.PASSED
    assert "looks" not in watch.reason
