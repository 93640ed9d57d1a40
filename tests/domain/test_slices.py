"""Where the failures are: a planted slice is found, chance is not named, and nothing hangs on an order."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.slices import LEAST_FAILURES, MOST_VALUES, Carried, Cell, Located, locate

ENDPOINTS = (("GET", "/items", 50), ("GET", "/checkout", 20), ("POST", "/checkout", 20), ("GET", "/health", 10))
PODS = ("a", "b", "c")


def cells(
    bad: Mapping[tuple[str, str], float], *, pods: Mapping[str, float] | None = None, times: float = 10.0
) -> list[Cell]:
    """Requests of four endpoints on three pods. `bad`: which share of an endpoint's fail; `pods`: how much worse."""
    worse = pods or {}
    return [
        Cell({"method": method, "handler": path}, pod, count * times * share * worse.get(pod, 1.0), count * times)
        for method, path, count in ENDPOINTS
        for pod in PODS
        for share in [bad.get((method, path), bad.get(("*", "*"), 0.0))]
    ]


def named(carried: Carried | None) -> list[tuple[str, ...]]:
    return [] if carried is None else [share.values for share in carried.slices]


def test_the_endpoint_that_fails_is_named_with_its_shares() -> None:
    located = locate(cells({("POST", "/checkout"): 0.5, ("*", "*"): 0.002}))
    assert located.by_label is not None
    assert located.by_label.labels == ("method", "handler")
    assert named(located.by_label) == [("POST", "/checkout")]
    assert located.by_label.of_failures == pytest.approx(0.984, abs=0.001)
    assert located.by_label.of_traffic == pytest.approx(0.2)
    assert (located.pods, located.alike, located.by_pod) == (3, True, None)


def test_a_route_that_fails_by_every_method_is_named_without_one() -> None:
    located = locate(cells({("POST", "/checkout"): 0.5, ("GET", "/checkout"): 0.5}))
    assert located.by_label is not None
    assert (located.by_label.labels, named(located.by_label)) == (("handler",), [("/checkout",)])


def test_two_endpoints_that_fail_are_named_together() -> None:
    located = locate(cells({("POST", "/checkout"): 0.5, ("GET", "/health"): 0.9, ("*", "*"): 0.001}))
    assert named(located.by_label) == [("POST", "/checkout"), ("GET", "/health")]


def test_failures_that_are_everywhere_alike_name_nothing() -> None:
    located = locate(cells({("*", "*"): 0.2}))
    assert located == Located(None, None, pods=3, alike=True)


def test_the_pod_that_fails_is_found_and_no_endpoint_is_named() -> None:
    located = locate(cells({("*", "*"): 0.2}, pods={"a": 0.0, "c": 0.01}))
    assert (located.by_label, located.alike) == (None, False)
    assert named(located.by_pod) == [("b",)]


def test_a_total_outage_is_the_same_everywhere() -> None:
    assert locate(cells({("*", "*"): 1.0})) == Located(None, None, pods=3, alike=True)


def test_of_few_failures_nothing_is_said() -> None:
    few = cells({("POST", "/checkout"): (LEAST_FAILURES - 1) / 600.0})
    assert locate(few) == Located()
    assert locate([]) == Located()


def test_a_small_slice_that_fails_wholly_is_not_named_for_all_the_failures() -> None:
    """Nine of nine requests of a path failed, and so did three hundred others, in the proportion of their traffic."""
    rare = [Cell({"method": "GET", "handler": "/rare"}, "a", 9.0, 9.0)]
    assert locate([*cells({("*", "*"): 0.1}), *rare]).by_label is None


def test_a_label_with_too_many_values_is_no_part_of_the_service() -> None:
    people = [Cell({"who": str(n)}, "a", 50.0 if n == 0 else 0.0, 50.0) for n in range(MOST_VALUES + 1)]
    assert locate(people).by_label is None
    assert named(locate(people[:MOST_VALUES]).by_label) == [("0",)]


