"""How late the watchdog's event loop was: by its own sampler (`watchdog_loop_lag_seconds`, a timer twice a second).

It counts into buckets, so what is stated is the smallest bound that holds.
"""

from collections.abc import Mapping

_NAME = "watchdog_loop_lag_seconds"


def less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """What metrics have counted between two looks."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def lag(counted: Mapping[str, float], phase: str) -> dict[str, float | None]:
    """p50, p99 and the longest of a phase in milliseconds, from what the metrics have counted in it.

    None is longer than the largest bound. Nothing where nothing was sampled.
    """
    samples = counted.get(f"{_NAME}_count", 0.0)
    if samples <= 0:
        return {}
    return {
        f"loop lag {called} ms, {phase}": _within(counted, samples * share)
        for called, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    }


def _within(counted: Mapping[str, float], wanted: float) -> float | None:
    bounds = {key: value for key, value in counted.items() if key.startswith(f"{_NAME}_bucket")}
    reached = [float(key.partition("le=")[2].rstrip("}")) for key, value in bounds.items() if value >= wanted - 1e-9]
    smallest = min(reached)
    return None if smallest == float("inf") else round(1000.0 * smallest, 3)
