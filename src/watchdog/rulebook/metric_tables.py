"""Metric tables: which keys each kind takes, and the metrics that a guard's conditions may name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from watchdog.domain.conditions import Dimension, GaugeMetric, HistogramMetric, Metric, RateMetric, RatioMetric
from watchdog.rulebook import presets
from watchdog.rulebook.limits import parse_quantity
from watchdog.rulebook.metric_keys import BAD, BUCKETS, COUNTER, FLOOR, KIND, METRIC, QUERY, TOTAL, UNIT
from watchdog.rulebook.mistakes import Fault
from watchdog.rulebook.promql import parse_gauge, with_matchers
from watchdog.rulebook.tables import Fields, Key

QUERIES: Mapping[str, tuple[Key[str | None], ...]] = {
    "ratio": (BAD, TOTAL),
    "histogram": (BUCKETS,),
    "rate": (COUNTER,),
    "gauge": (QUERY,),
}
_DIMENSIONS = {
    "bytes": Dimension.BYTES,
    "cores": Dimension.CORES,
    "seconds": Dimension.SECONDS,
    "milliseconds": Dimension.SECONDS,
    "plain": Dimension.PLAIN,
}
_FITTING_UNITS = {
    "ratio": (),
    "histogram": ("seconds", "milliseconds"),
    "rate": ("bytes", "cores", "seconds", "plain"),
    "gauge": ("bytes", "cores", "seconds", "plain"),
}


@dataclass(frozen=True, slots=True)
class MetricTable:
    """An own metric, and the table it was read from (for the places of its queries)."""

    metric: Metric
    fields: Fields


def read_metric_tables(tables: Mapping[str, Fields]) -> dict[str, MetricTable | None]:
    """The own metrics by name; None for a table with a mistake, so that it still counts as known."""
    return {name: _read_metric(name, fields) for name, fields in tables.items()}


def _read_metric(name: str, fields: Fields) -> MetricTable | None:
    kind = fields.get(KIND)
    if kind is None or not _keys_fit(kind, fields):
        return None
    if not fields.fine(*METRIC.keys):
        return None
    dimension = _dimension(name, kind, fields)
    floor = _floor(name, kind, dimension, fields)
    match kind:
        case "ratio":
            return MetricTable(RatioMetric(name, fields.get(BAD) or "", fields.get(TOTAL) or "", floor), fields)
        case "histogram":
            scale = 0.001 if fields.get(UNIT) == "milliseconds" else 1.0
            return MetricTable(HistogramMetric(name, fields.get(BUCKETS) or "", floor, scale), fields)
        case "rate":
            return MetricTable(RateMetric(name, fields.get(COUNTER) or "", floor, dimension), fields)
    query = fields.get(QUERY) or ""
    if not parse_gauge(query):
        message = "nothing in the query names the revision: stable and candidate answer alike"
        fields.mistakes.warn(fields.at(QUERY), message, 'add pod=~"{{ pods }}" where the metric has a pod')
    return MetricTable(GaugeMetric(name, query, floor, dimension), fields)


def _keys_fit(kind: str, fields: Fields) -> bool:
    fits = True
    article = "an" if kind[0] in "aeiou" else "a"
    for key in QUERIES[kind]:
        if not fields.has(key):
            fits = False
            fields.mistakes.add(
                fields.key_at(KIND), f"{article} {kind} needs {key.name}", f"add {key.name} = {key.shape.example}"
            )
    takes = ", ".join(key.name for key in QUERIES[kind])
    for key in (BAD, TOTAL, BUCKETS, COUNTER, QUERY):
        if fields.has(key) and key not in QUERIES[kind]:
            fits = False
            home = next(other for other, keys in QUERIES.items() if key in keys)
            remedy = f'remove it (a {kind} takes {takes}), or write kind = "{home}"'
            fields.mistakes.add(fields.key_at(key), f'"{key.name}" is no key of {article} {kind}', remedy)
    unit = fields.get(UNIT)
    if unit is not None and unit not in _FITTING_UNITS[kind]:
        fits = False
        known = ", ".join(f'"{word}"' for word in _FITTING_UNITS[kind])
        fields.mistakes.add(
            fields.at(UNIT), f'{article} {kind} is not in "{unit}"', f"write one of {known}" if known else "remove it"
        )
    return fits


def _dimension(name: str, kind: str, fields: Fields) -> Dimension:
    unit = fields.get(UNIT)
    if kind == "ratio":
        return Dimension.RATIO
    if kind == "histogram":
        return Dimension.SECONDS
    return (
        _DIMENSIONS[unit]
        if unit is not None
        else presets.dimension_of(name, RateMetric if kind == "rate" else GaugeMetric)
    )


def _floor(name: str, kind: str, dimension: Dimension, fields: Fields) -> float | None:
    kinds: dict[str, type[Metric]] = {
        "ratio": RatioMetric, "histogram": HistogramMetric, "rate": RateMetric, "gauge": GaugeMetric
    }  # fmt: skip
    written = fields.get(FLOOR)
    if written is None:
        return presets.inherited(name, kinds[kind], dimension)
    floor = written
    if isinstance(written, str):
        try:
            floor = parse_quantity(written, dimension)
        except Fault as fault:
            fields.mistakes.add(fields.nodes["floor"].spot(fault.index), fault.message, fault.remedy)
            return None
    value = float(floor)
    if value == 0 or (dimension is Dimension.RATIO and value >= 1):
        example = '"0.5%"' if dimension is Dimension.RATIO else "a number above 0"
        fields.mistakes.add(fields.at(FLOOR), f"a floor of {written} is out of bounds", f"write {example}")
    return value


def queries_of(metric: Metric) -> tuple[str, ...]:
    """The queries of a metric, as templates."""
    match metric:
        case RatioMetric():
            return metric.bad, metric.total
        case HistogramMetric():
            return (metric.buckets,)
        case RateMetric():
            return (metric.counter,)
        case GaugeMetric():
            return (metric.query,)


def with_guard_matchers(table: MetricTable | Metric, matchers: Mapping[str, str]) -> Metric:
    """The metric with a guard's matchers in each query; a collision is noted at the query's own place."""
    metric, fields = (table.metric, table.fields) if isinstance(table, MetricTable) else (table, None)

    def written(query: str, key: Key[str | None]) -> str:
        try:
            return with_matchers(query, matchers)
        except Fault as fault:
            if fields is None:
                raise
            fields.mistakes.add(fields.nodes[key.name].spot(fault.index), fault.message, fault.remedy)
            return query

    match metric:
        case RatioMetric():
            return replace(metric, bad=written(metric.bad, BAD), total=written(metric.total, TOTAL))
        case HistogramMetric():
            return replace(metric, buckets=written(metric.buckets, BUCKETS))
        case RateMetric():
            return replace(metric, counter=written(metric.counter, COUNTER))
        case GaugeMetric():
            return replace(metric, query=written(metric.query, QUERY))
