"""Asked again later, Prometheus gives the same evidence for each block that was complete when it was asked for."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.metric_world import ERRORS, START, TsdbSource, a_span, a_subject, add, pod_of
from watchdog.domain.conditions import Absolute, Op, Statistic, Threshold
from watchdog.domain.judge import History
from watchdog.domain.judge.betting import Bet, differing, replayed
from watchdog.domain.judge.weighing import blocks_in
from watchdog.domain.measurement import Counts
from watchdog.domain.rules import Rule
from watchdog.domain.state import Track
from watchdog.domain.tracking import with_block
from watchdog.engine.sampling import Sampler
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

POD = pod_of("a")
LIMIT = Threshold(ERRORS, Statistic.VALUE, Op.ABOVE, Absolute(0.05), "errors > 5%")
RULE = Rule("errors", LIMIT, alpha=0.001)
BLOCKS = 12

Scrape = tuple[float, int, int]  # when, requests and bad ones so far


def scrapes(failing: Sequence[int]) -> list[Scrape]:
    """One scrape in the middle of each block; each block has 150 requests."""
    found, bad = [(-1.0, 0, 0)], 0
    for index, failed in enumerate(failing):
        bad += failed
        found.append((15.0 * index + 7.0, 150 * (index + 1), bad))
    return found


def put(tsdb: Tsdb, some: Sequence[Scrape]) -> None:
    add(tsdb, "http_requests_total", POD, *((at, float(total - bad)) for at, total, bad in some), status="200")
    add(tsdb, "http_requests_total", POD, *((at, float(bad)) for at, _, bad in some), status="500")


def judged(failing: Sequence[int], late: Mapping[int, int], *, at_once: bool = False) -> Track:
    """The track of a watch. `late`: a block's scrape arrives only after so many later blocks were asked for."""
    track = Track(RULE, History(timedelta(seconds=15), timedelta(minutes=10)))

    async def main() -> None:
        nonlocal track
        tsdb, clock = Tsdb(), SimulatedClock(START)
        sampler = Sampler(TsdbSource(tsdb, clock), clock)
        tracker = sampler.tracker(LIMIT, a_subject(a=0.0))
        every = scrapes(failing)
        put(tsdb, every[:1])
        waiting: dict[int, list[Scrape]] = {}
        for index, scrape in enumerate(every[1:], start=1):
            waiting.setdefault(index + late.get(index, 0), []).append(scrape)
        if at_once:
            put(tsdb, every[1:])
            waiting = {}
        for index in range(1, len(failing) + 1):
            put(tsdb, waiting.pop(index, []))
            (block,) = await sampler.blocks(tracker, [a_span(index)])
            track = with_block(track, block, lambda _pod: START)
        await sampler.close()

    run_simulated(main())
    return track


@settings(max_examples=25)
@given(st.lists(st.integers(0, 150), min_size=BLOCKS, max_size=BLOCKS))
def test_a_watch_that_was_measured_in_time_is_replayed_bit_for_bit(failing: list[int]) -> None:
    live, again = judged(failing, {}), judged(failing, {}, at_once=True)
    assert again == live
    assert differing(live.history.ledger, again.history.ledger) == ()
    assert replayed(live.history.ledger, blocks_in(live.history)) == live.history.bets


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 150), min_size=BLOCKS, max_size=BLOCKS),
    st.dictionaries(st.integers(2, BLOCKS - 2), st.just(1)),
)
def test_blocks_that_were_not_complete_are_named_and_the_others_are_equal(
    failing: list[int], late: dict[int, int]
) -> None:
    live, again = judged(failing, late), judged(failing, {}, at_once=True)
    named = differing(live.history.ledger, again.history.ledger)
    whole = set(range(1, BLOCKS + 1)) - touched(late)
    assert whole.isdisjoint(named)
    assert not late or min(late) in named  # that one saw nothing; a later one may have seen just as much, by chance
    ledger, anew = ({bet.block: bet for bet in track.history.ledger} for track in (live, again))
    for block in whole:
        assert ledger[block] == anew[block]


def touched(late: Mapping[int, int]) -> set[int]:
    """Blocks whose scrape came late, and those in which it was counted instead."""
    return {block for first, by in late.items() for block in range(first, first + by + 1)}


def test_a_ledger_tells_which_blocks_differ() -> None:
    ledger = [Bet(1, 1.0, 100.0, 0.02), Bet(2, 2.0, 100.0, 0.02), Bet(4, 0.0, 50.0, 0.02)]
    again = [Bet(1, 1.0, 100.0, 0.02), Bet(2, 3.0, 101.0, 0.02), Bet(3, 0.0, 7.0, 0.02)]
    assert differing(ledger, again) == (2, 3, 4)
    assert differing(ledger, ledger) == ()


def test_bad_counts_are_those_of_the_series() -> None:
    track = judged([0, 15, 150], {})
    reading = track.history.blocks[1].reading
    assert isinstance(reading, Counts)
    assert (reading.bad, reading.total) == (15.0, 150.0)
