"""Which slice of the traffic carries the failures: each label's share of them held against its share of the traffic.

After adtributor (Bhagwan et al., NSDI 2014): a slice explains by the share of the failures that it has (explanatory
power), and is worth naming by how far that lies above its share of the traffic (surprise). A slice is named only where
that is no chance, by Chernoff's bound over all slices that were looked at, so that small ones are not over-read.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from watchdog.domain.judge.harmless import divergence

LEAST_FAILURES = 20
"""In all; below that nothing is said."""

MOST_VALUES = 100
"""Of a label. One with more tells requests apart, not parts of a service."""

_LEAST_OF_SLICE = 10  # failures of a slice that is named
_DOUBT = 0.001  # how often a slice may be named by chance, all that were looked at together
_BURSTS = 4.0  # failures come in bursts: so many count as one (the variance inflation of real, busy traffic)
_EXPLAINS = 0.6  # share of the failures that what is named must have
_ODDS = 3.0  # how many times likelier a failure must be in it than in a request at large
_MOST_TRAFFIC = 0.8  # what has more of the traffic than that is no slice of it
_NAMED = 3  # values of one label
_ENOUGH = 0.95  # share of the failures at which no further value is looked for
_ADDS = 0.05  # share of the failures that a further value must have
_PAIRS_OF = 6  # labels that are also looked at two by two
_PARTS = 1000  # into which a pair may fall
_SIMPLER = 0.9  # a second label must tell so much more that its account, cut to this, still tells more
_EXPECTED = 10.0  # failures that a value should have had before its share says that it is like the others
_ALIKE = 1.5  # within this factor of its share of the traffic

ROUTES = ("handler", "route", "path", "uri", "url", "http_route", "http_target", "request_path", "grpc_service")
METHODS = ("method", "http_method", "http_request_method", "request_method", "verb", "grpc_method")


@dataclass(frozen=True, slots=True)
class Cell:
    """The requests that are alike in all labels: how many there were, and how many of them failed."""

    labels: Mapping[str, str]
    pod: str
    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class Share:
    """One slice (the values of the labels in `Carried.labels`): its shares of the failures and of the traffic."""

    values: tuple[str, ...]
    of_failures: float
    of_traffic: float


@dataclass(frozen=True, slots=True)
class Carried:
    """The slices of one label, or of two, that carry the failures together, most of them first.

    A request's method is said before its route.
    """

    labels: tuple[str, ...]
    slices: tuple[Share, ...]

    @property
    def of_failures(self) -> float:
        return min(1.0, math.fsum(one.of_failures for one in self.slices))

    @property
    def of_traffic(self) -> float:
        return min(1.0, math.fsum(one.of_traffic for one in self.slices))


@dataclass(frozen=True, slots=True)
class Located:
    """What can be said of where the failures are. `pods`: how many had traffic; `alike`: all of them fail alike."""

    by_label: Carried | None = None
    by_pod: Carried | None = None
    pods: int = 0
    alike: bool = False


Counts = tuple[float, float]  # failures and requests


class _Dimension:
    """All slices of one label, or of several."""

    def __init__(self, labels: tuple[str, ...], values: Iterable[tuple[str, ...]], counts: Iterable[Counts]) -> None:
        self.labels = labels
        self._counts: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for value, (bad, total) in zip(values, counts, strict=True):
            sums = self._counts[value]
            sums[0] += bad
            sums[1] += total
        self.failures = math.fsum(bad for bad, _ in self._counts.values())
        self.traffic = math.fsum(total for _, total in self._counts.values())

    def __len__(self) -> int:
        return len(self._counts)

    @cached_property
    def shares(self) -> list[Share]:
        """Its slices, that with the most failures first."""
        found = [
            Share(values, bad / self.failures, all_ / self.traffic) for values, (bad, all_) in self._counts.items()
        ]
        return sorted(found, key=lambda share: (-share.of_failures, share.values))

    def carried(self, tests: int, most: int) -> Carried | None:
        """Its slices that have more failures than chance would give them, if those explain enough."""
        chosen: list[Share] = []
        explained = 0.0
        for share in self.shares:
            if explained >= _ENOUGH or len(chosen) == most or share.of_failures < _ADDS:
                break
            if self._stands_out(share, tests):
                chosen.append(share)
                explained += share.of_failures
        found = Carried(self.labels, tuple(chosen))
        explains = found.of_failures >= _EXPLAINS and found.of_traffic <= _MOST_TRAFFIC
        return found if explains and _likelier(found) else None

    def _stands_out(self, share: Share, tests: int) -> bool:
        if share.of_failures * self.failures < _LEAST_OF_SLICE or not _likelier(share):
            return False
        surprise = divergence(share.of_failures, share.of_traffic)
        return self.failures / _BURSTS * surprise >= math.log(tests / _DOUBT)

    @property
    def alike(self) -> bool:
        """Whether each slice has the share of the failures that its traffic lets expect; each must be able to say."""
        return len(self) > 1 and all(
            share.of_traffic * self.failures >= _EXPECTED
            and share.of_traffic / _ALIKE <= share.of_failures <= share.of_traffic * _ALIKE
            for share in self.shares
        )


def _likelier(one: Share | Carried) -> bool:
    failures, traffic = one.of_failures, one.of_traffic
    return failures > traffic and failures * (1.0 - traffic) >= _ODDS * traffic * (1.0 - failures)


def locate(cells: Sequence[Cell]) -> Located:
    """Where the failures are; empty where they are too few to say."""
    counts = [(cell.bad, max(cell.bad, cell.total)) for cell in cells]
    if math.fsum(bad for bad, _ in counts) < LEAST_FAILURES:
        return Located()
    of_pods = [(cell.pod, each) for cell, each in zip(cells, counts, strict=True) if cell.pod]
    pods = _Dimension(("",), ((pod,) for pod, _ in of_pods), (each for _, each in of_pods))
    columns = _columns(cells)
    dimensions = [
        _Dimension(labels, zip(*(columns[label] for label in labels), strict=True), counts)
        for labels in _looked_at(columns)
    ]
    several = len(pods) > 1 and pods.failures >= LEAST_FAILURES
    tests = sum(map(len, dimensions)) + (len(pods) if several else 0)
    found = [carried for one in dimensions if (carried := one.carried(tests, _NAMED)) is not None]
    return Located(
        max(found, key=_told, default=None),
        pods.carried(tests, max(1, len(pods) // 2)) if several else None,
        len(pods),
        several and pods.alike,
    )


def _told(one: Carried) -> tuple[float, bool, tuple[str, ...]]:
    """How much an account tells: its surprise, less where it takes more words. A request's method and route are one."""
    surprise = divergence(one.of_failures, one.of_traffic)
    endpoint = len(one.labels) > 1 and _is_endpoint(one.labels)
    simpler = 1.0 if len(one.labels) == 1 or endpoint else _SIMPLER
    return round(surprise * simpler * _SIMPLER ** (len(one.slices) - 1), 9), endpoint, one.labels


