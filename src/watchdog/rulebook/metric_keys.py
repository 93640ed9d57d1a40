"""`[metrics]` and `[metrics.NAME]`: how a guard's metrics are counted."""

from watchdog.rulebook import names
from watchdog.rulebook.presets import PRESETS
from watchdog.rulebook.shapes import Choice, MapOf
from watchdog.rulebook.tables import Key, Section, TableOf
from watchdog.rulebook.values import (
    BUCKETS_QUERY,
    COUNTER_QUERY,
    GAUGE_QUERY,
    Quantity,
)

PRESET = Choice("preset", {name: name for name in PRESETS})
UNITS = ("bytes", "cores", "seconds", "milliseconds", "plain")
KINDS = ("ratio", "histogram", "rate", "gauge")

# [metrics.NAME] and [guards.NAME.metrics.X]

KIND: Key[str | None] = Key(
    "kind",
    Choice("kind", {kind: kind for kind in KINDS}),
    "`ratio`, `histogram`, `rate` or `gauge`.",
    None,
    "needed",
    required=True,
)
BAD: Key[str | None] = Key("bad", COUNTER_QUERY, "`ratio`: the bare counter of bad events.", None)
TOTAL: Key[str | None] = Key("total", COUNTER_QUERY, "`ratio`: the bare counter of all events.", None)
BUCKETS: Key[str | None] = Key("buckets", BUCKETS_QUERY, "`histogram`: the bare `_bucket` counter.", None)
COUNTER: Key[str | None] = Key("counter", COUNTER_QUERY, "`rate`: the bare counter, judged per second and pod.", None)
QUERY: Key[str | None] = Key(
    "query", GAUGE_QUERY, "`gauge`: PromQL that answers one value for each pod, or one in all.", None
)
FLOOR: Key[float | str | None] = Key(
    "floor",
    Quantity(),
    "A baseline below this counts as this; needed under `x baseline`.",
    None,
    "that of the preset's metric of the same name and kind",
)
UNIT: Key[str | None] = Key(
    "unit",
    Choice("unit", {unit: unit for unit in UNITS}),
    "`bytes`, `cores`, `seconds`, `milliseconds` or `plain`: what the numbers are; for a histogram, what `le` is in.",
    None,
    'histogram: `"seconds"`; `cpu` and `memory`: as in the presets; else `"plain"`',
)


def _kind(kind: str, *needed: Key[str | None]) -> dict[str, object]:
    allowed = {"kind", "floor", *(key.name for key in needed), *(["unit"] if kind != "ratio" else [])}
    return {
        "properties": {"kind": {"const": kind}},
        "required": [key.name for key in needed],
        "propertyNames": {"enum": sorted(allowed)},
    }


METRIC = Section(
    "[metrics.NAME]",
    "metric",
    (KIND, BAD, TOTAL, BUCKETS, COUNTER, QUERY, FLOOR, UNIT),
    (_kind("ratio", BAD, TOTAL), _kind("histogram", BUCKETS), _kind("rate", COUNTER), _kind("gauge", QUERY)),
)
METRIC_TABLE = TableOf(METRIC, '{ kind = "gauge", query = "..." }')
METRIC_TABLES = MapOf(
    "table of tables",
    '{ queue_depth = { kind = "gauge", query = "..." } }',
    METRIC_TABLE,
    names.parse_metric_name,
    names.METRIC_PATTERN,
)

# [metrics]

COMMON_PRESET: Key[str | None] = Key(
    "preset", PRESET, "The metric dialect of guards that name none (see Presets).", None
)
METRICS = Section("[metrics]", "table", (COMMON_PRESET,))
