"""The one table of keys: all that rules.toml may say. The reader, the JSON Schema and docs/rules.md follow it.

Each table has its keys in a file of its own; here they are put together.
"""

from collections.abc import Mapping

from watchdog.rulebook import names
from watchdog.rulebook.brake_keys import BRAKES_TABLE
from watchdog.rulebook.channel_keys import ALERTMANAGER, CHANNEL, CLOUDEVENTS, GRAFANA, PAGERDUTY, TEMPLATE
from watchdog.rulebook.guard_keys import GUARD
from watchdog.rulebook.metric_keys import METRIC, METRIC_TABLES, METRICS
from watchdog.rulebook.rule_keys import BUDGET, PROBE, RULE
from watchdog.rulebook.shapes import MapOf, Whole
from watchdog.rulebook.source_keys import SIGV4, SOURCE
from watchdog.rulebook.tables import Fields, Key, OpenFields, OpenTable, Section, TableOf, home_of_keys

VERSION: Key[int | None] = Key(
    "version", Whole(1, 1, "1"), "The version of this language.", None, "needed", required=True
)
ANY_NAME = names.parse_name
TOP_GUARDS: Key[Mapping[str, Fields]] = Key(
    "guards",
    MapOf("table of tables", "[guards.NAME]", TableOf(GUARD, "[guards.NAME]"), ANY_NAME, names.NAME_PATTERN),
    "`[guards.NAME]`: which targets, under which rules, and what then.",
    {},
    "needed",
    required=True,
)
TOP_RULES: Key[Mapping[str, Fields]] = Key(
    "rules",
    MapOf("table of tables", "[rules.NAME]", TableOf(RULE, "[rules.NAME]"), ANY_NAME, names.NAME_PATTERN),
    "`[rules.NAME]`: what a bad release is.",
    {},
)
TOP_METRICS: Key[OpenFields | None] = Key(
    "metrics", OpenTable(METRICS, METRIC_TABLES, "[metrics]"), "`[metrics]`: the metrics that conditions name.", None
)
TOP_CHANNELS: Key[Mapping[str, Fields]] = Key(
    "channels",
    MapOf("table of tables", "[channels.NAME]", TableOf(CHANNEL, "[channels.NAME]"), ANY_NAME, names.NAME_PATTERN),
    "`[channels.NAME]`: where people are told.",
    {},
)
TOP_SOURCES: Key[Mapping[str, Fields]] = Key(
    "sources",
    MapOf("table of tables", "[sources.NAME]", TableOf(SOURCE, "[sources.NAME]"), ANY_NAME, names.NAME_PATTERN),
    "`[sources.NAME]`: Prometheus servers that guards may choose.",
    {},
)
TOP_BRAKES: Key[Fields | None] = Key(
    "brakes", TableOf(BRAKES_TABLE, "[brakes]"), "`[brakes]`: how often is rolled back at most.", None
)
FILE = Section("the file", "file", (VERSION, TOP_GUARDS, TOP_RULES, TOP_METRICS, TOP_CHANNELS, TOP_SOURCES, TOP_BRAKES))

SECTIONS = (
    FILE,
    GUARD,
    RULE,
    PROBE,
    BUDGET,
    METRICS,
    METRIC,
    CHANNEL,
    PAGERDUTY,
    ALERTMANAGER,
    CLOUDEVENTS,
    GRAFANA,
    TEMPLATE,
    SOURCE,
    SIGV4,
    BRAKES_TABLE,
)
home_of_keys((GUARD, RULE, METRIC, CHANNEL, FILE, BRAKES_TABLE, SOURCE))