def test_a_label_that_only_names_the_pod_is_not_told_beside_the_pod() -> None:
    labelled = [Cell({"host": f"host-{pod}"}, pod, 100.0 * (pod == "a"), 200.0) for pod in PODS]
    located = locate(labelled)
    assert located.by_label is None
    assert named(located.by_pod) == [("a",)]


def test_a_label_that_groups_pods_is_told() -> None:
    zoned = [Cell({"zone": f"eu-{n % 2}"}, f"p{n}", 40.0 * (n % 2), 100.0) for n in range(8)]
    located = locate(zoned)
    assert named(located.by_label) == [("eu-1",)]


def test_more_failures_than_requests_are_counted_as_requests() -> None:
    odd = [Cell({"handler": "/a"}, "", 90.0, 10.0), Cell({"handler": "/b"}, "", 0.0, 500.0)]
    located = locate(odd)
    assert located.by_label is not None
    assert located.by_label.of_traffic == pytest.approx(90 / 590)


@given(
    share=st.floats(0.02, 0.4),
    rate=st.floats(0.2, 1.0),
    noise=st.floats(0.0, 0.02),
    others=st.integers(2, 30),
    label=st.sampled_from(["handler", "zone", "tier"]),
)
def test_a_planted_slice_is_always_found(share: float, rate: float, noise: float, others: int, label: str) -> None:
    total = 20_000.0
    rest = (1.0 - share) * total
    planted = Cell({label: "planted", "version": "2"}, "", share * total * rate, share * total)
    healthy = [
        Cell({label: f"other-{n}", "version": "2"}, "", rest * noise * share * rate / others, rest / others)
        for n in range(others)
    ]
    located = locate([planted, *healthy])
    assert named(located.by_label) == [("planted",)]
    assert located.by_label is not None
    assert located.by_label.labels == (label,)


@given(st.integers(0, 10_000), st.floats(0.02, 0.5), st.integers(2, 12), st.integers(1, 8))
def test_failures_without_a_cause_name_no_slice(seed: int, rate: float, routes: int, pods: int) -> None:
    """Each request fails by chance alone, in bursts of three."""
    chance = random.Random(seed)
    parts = []
    for route in range(routes):
        for pod in range(pods):
            count = chance.randrange(5, 120)
            bursts = sum(chance.random() < rate for _ in range(count // 3))
            parts.append(Cell({"handler": f"/r{route}", "method": "GET"}, f"p{pod}", 3.0 * bursts, float(count)))
    located = locate(parts)
    assert (located.by_label, located.by_pod) == (None, None)


rows = st.lists(
    st.builds(
        lambda method, path, pod, bad, more: Cell({"method": method, "handler": path}, pod, bad, bad + more),
        st.sampled_from(["GET", "POST"]),
        st.sampled_from(["/a", "/b", "/c", ""]),
        st.sampled_from(["p1", "p2", "p3", ""]),
        st.integers(0, 300).map(float),
        st.integers(0, 300).map(float),
    ),
    max_size=24,
)


@given(rows, st.randoms(use_true_random=False))
def test_nothing_hangs_on_the_order_of_series_or_labels(parts: Sequence[Cell], chance: random.Random) -> None:
    shuffled = [Cell(dict(reversed(one.labels.items())), one.pod, one.bad, one.total) for one in parts]
    chance.shuffle(shuffled)
    assert locate(shuffled) == locate(parts)


@given(rows)
def test_what_is_named_explains_the_most_and_is_no_rarity(parts: Sequence[Cell]) -> None:
    located = locate(parts)
    for carried in (located.by_label, located.by_pod):
        if carried is not None:
            assert carried.of_failures >= 0.6
            assert carried.of_traffic <= 0.8
            assert carried.of_failures > carried.of_traffic
    assert not (located.alike and located.by_pod)
