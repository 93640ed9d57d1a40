"""What operations do to labels."""

from functools import lru_cache

from watchdog.simulator.tsdb import METRIC_NAME, Labels

Sample = tuple[Labels, float]
Vector = list[Sample]


@lru_cache(maxsize=65536)
def without_name(labels: Labels) -> Labels:
    """The labels of a result that is no longer the metric it was made from."""
    return tuple(pair for pair in labels if pair[0] != METRIC_NAME)


@lru_cache(maxsize=65536)
def keeping(labels: Labels, names: tuple[str, ...]) -> Labels:
    """Only the named labels."""
    return tuple(pair for pair in labels if pair[0] in names)


@lru_cache(maxsize=65536)
def dropping(labels: Labels, names: tuple[str, ...]) -> Labels:
    """All but the named labels, and not the metric's name."""
    return tuple(pair for pair in labels if pair[0] not in names and pair[0] != METRIC_NAME)


def with_labels(labels: Labels, changes: dict[str, str]) -> Labels:
    """The labels with some set, or removed where the new value is empty."""
    changed = {**dict(labels), **changes}
    return tuple(sorted((name, value) for name, value in changed.items() if value))


def written(labels: Labels) -> str:
    """As PromQL writes it, for messages."""
    name = dict(labels).get(METRIC_NAME, "")
    inner = ", ".join(f'{key}="{value}"' for key, value in labels if key != METRIC_NAME)
    return name if name and not inner else f"{name}{{{inner}}}"