def _is_endpoint(labels: tuple[str, ...]) -> bool:
    return labels[0] in METHODS and labels[1] in ROUTES


def _columns(cells: Sequence[Cell]) -> dict[str, list[str]]:
    """The labels that tell parts of the traffic apart, each with its value in every cell."""
    pods = [cell.pod for cell in cells]
    columns = {}
    for label in sorted({label for cell in cells for label in cell.labels}):
        column = [cell.labels.get(label, "") for cell in cells]
        found = len(set(column))
        # One value for each pod, another for each: another name of the pod.
        names_pods = found == len(set(pods)) == len(set(zip(pods, column, strict=True)))
        if 1 < found <= MOST_VALUES and not names_pods:
            columns[label] = column
    return columns


def _looked_at(columns: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Each label, and the pairs of the first of them that do not fall into too many parts."""
    # A request's own labels first, should there be too many to look at each pair.
    first = sorted(columns, key=lambda label: (label not in (*METHODS, *ROUTES), label not in METHODS, label))
    sizes = {label: len(set(column)) for label, column in columns.items()}
    pairs = combinations(first[:_PAIRS_OF], 2)
    return [*((label,) for label in columns), *(pair for pair in pairs if sizes[pair[0]] * sizes[pair[1]] <= _PARTS)]
