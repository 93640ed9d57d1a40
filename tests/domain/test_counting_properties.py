"""Counting over generated worlds: pods that are born, restart and vanish, scrapes that fail, errors that begin late."""

from itertools import pairwise
from math import fsum

from hypothesis import given
from hypothesis import strategies as st

from counted_worlds import END, SINCE, World, worlds
from watchdog.domain.counting import Counted, Increase, count
from watchdog.domain.measurement import Series
from watchdog.domain.selections import Selection


def recount(world: World, selection: tuple[Series, ...], end: float) -> dict[str, float]:
    """The rules of counting, said a second time and as slowly as can be."""
    found: dict[str, float] = {}
    for series in selection:
        pod = series.labels["pod"]
        samples = [sample for sample in series.samples if SINCE <= sample[0] <= end]
        if not samples:
            continue
        amount = sum(after - before if after >= before else after for (_, before), (_, after) in pairwise(samples))
        first_at, first_value = samples[0]
        goes_on = any(
            other.labels["pod"] == pod
            and any(at == first_at for at, _ in other.samples)
            and any(SINCE <= at < first_at for at, _ in other.samples)
            for other in world.total + world.bad
        )
        if goes_on or world.created.get(pod, 0.0) >= SINCE:
            amount += first_value
        found[pod] = found.get(pod, 0.0) + amount
    return found


def amounts(increases: tuple[Increase, ...]) -> dict[str, float]:
    pods = {increase.pod for increase in increases}
    return {pod: fsum(increase.amount for increase in increases if increase.pod == pod) for pod in pods}


def added(parts: list[dict[str, float]]) -> dict[str, float]:
    return {pod: fsum(part.get(pod, 0.0) for part in parts) for part in parts for pod in part}


def counted_at_once(world: World, end: float = END) -> tuple[dict[str, float], dict[str, float]]:
    _, total, bad = count(Counted(), Selection(world.total), Selection(world.bad), world.scope, end)
    return amounts(total), amounts(bad)


def until(selection: tuple[Series, ...], start: float, end: float) -> tuple[Series, ...]:
    cut = (Series(s.labels, tuple(sample for sample in s.samples if start <= sample[0] <= end)) for s in selection)
    return tuple(series for series in cut if series.samples)


def nothing_left_out(found: dict[str, float]) -> dict[str, float]:
    return {pod: amount for pod, amount in found.items() if amount}


@given(worlds())
def test_counts_equal_a_brute_force_recount(world: World) -> None:
    total, bad = counted_at_once(world)
    # The bad events of an endpoint wait where its last scrape is not in the total's answer; here both come together.
    assert total == recount(world, world.total, END)
    assert bad == recount(world, world.bad, END)


@given(worlds())
def test_never_more_is_counted_than_happened_and_never_less_than_nothing(world: World) -> None:
    total, bad = counted_at_once(world)
    for pod, amount in total.items():
        assert 0.0 <= amount <= world.true_total[pod]
    for pod, amount in bad.items():
        assert 0.0 <= amount <= min(world.true_bad[pod], total[pod])


@given(worlds(), st.lists(st.integers(101, 399), max_size=8), st.sampled_from([0, 3, 20]), st.booleans())
def test_counting_in_many_steps_or_with_late_samples_gives_the_same_total(
    world: World, cuts: list[int], late: int, whole: bool
) -> None:
    state = Counted()
    totals, bads = [], []
    previous = 0.0
    for step in [*sorted(map(float, cuts)), END]:
        # What is less than `late` seconds old has not arrived yet, save in the end.
        arrived = END if step == END else step - late
        start = 0.0 if whole else previous - late - 31.0
        total, bad = until(world.total, start, arrived), until(world.bad, start, arrived)
        state, more_total, more_bad = count(state, Selection(total), Selection(bad), world.scope, step)
        totals.append(amounts(more_total))
        bads.append(amounts(more_bad))
        previous = step
    at_once = counted_at_once(world)
    assert (added(totals), added(bads)) == at_once


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_series_changes_nothing(world: World, random: object) -> None:
    total, bad = list(world.total), list(world.bad)
    random.shuffle(total)  # type: ignore[attr-defined]
    random.shuffle(bad)  # type: ignore[attr-defined]
    _, more_total, more_bad = count(Counted(), Selection(total), Selection(bad), world.scope, END)
    assert (amounts(more_total), amounts(more_bad)) == counted_at_once(world)


@given(worlds(), st.lists(st.integers(101, 399), max_size=4), st.sampled_from(["job", "service", "prometheus_replica"]))
def test_what_was_scraped_twice_counts_once(world: World, cuts: list[int], label: str) -> None:
    def twice(selection: tuple[Series, ...]) -> tuple[Series, ...]:
        return selection + tuple(Series({**s.labels, label: "other", "team": "x"}, s.samples) for s in selection)

    state = Counted()
    totals, bads = [], []
    for step in [*sorted(map(float, cuts)), END]:
        total, bad = (Selection(until(twice(selection), 0.0, step)) for selection in (world.total, world.bad))
        state, more_total, more_bad = count(state, total, bad, world.scope, step)
        totals.append(amounts(more_total))
        bads.append(amounts(more_bad))
    assert (added(totals), added(bads)) == counted_at_once(world)


@given(worlds(), st.integers(101, 399))
def test_a_scrape_that_comes_between_the_two_questions_is_left_to_the_next_block(world: World, at: int) -> None:
    cut = float(at)
    # The scrapes after `cut` are in the second answer only, one or many of them.
    one_more = cut + 15.0
    state, total, bad = count(
        Counted(),
        Selection(until(world.total, 0.0, cut)),
        Selection(until(world.bad, 0.0, one_more)),
        world.scope,
        END,
    )
    first_total, first_bad = amounts(total), amounts(bad)
    assert all(amount <= first_total.get(pod, 0.0) or pod not in first_total for pod, amount in first_bad.items())
    _, total, bad = count(state, Selection(world.total), Selection(world.bad), world.scope, END)
    at_once = counted_at_once(world)
    assert nothing_left_out(added([first_total, amounts(total)])) == nothing_left_out(at_once[0])
    assert nothing_left_out(added([first_bad, amounts(bad)])) == nothing_left_out(at_once[1])
