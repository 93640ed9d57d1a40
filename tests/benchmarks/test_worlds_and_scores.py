"""The bench itself: worlds that repeat, blocks that are the daemon's, scores that are known by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")

from benchmarks.judge.atlas import FAULTS, absences, broken, bursting  # noqa: E402 (numpy may be absent)
from benchmarks.judge.blocks import EPOCH, baseline_of, blocks_of, moment  # noqa: E402
from benchmarks.judge.contestants import Contestant  # noqa: E402
from benchmarks.judge.ours import SHARED, Watchdog  # noqa: E402
from benchmarks.judge.running import Task, outcome_of, play  # noqa: E402
from benchmarks.judge.runs import Decision, Release, Scrapes  # noqa: E402
from benchmarks.judge.scoring import false_rollbacks, misses, share  # noqa: E402
from benchmarks.judge.sections.shared import outage  # noqa: E402
from benchmarks.judge.worlds import World, release  # noqa: E402

from watchdog.domain.counting import Counted, count  # noqa: E402
from watchdog.domain.measurement import Counts, QueryFailed, Series  # noqa: E402
from watchdog.domain.selections import Scope, Selection  # noqa: E402
from watchdog.domain.tallies import ratio  # noqa: E402

PLAIN = World(name="plain")
ROLLING = World(name="rolling", pods=4, rps=40.0, rolling=30.0, scrape=15.0, jitter=1.0, missed=0.1, late_errors=True)


def selections(pods: tuple[Scrapes, ...]) -> tuple[Selection, Selection]:
    def series(which: str, pod: Scrapes) -> Series:
        values = getattr(pod, which)
        samples = [(float(EPOCH.timestamp() + at), float(v)) for at, v in zip(pod.at, values, strict=True)]
        seen = tuple(sample for sample in samples if not np.isnan(sample[1]))
        return Series({"pod": pod.pod, "instance": pod.pod}, seen)

    totals, bads = ([series(which, pod) for pod in pods] for which in ("total", "bad"))
    return Selection(totals), Selection(bads)


@pytest.mark.parametrize("world", [PLAIN, ROLLING, replace(ROLLING, scrape=30.0, late_errors=False)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_benchs_blocks_are_those_that_the_daemon_would_count(world: World, seed: int) -> None:
    played = release(world, seed)
    totals, bads = selections(played.candidate)
    created = {pod.pod: EPOCH.timestamp() + pod.born for pod in played.candidate}
    counted = Counted()
    for block in blocks_of(played, 15.0):
        counted, lead, companion = count(
            counted, totals, bads, Scope(EPOCH.timestamp(), created), block.end.timestamp()
        )
        expected = ratio(lead, companion)
        found = block.reading.pods if isinstance(block.reading, Counts) else {}
        assert {pod: (one.bad, one.total) for pod, one in expected.items() if one.total} == {
            pod: (one.bad, one.total) for pod, one in found.items() if one.total
        }


def test_a_baseline_is_what_was_counted_in_it_block_by_block() -> None:
    played = release(PLAIN, 5)
    baseline = baseline_of(played.stable, -1800.0, 0.0, 15.0)
    assert isinstance(baseline.reading, Counts)
    assert sum(total for _, total in baseline.blocks) == pytest.approx(baseline.reading.total)
    assert sum(bad for bad, _ in baseline.blocks) == pytest.approx(baseline.reading.bad)
    assert baseline.end - baseline.start == timedelta(minutes=30)


def test_while_prometheus_is_away_blocks_say_so_and_what_was_counted_comes_after() -> None:
    away = replace(PLAIN, away=((100.0, 200.0),), blind=False)
    blocks = blocks_of(release(away, 3), 15.0)
    failed = [block.index for block in blocks if isinstance(block.reading, QueryFailed)]
    assert failed == [7, 8, 9, 10, 11, 12, 13]
    first = next(block for block in blocks if block.index == 14)
    assert isinstance(first.reading, Counts)
    assert first.reading.samples == 8


def test_the_same_world_and_seed_are_the_same_release_whatever_was_played_before() -> None:
    world = broken(World(name="x", weather=bursting(45, 0.08), jitter=1.0), "20 %")
    first = release(world, 7)
    release(world, 8)
    again = release(world, 7)
    assert np.array_equal(first.failing, again.failing)
    assert np.array_equal(first.candidate[0].bad, again.candidate[0].bad)
    assert not np.array_equal(first.failing, release(world, 8).failing)


def test_outcomes_do_not_hang_on_how_many_processes_play_them() -> None:
    tasks = [Task(broken(PLAIN, "20 %"), "ours", 4)]
    one, two = play(tasks, 1), play(tasks, 2)
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[key].at, two[key].at, equal_nan=True) for key in one)


def contestant(decide: object) -> Contestant:
    return Contestant("it", "peer", "grid", decide)  # type: ignore[arg-type]


def test_a_policy_that_always_fires_and_one_that_never_does_score_as_they_must() -> None:
    good = [release(PLAIN, seed) for seed in range(5)]
    bad = [release(broken(PLAIN, "20 %"), seed) for seed in range(5)]
    always, never = (lambda _: Decision(30.0)), (lambda _: Decision(None))
    assert false_rollbacks([outcome_of(good, [contestant(always)])["it"]]).value == 1.0
    assert false_rollbacks([outcome_of(good, [contestant(never)])["it"]]).value == 0.0
    fired, missed = outcome_of(bad, [contestant(always)])["it"], outcome_of(bad, [contestant(never)])["it"]
    assert misses([fired]).value == 0.0
    assert misses([missed]).value == 1.0
    assert list(fired.took) == [30.0] * 5
    assert np.all(missed.failed > 5 * fired.failed)
    late = outcome_of(bad, [contestant(lambda _: Decision(700.0))])["it"]
    assert misses([late]).value == 1.0  # after the bake it is too late


@pytest.mark.parametrize(
    ("count", "runs", "low", "high"),
    [(0, 100, 0.0, 0.0362), (1, 100, 0.000253, 0.0545), (5, 50, 0.0333, 0.2181), (10, 10, 0.6915, 1.0)],
)
def test_clopper_pearson_is_that_of_the_tables(count: int, runs: int, low: float, high: float) -> None:
    found = share(count, runs)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


@pytest.mark.parametrize("fault", ["20 %", "100 %"])
def test_the_watchdog_finds_a_bad_release_and_leaves_a_good_one(fault: str) -> None:
    assert Watchdog()(release(PLAIN, 1)).at is None
    decided = Watchdog()(release(broken(PLAIN, fault), 1))
    assert decided.at is not None
    assert decided.at <= 62.0
    assert decided.at == pytest.approx((decided.at - 2.0) // 15.0 * 15.0 + 2.0)  # on the grid, and 2 s to settle


def test_the_shortcut_over_clean_releases_changes_nothing() -> None:
    for seed in range(20):
        world = World(name="bursts", weather=bursting(45, 0.08), fault=FAULTS["8 %"] if seed % 2 else None)
        played = release(world, seed)
        assert Watchdog()(played).at == Watchdog(thorough=True)(played).at


def test_an_outage_that_peers_share_is_held_and_without_peers_it_is_not() -> None:
    held = Watchdog()(release(outage(4, 5, 0.2), 1))
    assert held.at is None
    assert held.why.startswith(SHARED)
    assert Watchdog()(release(outage(0, 5, 0.2), 1)).at is not None


def test_prometheus_away_in_any_pattern_rolls_nothing_back() -> None:
    played: list[Release] = [release(world, seed) for world in absences() for seed in range(2)]
    assert [Watchdog()(one).at for one in played] == [None] * len(played)


def test_the_switch_is_the_zero_of_time() -> None:
    assert moment(0.0) == EPOCH


def test_steps_share_the_traffic_between_candidate_and_stable_as_time_goes_on() -> None:
    played = release(World(name="steps", rps=100.0, steps=((0.0, 0.05), (200.0, 0.25), (400.0, 1.0))), 1)
    (candidate,), (stable,) = played.candidate, played.stable

    def between(pod: Scrapes, start: float, end: float) -> float:
        inside = pod.total[(pod.at > start) & (pod.at <= end)]
        return float(inside[-1] - inside[0])

    for start, end, part in ((15.0, 190.0, 0.05), (215.0, 390.0, 0.25), (415.0, 590.0, 1.0)):
        mine, theirs = between(candidate, start, end), between(stable, start, end)
        assert abs(mine / (mine + theirs) - part) < 0.02
