"""What every policy of the bench is given, and what it answers: a release as Prometheus holds it.

Times are seconds since the switch (the moment in which the candidate's first pod serves); before it they are negative.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scrapes:
    """One pod's counters as Prometheus has them: cumulative values at the scrapes that were made.

    `born` is the pod's creation (`-inf`: long ago). Where the errors' series does not exist before the first error,
    `bad` is NaN until then. `slow` counts requests slower than the world's latency limit; None where it measures none.
    """

    pod: str
    born: float
    at: Floats
    total: Floats
    bad: Floats
    slow: Floats | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """One switch under watch. `outages`: stretches in which Prometheus does not answer (start, end).

    `stable` are the pods that served before (and, in a rolling update, beside the candidate), `peers` the pods of each
    target that did not switch, `history` quiet stretches of the target's past: each a tuple of pods on a time axis of
    its own, from 0.
    `fault_at` is when the release began to fail, None for a good one; `failing` are the requests that failed in each
    second since the switch, whoever saw them, `wanted` what would have failed anyway.
    """

    world: str
    seed: int
    candidate: tuple[Scrapes, ...]
    stable: tuple[Scrapes, ...]
    bake: float
    scrape_interval: float
    fault_at: float | None
    failing: Floats
    limit: float = 0.05
    peers: tuple[tuple[Scrapes, ...], ...] = ()
    history: tuple[tuple[Scrapes, ...], ...] = ()
    outages: tuple[tuple[float, float], ...] = ()
    facts: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """`at`: when the policy rolled back, None if it never did within the bake. `why`: its own word for it."""

    at: float | None
    why: str = ""


Policy = Callable[[Release], Decision]
