"""`sum by (...)` and its kin."""

import math
from collections.abc import Callable
from typing import Final

from watchdog.simulator.promql import arithmetic
from watchdog.simulator.promql.errors import ExecutionFailed
from watchdog.simulator.promql.labels import Sample, Vector, dropping, keeping, with_labels
from watchdog.simulator.promql.numbers import written_value
from watchdog.simulator.tsdb import Labels

_FOLDS: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum": arithmetic.add_up,
    "avg": arithmetic.average,
    "min": arithmetic.smallest,
    "max": arithmetic.largest,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
    "stddev": lambda values: math.sqrt(arithmetic.deviations(values)),
    "stdvar": arithmetic.deviations,
}


def aggregate(op: str, samples: Vector, *, param: float | str | None, without: bool, names: tuple[str, ...]) -> Vector:
    """Fold the samples of each group into one (`topk` and `bottomk` keep some of each group instead)."""
    group_of = dropping if without else keeping
    groups: dict[Labels, Vector] = {}
    for sample in samples:
        groups.setdefault(group_of(sample[0], names), []).append(sample)
    if op in _FOLDS:
        fold = _FOLDS[op]
        return [(labels, fold([value for _, value in members])) for labels, members in groups.items()]
    if op == "quantile" and isinstance(param, float):
        return [
            (labels, arithmetic.quantile(param, [value for _, value in members])) for labels, members in groups.items()
        ]
    if op in {"topk", "bottomk"} and isinstance(param, float):
        return [kept for members in groups.values() for kept in _extremes(op, members, param)]
    if op == "count_values" and isinstance(param, str):
        return _count_values(param, groups)
    raise ExecutionFailed(f"the simulator does not support the aggregation {op}")


def _extremes(op: str, members: Vector, wanted: float) -> Vector:
    if not -(2.0**63) <= wanted <= 2.0**63:
        raise ExecutionFailed(f"Scalar value {written_value(wanted)} overflows int64")
    sign = -1 if op == "topk" else 1

    def rank(sample: Sample) -> tuple[bool, float]:
        value = sample[1]
        return (math.isnan(value), 0.0 if math.isnan(value) else sign * value)

    return sorted(members, key=rank)[: max(0, int(wanted))]


def _count_values(label: str, groups: dict[Labels, Vector]) -> Vector:
    counts: dict[Labels, float] = {}
    for labels, members in groups.items():
        for _, value in members:
            key = with_labels(labels, {label: written_value(value)})
            counts[key] = counts.get(key, 0.0) + 1
    return list(counts.items())
