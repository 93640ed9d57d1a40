"""Who competes: the watchdog in several forms, and every setting of every peer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from benchmarks.judge.ours import Watchdog
from benchmarks.judge.peers.catalogue import settings
from benchmarks.judge.runs import Policy

OURS = "watchdog"

MAIN = "watchdog"
"""The watchdog as it comes; what is promised is promised of it."""

BY_DEFAULT = "watchdog, warm-up of 30 s"
"""The same with the warm-up that it has unless another is asked for; the peers have none."""

FORGIVING = "watchdog, warm-up of 2 min"
"""The same for a service that is known to start cold."""

CALIBRATED = "watchdog, calibrated"
"""The same with what it has learnt of the service's own past, as the daemon does a day after it first saw a target."""

STRONGEST = "Argo 15 s, count 40, failureLimit 3 (recorded)"
"""The strongest setting among the recordings of the real programs."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A policy in one setting. `kind`: `ours`, or a peer's `default`, `documented` or `grid` setting."""

    name: str
    peer: str
    kind: str
    policy: Policy


_WATCHDOGS = (
    Contestant(MAIN, OURS, "ours", Watchdog()),
    Contestant(BY_DEFAULT, OURS, "ours", Watchdog(warmup=30.0)),
    Contestant(FORGIVING, OURS, "ours", Watchdog(warmup=120.0)),
    Contestant("watchdog, six rules", OURS, "ours", Watchdog(rules=6)),
    Contestant("watchdog, each 5 s", OURS, "ours", Watchdog(interval=5.0)),
    Contestant("watchdog, confidence off", OURS, "ours", Watchdog(alpha=None)),
)


@cache
def contestants(field: str) -> Sequence[Contestant]:
    """The policies of a field: `ours`, `habits`, `traces`, `main` (with the peers' defaults and documented settings), `all`."""
    peers = tuple(Contestant(each.name, each.peer, each.kind, each.policy) for each in settings())
    match field:
        case "ours":
            return _WATCHDOGS
        case "habits":
            return (
                _WATCHDOGS[0],
                Contestant(CALIBRATED, OURS, "ours", Watchdog(calibrated=True)),
                *(each for each in peers if each.name == STRONGEST),
            )
        case "traces":
            return (*_WATCHDOGS, Contestant(CALIBRATED, OURS, "ours", Watchdog(calibrated=True)), *peers)
        case "main":
            return (*_WATCHDOGS, *(each for each in peers if each.kind != "grid"))
        case "all":
            return (*_WATCHDOGS, *peers)
    raise ValueError(f"no field is called {field}")
