"""`[rules.NAME]`, with its probe or budget: what a bad release is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from watchdog.domain.rules import Action, Sign
from watchdog.rulebook import names
from watchdog.rulebook.conditions import CONDITION, Condition
from watchdog.rulebook.durations import DURATION
from watchdog.rulebook.shapes import Choice, Flag, ListOf, MapOf, OneOrMore, Text, Whole, words
from watchdog.rulebook.tables import Fields, Key, Section, TableOf
from watchdog.rulebook.values import (
    CONFIDENCE,
    EXPECTED,
    HEADERS,
    PATH,
    SHARE,
    Port,
)

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
_ACTION = Choice("action", {action.value: action for action in (Action.ROLLBACK, Action.NOTIFY)})
RULE_ACTION: Key[Action | None] = Key(
    "action", _ACTION, 'With "notify", this rule only tells, whatever its guard does.', None, "the guard's"
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
