"""The one table of keys: all that rules.toml may say. The reader, the JSON Schema and docs/rules.md follow it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from watchdog.domain.rollout import LabelSelector, Target
from watchdog.domain.rules import Action, Sign
from watchdog.rulebook import channel_urls, names
from watchdog.rulebook.brake_keys import BRAKES_TABLE
from watchdog.rulebook.channel_keys import ALERTMANAGER, CHANNEL, CLOUDEVENTS, PAGERDUTY
from watchdog.rulebook.conditions import CONDITION, Condition
from watchdog.rulebook.durations import DURATION
from watchdog.rulebook.presets import PRESETS
from watchdog.rulebook.shapes import Choice, Flag, ListOf, MapOf, OneOrMore, Text, Whole, words
from watchdog.rulebook.tables import Fields, Key, OpenFields, OpenTable, Section, TableOf, home_of_keys
from watchdog.rulebook.values import (
    BUCKETS_QUERY,
    CONFIDENCE,
    COUNTER_QUERY,
    EXPECTED,
    GAUGE_QUERY,
    HEADERS,
    PATH,
    SHARE,
    Port,
    Quantity,
)

PRESET = Choice("preset", {name: name for name in PRESETS})
ACTION = Choice("action", words(Action))
UNITS = ("bytes", "cores", "seconds", "milliseconds", "plain")
KINDS = ("ratio", "histogram", "rate", "gauge")


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


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

# [guards.NAME]

NAMESPACES: Key[tuple[str, ...]] = Key(
    "namespaces", ListOf(names.NAMESPACE, "namespaces"), "Where the selector looks.", (), "needed with `selector`"
)
SELECTOR: Key[LabelSelector | None] = Key(
    "selector",
    Text("label selector", '"app.kubernetes.io/part-of=shop"', names.parse_selector),
    "The Deployments and Services that are guarded, by their labels. Either this or `targets`.",
    None,
)
TARGETS: Key[tuple[Target, ...]] = Key(
    "targets",
    ListOf(names.TARGET, "targets"),
    "What is guarded, by name: `namespace/deployment/name` or `namespace/service/name`.",
    (),
)
RULES: Key[tuple[str, ...]] = Key(
    "rules",
    ListOf(names.RULE_NAME, "names of rules"),
    "The rules that every switch is judged by.",
    (),
    "needed",
    required=True,
)
BAKE: Key[timedelta] = Key("bake", DURATION, "How long each switch is watched; 7 days at most.", minutes(10), '`"10m"`')
WARMUP: Key[timedelta] = Key(
    "warmup",
    DURATION,
    "A cold start is forgiven this long for each pod; a total outage is not.",
    timedelta(seconds=30),
    '`"30s"`',
)
INTERVAL: Key[timedelta] = Key(
    "interval", DURATION, "One block of evidence; `1s` at least.", timedelta(seconds=15), '`"15s"`'
)
BASELINE: Key[timedelta] = Key(
    "baseline", DURATION, "The stretch before the switch that `baseline` means.", minutes(30), '`"30m"`'
)
RECOVERY: Key[timedelta] = Key(
    "recovery", DURATION, "How long a completed put-back is watched for its effect.", minutes(5), '`"5m"`'
)
GUARD_ACTION: Key[Action] = Key(
    "action",
    ACTION,
    "What a breach leads to: the traffic is put back, or people are told and nothing is touched.",
    Action.ROLLBACK,
    '`"rollback"`',
)
CHANNELS: Key[tuple[str, ...]] = Key(
    "channels", ListOf(names.CHANNEL_NAME, "names of channels"), "Who is told.", (), "nobody"
)
GUARD_PRESET: Key[str | None] = Key(
    "preset", PRESET, "The guard's metric dialect (see Presets).", None, "that of `[metrics]`"
)
MATCHERS: Key[Mapping[str, str]] = Key(
    "matchers",
    MapOf(
        "table of texts",
        '{ cluster = "eu" }',
        Text("text", '"eu"', str),
        names.parse_label_name,
        names.LABEL_NAME_PATTERN,
    ),
    "Label matchers added to every selector of every query.",
    {},
)
GUARD_METRICS: Key[Mapping[str, Fields]] = Key(
    "metrics", METRIC_TABLES, "`[guards.NAME.metrics.X]`: metrics of this guard alone.", {}
)
GUARD_CONFIDENCE: Key[float] = Key(
    "confidence",
    CONFIDENCE,
    "How sure the judge must be that a release is no harmless one before a watch rolls back; its ratio, quantile and "
    'budget rules share what is left to chance. `"off"`: the rules as written decide alone.',
    0.001,
    '`"99.9%"`',
)
RESTORE_REPLICAS: Key[bool] = Key(
    "restore_replicas",
    Flag(),
    "Whether a colour that is scaled down may be scaled up to go back to it.",
    False,
    "`false`",
)
ROLLBACK_WINDOW: Key[timedelta] = Key(
    "rollback_window",
    DURATION,
    "A person's return to a revision that passed within this is watched with `notify`.",
    timedelta(hours=24),
    '`"24h"`',
)
CONTAINERS: Key[tuple[str, ...] | None] = Key(
    "containers",
    ListOf(names.CONTAINER, "containers"),
    "The containers that CPU, memory and signs are taken from.",
    None,
    "all but known sidecars",
)
ANNOTATIONS: Key[bool] = Key(
    "annotations", Flag(), "Whether the annotations `guard` and `hold` are honoured.", True, "`true`"
)
CALLERS: Key[Mapping[str, tuple[Target, ...]]] = Key(
    "callers",
    MapOf(
        "table of lists of targets",
        '{ "production/deployment/x" = ["production/deployment/y"] }',
        ListOf(names.TARGET, "targets"),
        names.parse_target,
        names.TARGET_PATTERN,
    ),
    "Who calls a target: its callers fail with it, and never excuse it (see Callers and peers).",
    {},
)
GITOPS: Key[str] = Key(
    "gitops",
    Choice("gitops", {"hold": "hold", "suspend": "suspend"}),
    "What Argo CD or Flux would heal: hold the watch, or suspend them first and put back (see Beside GitOps).",
    "hold",
    '`"hold"`',
)
RUNBOOK: Key[str] = Key(
    "runbook",
    Text("web address", '"https://wiki.example.org/releases"', channel_urls.parse_web_page),
    "What people do then: linked in the notices and alerts of its watches.",
    "",
    "none",
)
GUARD = Section(
    "[guards.NAME]",
    "guard",
    (
        NAMESPACES,
        SELECTOR,
        TARGETS,
        RULES,
        BAKE,
        WARMUP,
        INTERVAL,
        BASELINE,
        RECOVERY,
        GUARD_ACTION,
        CHANNELS,
        GUARD_PRESET,
        MATCHERS,
        GUARD_METRICS,
        CONTAINERS,
        CALLERS,
        RESTORE_REPLICAS,
        ROLLBACK_WINDOW,
        ANNOTATIONS,
        GITOPS,
        RUNBOOK,
        GUARD_CONFIDENCE,
    ),
    ({"required": ["selector", "namespaces"]}, {"required": ["targets"]}),
)

# [rules.NAME]

PROBE_PATH: Key[str] = Key("path", PATH, "The path that is asked.", "/health", '`"/health"`')
PROBE_PORT: Key[str] = Key("port", Port(), "A declared port of the pod: its name, or its number.", "http", '`"http"`')
PROBE_EVERY: Key[timedelta] = Key("every", DURATION, "How often each pod is asked.", timedelta(seconds=5), '`"5s"`')
PROBE_TIMEOUT: Key[timedelta] = Key("timeout", DURATION, "How long an answer may take.", timedelta(seconds=2), '`"2s"`')
PROBE_SCHEME: Key[str] = Key(
    "scheme", Choice("scheme", {"http": "http", "https": "https"}), "The protocol.", "http", '`"http"`'
)
PROBE_HEADERS: Key[Mapping[str, str]] = Key("headers", HEADERS, "Headers that are sent; never secrets.", {})
PROBE_EXPECT: Key[tuple[tuple[int, int], ...]] = Key(
    "expect", EXPECTED, "The status codes that are right.", ((200, 399),), '`["200-399"]`'
)
PROBE = Section(
    "probe", "probe", (PROBE_PATH, PROBE_PORT, PROBE_EVERY, PROBE_TIMEOUT, PROBE_SCHEME, PROBE_HEADERS, PROBE_EXPECT)
)

BUDGET_METRIC: Key[str | None] = Key(
    "metric",
    Text("metric", '"http_error_rate"', names.parse_metric_name),
    "A ratio of bad events.",
    None,
    "needed",
    required=True,
)
OBJECTIVE: Key[float | None] = Key(
    "objective", SHARE, "The share of good events that is promised.", None, "needed", required=True
)
PERIOD: Key[timedelta | None] = Key(
    "period", replace(DURATION, example='"30d"'), "The promise's period.", None, "needed", required=True
)
SPEND: Key[float | None] = Key(
    "spend",
    replace(SHARE, example='"2%"'),
    "The share of the budget that one release may spend.",
    None,
    "needed",
    required=True,
)
BUDGET = Section("budget", "budget", (BUDGET_METRIC, OBJECTIVE, PERIOD, SPEND))

WHEN: Key[Condition | None] = Key("when", CONDITION, "`MEASURE OP LIMIT`: breached while it holds.", None)
PROBE_KEY: Key[Fields | None] = Key(
    "probe", TableOf(PROBE, '{ path = "/health", port = "http" }'), "An HTTP GET that the watchdog makes itself.", None
)
SIGNS: Key[tuple[Sign, ...] | None] = Key(
    "signs", ListOf(Choice("sign", words(Sign)), "signs"), "What Kubernetes says of the pods (see Signs).", None
)
BUDGET_KEY: Key[Fields | None] = Key(
    "budget",
    TableOf(BUDGET, "{ ... }"),
    "Breached when this release alone has spent that much of the error budget (see Error budgets).",
    None,
)
ALERTS: Key[tuple[str, ...] | None] = Key(
    "alerts",
    ListOf(Text("name of an alert", '"CheckoutErrorsHigh"', names.parse_alert_name, names.READABLE_PATTERN), "alerts"),
    "Prometheus alerts, by name: breached when one begins to fire on the target after the switch (see Alerts).",
    None,
)
ALERT_LABELS: Key[Mapping[str, tuple[str, ...]]] = Key(
    "labels",
    MapOf(
        "table of texts or lists of texts",
        '{ severity = "critical" }',
        OneOrMore(Text("text", '"critical"', names.parse_label_value), "texts"),
        names.parse_alert_label,
        names.ALERT_LABEL_PATTERN,
    ),
    "With `alerts`: what an alert must bear to count; of a list, one of its values.",
    {},
)
FOR: Key[timedelta] = Key(
    "for", DURATION, "With `when`: how long the condition must hold before it is a breach.", timedelta(0), '`"0s"`'
)
FAILURES: Key[int] = Key("failures", Whole(1, 1000, "3"), "With `probe`: how many in a row are a breach.", 3, "`3`")
MIN_REQUESTS: Key[int] = Key(
    "min_requests",
    Whole(1, 1_000_000_000, "20"),
    "With `when` on a ratio or a histogram: fewer requests than this decide nothing.",
    20,
    "`20`",
)
RULE_CONFIDENCE: Key[float | None] = Key(
    "confidence",
    CONFIDENCE,
    "With `when` on a ratio or a quantile, and with `budget`: this rule's own, taken out of the guard's first.",
    None,
    "an equal share of the guard's",
)
REQUIRED: Key[bool] = Key(
    "required", Flag(), "Whether a watch needs this rule to have seen something in order to pass.", True, "`true`"
)
RULE_ACTION: Key[Action | None] = Key(
    "action", ACTION, 'With "notify", this rule only tells, whatever its guard does.', None, "the guard's"
)
RULE = Section(
    "[rules.NAME]",
    "rule",
    (
        WHEN,
        PROBE_KEY,
        SIGNS,
        FOR,
        FAILURES,
        MIN_REQUESTS,
        REQUIRED,
        RULE_ACTION,
        BUDGET_KEY,
        ALERTS,
        ALERT_LABELS,
        RULE_CONFIDENCE,
    ),
    (
        {"required": ["when"]},
        {"required": ["probe"]},
        {"required": ["signs"]},
        {"required": ["budget"]},
        {"required": ["alerts"]},
    ),
)

# The file

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
TOP_BRAKES: Key[Fields | None] = Key(
    "brakes", TableOf(BRAKES_TABLE, "[brakes]"), "`[brakes]`: how often is rolled back at most.", None
)
FILE = Section("the file", "file", (VERSION, TOP_GUARDS, TOP_RULES, TOP_METRICS, TOP_CHANNELS, TOP_BRAKES))

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
    BRAKES_TABLE,
)
home_of_keys((GUARD, RULE, METRIC, CHANNEL, FILE, BRAKES_TABLE))
