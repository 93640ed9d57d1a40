"""What a valid file means: defaults, presets, overrides, matchers, and what is said of it without refusing it."""

import hashlib
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rulebook.texts import CHANNEL, a_rule, a_text, messages, the_guard, the_rule, valid
from watchdog.domain.channels import DEFAULT_TOPICS, Topic
from watchdog.domain.conditions import (
    Dimension,
    GaugeMetric,
    HistogramMetric,
    Metric,
    RateMetric,
    RatioMetric,
    Threshold,
)
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Action, Alerts, Guard, Probe, Rule, Sign, Signs
from watchdog.rulebook import check_rules, keys, presets, read_rules
from watchdog.rulebook.durations import duration_text, parse_duration
from watchdog.rulebook.promql import parse_buckets, parse_counter, parse_gauge
from watchdog.rulebook.tables import Section

SHIPPED = (Path(__file__).parents[2] / "rules.toml").read_text()

# The file of DESIGN's section on rules.toml, without what this version refuses.
DESIGN = """
version = 1

[guards.plasma-engine]
namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"  # or targets = ["production/deployment/gateway"]
rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash", "alerts"]
bake       = "10m"          # how long each switch is watched
warmup     = "30s"          # a cold start is forgiven this long, a total outage is not
interval   = "15s"          # one block of evidence each
baseline   = "30m"          # the stretch before the switch that "baseline" means
action     = "rollback"     # or "notify"
channels   = ["releases", "oncall"]
preset     = "fastapi"      # this guard's metric dialect; [guards.NAME.metrics.X] overrides one metric
matchers   = { cluster = "eu" }   # added to every query (a Prometheus that serves several clusters)

[rules.error-rate]
when = "http_error_rate > 5%"

[rules.latency]
when = "p95(http_latency) > 2x baseline"

[rules.cpu]
when = "cpu > 2x baseline"
for  = "1m"

[rules.memory]
when = "memory > 1.5x baseline"
for  = "1m"

[rules.health]
probe    = { path = "/health", port = "http", every = "5s", timeout = "2s" }
failures = 3                # in a row, on any pod

[rules.crash]
signs = ["crash-loop", "image-pull", "oom-killed", "progress-deadline", "not-ready"]

[rules.alerts]
alerts = ["CheckoutErrorsHigh"]   # Prometheus alerts that begin to fire after the switch

[metrics]
preset = "fastapi"

[metrics.http_error_rate]   # or spelt out; a table here overrides the preset's metric of that name
kind  = "ratio"
bad   = 'http_requests_total{namespace="{{ namespace }}", pod=~"{{ pods }}", status=~"5.."}'
total = 'http_requests_total{namespace="{{ namespace }}", pod=~"{{ pods }}"}'

[metrics.http_latency]
kind    = "histogram"
buckets = 'http_request_duration_seconds_bucket{namespace="{{ namespace }}", pod=~"{{ pods }}"}'

[metrics.queue_depth]
kind  = "gauge"
query = 'max by (pod) (queue_depth{namespace="{{ namespace }}", pod=~"{{ pods }}"})'
floor = 10

[channels.releases]
url = "{{ secret.SLACK_URL }}"     # any Apprise URL of an allowed scheme
on  = ["switch", "passed", "breach", "rolled-back", "recovered", "held", "failed"]

[channels.oncall]
pagerduty = { routing_key = "{{ secret.PAGERDUTY_KEY }}" }   # trigger and resolve of one incident per watch
on = ["rolled-back", "not-recovered", "held", "failed"]
"""


def metric_of(rule: Rule) -> Metric:
    assert isinstance(rule.check, Threshold)
    return rule.check.metric


def test_the_shipped_file_is_valid_and_guards_the_gateway_and_the_four_services() -> None:
    report = check_rules(SHIPPED)
    assert report.warnings == ()
    gateway, services = valid(report).guards
    labels = {"app.kubernetes.io/part-of": "plasma-engine"}
    for name in ("gateway", "research", "brand", "content", "agent"):
        target = Target.parse(f"production/deployment/{name}")
        covering = valid(report).guards_of(target, labels | {"app.kubernetes.io/name": name})
        assert covering == ((gateway,) if name == "gateway" else (services,))
    assert [rule.name for rule in services.rules] == ["health", "errors", "latency", "cpu", "memory", "signs"]
    assert "graphql-errors" in [rule.name for rule in gateway.rules]
    assert gateway.action is services.action is Action.ROLLBACK


def test_the_designs_example_is_valid_where_this_version_refuses_nothing() -> None:
    report = check_rules(DESIGN)
    assert [str(warning) for warning in report.warnings] == [
        "rules.toml:53:10: no rule compares metric queue_depth; name it in a rule's when, or remove it"
    ]
    (guard,) = valid(report).guards
    error_rate, latency, cpu, memory, health, crash, alerts = guard.rules
    assert metric_of(error_rate) == RatioMetric(
        "http_error_rate",
        'http_requests_total{cluster="eu", namespace="{{ namespace }}", pod=~"{{ pods }}", status=~"5.."}',
        'http_requests_total{cluster="eu", namespace="{{ namespace }}", pod=~"{{ pods }}"}',
        0.005,
    )
    assert isinstance(metric_of(latency), HistogramMetric)
    assert metric_of(latency).floor == 0.01
    assert isinstance(metric_of(cpu), RateMetric)
    assert metric_of(memory).dimension is Dimension.BYTES
    assert (cpu.hold, latency.hold) == (timedelta(minutes=1), timedelta(0))
    assert health.check == Probe("/health", "http")
    assert crash.check == Signs(
        (Sign.CRASH_LOOP, Sign.IMAGE_PULL, Sign.OOM_KILLED, Sign.PROGRESS_DEADLINE, Sign.NOT_READY)
    )
    assert alerts.check == Alerts(("CheckoutErrorsHigh",), matchers={"cluster": "eu"})


def test_the_defaults_are_the_domains() -> None:
    guard = the_guard(a_text())
    bare = Guard("shop", ("production",), guard.rules, guard.selector, channels=("releases",))
    assert guard == bare
    assert guard.rules[0] == Rule("r", guard.rules[0].check, alpha=0.001)
    probe = the_rule(a_text(rule=a_rule("probe = {}"))).check
    assert probe == Probe("/health", "http")
    (channel,) = read_rules(a_text()).channels
    assert channel.on == DEFAULT_TOPICS


@pytest.mark.parametrize("section", keys.SECTIONS, ids=lambda section: section.heading)
def test_a_default_that_is_shown_is_the_one_that_holds(section: Section) -> None:
    for key in section.keys:
        if isinstance(key.default, timedelta):
            assert parse_duration(key.shown.strip('`"')) == key.default
        elif isinstance(key.default, bool | int):
            assert key.shown == f"`{str(key.default).lower()}`"


def test_every_key_of_a_guard_reaches_the_domain() -> None:
    text = """
bake = "1h30m"
warmup = "1m"
interval = "500s"
baseline = "14d"
recovery = "10m"
rollback_window = "0s"
action = "notify"
restore_replicas = true
annotations = false
containers = ["app", "worker"]
gitops = "hold"
callers = { "production/deployment/shop" = ["production/service/web"] }
commits = "example.org/commit"
"""
    guard = the_guard(a_text(text))
    assert (guard.bake, guard.warmup, guard.interval) == (
        timedelta(minutes=90),
        timedelta(minutes=1),
        timedelta(seconds=500),
    )
    assert (guard.baseline, guard.recovery, guard.rollback_window) == (
        timedelta(14),
        timedelta(minutes=10),
        timedelta(0),
    )
    assert (guard.action, guard.restore_replicas, guard.annotations, guard.gitops) == (
        Action.NOTIFY,
        True,
        False,
        "hold",
    )
    assert guard.containers == ("app", "worker")
    assert guard.commits == "example.org/commit"
    assert guard.callers == {"production/deployment/shop": ("production/service/web",)}


def test_a_selector_covers_the_kinds_that_the_guard_says_and_names_cover_their_own() -> None:
    labels = {"app": "shop"}
    usual = the_guard(a_text())
    opted_in = the_guard(a_text('kinds = ["statefulset"]'))
    for kind, of_usual, of_opted_in in (
        ("deployment", True, False),
        ("service", True, False),
        ("statefulset", False, True),
        ("daemonset", False, False),
    ):
        target = Target.parse(f"production/{kind}/shop")
        assert (usual.covers(target, labels), opted_in.covers(target, labels)) == (of_usual, of_opted_in)
    assert opted_in.kinds_in("production") == {TargetKind.STATEFULSET}
    assert opted_in.kinds_in("elsewhere") == frozenset()


def test_every_key_of_a_rule_reaches_the_domain() -> None:
    rule = the_rule(
        a_text(
            rule=a_rule(
                'when = "http_error_rate > 5%"\nfor = "2m"\nmin_requests = 50\nrequired = false\naction = "notify"'
            )
        )
    )
    assert (rule.hold, rule.min_requests, rule.required, rule.action) == (
        timedelta(minutes=2),
        50,
        False,
        Action.NOTIFY,
    )
    asked = 'path = "/ready", port = 8080, scheme = "https", headers = { X-A = "b" }'
    answered = 'every = "10s", timeout = "10s", expect = [200, "204-206"]'
    probe = the_rule(a_text(rule=a_rule(f"probe = {{ {asked}, {answered} }}\nfailures = 5"))).check
    assert probe == Probe(
        "/ready",
        "8080",
        timedelta(seconds=10),
        timedelta(seconds=10),
        "https",
        {"X-A": "b"},
        ((200, 200), (204, 206)),
        5,
    )


def test_targets_need_no_namespaces() -> None:
    text = """
version = 1
[guards.web]
targets  = ["production/service/web", "staging/deployment/web"]
rules    = ["r"]
channels = ["releases"]
preset   = "express"
[rules.r]
when = "http_error_rate > 5%"
"""
    rulebook = read_rules(text + CHANNEL)
    assert rulebook.namespaces == {"production", "staging"}
    assert rulebook.guards[0].targets[0] == Target.parse("production/service/web")


def test_a_targets_guard_may_repeat_the_namespaces() -> None:
    text = a_text().replace('selector   = "app=shop"', 'targets = ["production/service/web"]')
    assert the_guard(text).namespaces == ("production",)


def test_line_ends_and_byte_order_mark_change_the_digest_alone() -> None:
    windows = "\ufeff" + a_text().replace("\n", "\r\n")
    assert read_rules(windows).guards == read_rules(a_text()).guards
    assert read_rules(windows).digest == hashlib.sha256(windows.encode()).hexdigest()


def test_channels_are_read_with_their_secrets_unresolved() -> None:
    channels = CHANNEL + 'on = ["held"]\n[channels.oncall]\npagerduty.routing_key = "{{secret.KEY}}"\n'
    releases, oncall = read_rules(a_text(channel=channels)).channels
    assert (releases.url, releases.routing_key, releases.on) == (
        "{{ secret.SLACK_URL }}",
        None,
        frozenset({Topic.HELD}),
    )
    assert (oncall.url, oncall.routing_key) == (None, "{{secret.KEY}}")


# Metrics


@pytest.mark.parametrize("name", presets.PRESETS)
@pytest.mark.parametrize("containers", [None, ("app",), ("app", "worker")])
def test_every_presets_queries_are_as_own_ones_must_be(name: str, containers: tuple[str, ...] | None) -> None:
    metrics = presets.preset(name, containers)
    assert tuple(metrics) == presets.METRICS
    for metric_name, metric in metrics.items():
        assert metric.name == metric_name
        assert metric.floor is not None
        match metric:
            case RatioMetric():
                parse_counter(metric.bad)
                parse_counter(metric.total)
            case HistogramMetric():
                parse_buckets(metric.buckets)
            case RateMetric():
                parse_counter(metric.counter)
            case GaugeMetric():
                assert parse_gauge(metric.query)


@pytest.mark.parametrize(("name", "scale"), [("istio", 0.001), ("linkerd", 0.001), ("fastapi", 1.0)])
def test_a_meshs_histogram_is_in_milliseconds(name: str, scale: float) -> None:
    text = a_text(rule=a_rule('when = "p95(http_latency) > 300ms"')).replace('"fastapi"', f'"{name}"')
    metric = metric_of(the_rule(text))
    assert isinstance(metric, HistogramMetric)
    assert metric.scale == scale


def test_containers_limit_cpu_and_memory_and_their_absence_leaves_out_the_sidecars() -> None:
    named = metric_of(the_rule(a_text('containers = ["app", "worker"]', a_rule('when = "cpu > 2x baseline"'))))
    assert isinstance(named, RateMetric)
    assert 'container=~"app|worker"' in named.counter
    others = metric_of(the_rule(a_text(rule=a_rule('when = "memory > 2x baseline"'))))
    assert isinstance(others, GaugeMetric)
    assert 'container!~"|POD|istio-proxy|linkerd-proxy|' in others.query


OWN = """
[metrics.http_error_rate]
kind  = "ratio"
bad   = 'common_bad{pod=~"{{ pods }}"}'
total = 'common_total{pod=~"{{ pods }}"}'
"""


def test_a_table_beats_a_preset_and_the_guards_own_table_beats_the_common_one() -> None:
    common = metric_of(the_rule(a_text(rest=OWN)))
    assert isinstance(common, RatioMetric)
    assert common.bad.startswith("common_bad")
    own = metric_of(
        the_rule(a_text(rest=OWN + OWN.replace("[metrics", "[guards.shop.metrics").replace("common", "own")))
    )
    assert isinstance(own, RatioMetric)
    assert own.bad.startswith("own_bad")


def test_a_common_preset_serves_guards_that_name_none() -> None:
    text = a_text(rest='[metrics]\npreset = "istio"\n').replace('preset     = "fastapi"', "")
    metric = metric_of(the_rule(text))
    assert isinstance(metric, RatioMetric)
    assert "istio_requests_total" in metric.bad


def own_metric(keys_: str, when: str = "own > 5") -> str:
    return a_text(rule=a_rule(f'when = "{when}"'), rest=f"[metrics.own]\n{keys_}\n")


@pytest.mark.parametrize(
    ("written", "when", "metric"),
    [
        ("kind = 'gauge'\nquery = 'x{pod=~\"{{ pods }}\"}'", "own > 5", GaugeMetric("own", 'x{pod=~"{{ pods }}"}')),
        (
            "kind = 'gauge'\nunit = 'bytes'\nfloor = '32MiB'\nquery = 'x{pod=~\"{{ pods }}\"}'",
            "own > 2x baseline",
            GaugeMetric("own", 'x{pod=~"{{ pods }}"}', 32 * 2.0**20, Dimension.BYTES),
        ),
        (
            "kind = 'rate'\nunit = 'cores'\nfloor = 0.05\ncounter = 'x{pod=~\"{{ pods }}\"}'",
            "own > 500m",
            RateMetric("own", 'x{pod=~"{{ pods }}"}', 0.05, Dimension.CORES),
        ),
        (
            "kind = 'histogram'\nunit = 'milliseconds'\nfloor = '10ms'\n"
            'buckets = \'{__name__="x_bucket", service="{{ name }}"}\'',
            "p99(own) > 5s",
            HistogramMetric("own", '{__name__="x_bucket", service="{{ name }}"}', 0.01, 0.001),
        ),
        (
            "kind = 'ratio'\nfloor = '0.5%'\nbad = 'x{w=\"{{ workload }}\"}'\ntotal = 'y{w=\"{{ workload }}\"}'",
            "own > 5%",
            RatioMetric("own", 'x{w="{{ workload }}"}', 'y{w="{{ workload }}"}', 0.005),
        ),
    ],
)
def test_own_metrics_of_every_kind(written: str, when: str, metric: Metric) -> None:
    assert metric_of(the_rule(own_metric(written, when))) == metric


def test_an_own_cpu_inherits_the_presets_floor_and_unit_and_one_of_another_unit_does_not() -> None:
    text = a_text(
        rule=a_rule('when = "cpu > 2x baseline"'),
        rest="[metrics.cpu]\nkind = 'rate'\ncounter = 'x{pod=~\"{{ pods }}\"}'\n",
    )
    assert metric_of(the_rule(text)) == RateMetric("cpu", 'x{pod=~"{{ pods }}"}', 0.05, Dimension.CORES)
    assert messages(text.replace("kind = 'rate'", "kind = 'rate'\nunit = 'plain'")) == [
        'cpu has no floor, and "2x baseline" of next to nothing is next to nothing'
    ]


@pytest.mark.parametrize(
    ("keys_", "message"),
    [
        ("kind = 'gauge'\nquery = 'x'\nfloor = 'ten'", '"ten" is no quantity'),
        ("kind = 'gauge'\nquery = 'x'\nfloor = 0", "floor is out of bounds"),
        ("kind = 'gauge'\nquery = 'x'\nfloor = '0'", "a floor of 0 is out of bounds"),
        ("kind = 'gauge'\nquery = 'x'\nfloor = true", "floor is a boolean, not a number, or text with a unit"),
        (
            "kind = 'ratio'\nbad = 'x{p=\"{{ pods }}\"}'\ntotal = 'x{p=\"{{ pods }}\"}'\nfloor = 2",
            "a floor of 2.0 is out of bounds",
        ),
        (
            "kind = 'ratio'\nunit = 'plain'\nbad = 'x{p=\"{{ pods }}\"}'\ntotal = 'x{p=\"{{ pods }}\"}'",
            'a ratio is not in "plain"',
        ),
        ("kind = 'gauge'\nquery = 5", "query is a number, not a PromQL query"),
    ],
)
def test_a_metric_that_is_wrong_says_so(keys_: str, message: str) -> None:
    assert message in messages(own_metric(keys_))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[guards.shop]", "[guards]\nshop = 5\n[other]", "shop is a number, not a table"),
        ('["releases"]', '"releases"', "channels is a text, not a list of names of channels"),
        ('selector   = "app=shop"', "selector = 1979-05-27", "selector is a date, not a label selector"),
        ('when = "http_error_rate > 5%"', "probe = 5", "probe is a number, not a table"),
        (
            'when = "http_error_rate > 5%"',
            "probe = { port = true }",
            "port is a boolean, not a name or number of a port",
        ),
        ('when = "http_error_rate > 5%"', 'probe = { port = "Http" }', '"Http" is no name of a port'),
        ('when = "http_error_rate > 5%"', 'probe = { port = "0" }', "0 is no port"),
        (
            'when = "http_error_rate > 5%"',
            "probe = { expect = [2.5] }",
            "an item of expect is a number, not a status code or range",
        ),
        ('when = "http_error_rate > 5%"', 'probe = { expect = ["300-200"] }', '"300-200" is no status code or range'),
        ('when = "http_error_rate > 5%"', 'probe = { timeout = "0s" }', "the probe's timeout is zero"),
        ('when = "http_error_rate > 5%"', 'probe = { headers = { "a b" = "c" } }', '"a b" is no name of a header'),
        ('when = "http_error_rate > 5%"', "when = []", "when is a list, not a condition"),
        ('when = "http_error_rate > 5%"', 'when = "p95(http_latency) > -5ms"', "http_latency is never negative"),
        (
            'when = "http_error_rate > 5%"',
            'when = "http_error_rate < 0%"',
            'http_error_rate is never negative, so "< 0%" says nothing',
        ),
        (
            'when = "http_error_rate > 5%"',
            'when = "http_error_rate > 500"',
            "500 has no unit, and the metric is a ratio",
        ),
        (
            'when = "http_error_rate > 5%"',
            'when = "http_error_rate > baseline + 0%"',
            '"> baseline + 0%" is breached by a release that is as good as stable',
        ),
        ('when = "http_error_rate > 5%"', 'probe = { path = "/{{ name }}" }', "path holds a {{ placeholder }}"),
        ("namespaces", "metrics = 5\nnamespaces", "metrics is a number, not a table of tables"),
        ("namespaces", "callers = 5\nnamespaces", "callers is a number, not a table of lists of targets"),
        ("namespaces", "x = 1\nnamespaces", '"x" is no key of [guards.NAME]'),
        ("version = 1", "version = '1'", "version is a text, not a whole number"),
        ("version = 1", "version = 1\nmetrics = 5", "metrics is a number, not a table"),
        ("version = 1", "version = 1\nmetrics.preset = 'x'", '"x" is no preset'),
        ('preset     = "fastapi"', "preset = 5", "preset is a number, not a preset"),
        ('selector   = "app=shop"', "targets = 5", "targets is a number, not a list of targets"),
        ('"app=shop"', '"app in shop"', 'in the selector stands "shop" where "(" should'),
        ('"app=shop"', '"app = shop web"', 'in the selector stands "web" where a comma or the end should'),
        ('"app=shop"', '"app ~ shop"', 'in the selector stands "~ shop" where one of =, !=, in, notin, "," should'),
        ('"app=shop"', '"app=shop,"', "in the selector stands the end where a label's key should"),
        ('"app=shop"', '" "', "the selector is empty and would select everything"),
        ('"{{ secret.SLACK_URL }}"', "5", "url is a number, not a channel URL"),
    ],
)
def test_a_wrong_value_is_answered(old: str, new: str, message: str) -> None:
    said = messages(a_text().replace(old, new, 1))
    assert message in said


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9999)))
def test_a_duration_survives_being_written_and_read(duration: timedelta) -> None:
    whole = duration - duration % timedelta(milliseconds=1)
    assert parse_duration(duration_text(whole)) == whole


@pytest.mark.parametrize("text", ["", "10", "m", "1.5s", "-5s", "1m1m", "1s1h", "1w", "1234567d"])
def test_what_is_no_duration_is_a_mistake(text: str) -> None:
    assert any("duration" in message for message in messages(a_text(f'rollback_window = "{text}"')))


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("app=shop", {"app": "shop"}, True),
        ("app==shop , tier", {"app": "shop", "tier": ""}, True),
        ("app!=shop", {}, True),
        ("!canary,app in (shop, web)", {"app": "web"}, True),
        ("app notin (shop,web)", {"app": "web"}, False),
        ("example.org/tier=", {"example.org/tier": ""}, True),
        ("inner=x,in", {"inner": "x", "in": "1"}, True),
        ("!canary", {"canary": "1"}, False),
    ],
)
def test_selectors_select_as_kubernetes_does(text: str, labels: dict[str, str], matches: bool) -> None:
    selector = the_guard(a_text().replace("app=shop", text)).selector
    assert selector is not None
    assert selector.matches(labels) is matches
    assert selector.text == text


# Warnings


def test_what_nothing_uses_is_said_and_checked_all_the_same() -> None:
    text = a_text(
        rest="""
[rules.spare]
when = "cpu > 2x baseline"
[rules.signs]
signs = ["oom-killed"]
[metrics.spare]
kind  = "gauge"
query = 'max(spare{namespace="{{ namespace }}"})'
[channels.spare]
url = "{{ secret.OTHER }}"
"""
    )
    report = check_rules(text)
    valid(report)
    assert [warning.message for warning in report.warnings] == [
        'no guard uses rule "spare"',
        'no guard uses rule "signs"',
        "no rule compares metric spare",
        "nothing in the query names the revision: stable and candidate answer alike",
        'no guard uses channel "spare"',
    ]
    assert messages(text.replace("cpu > 2x", "gpu > 2x")) == ['"gpu" is no metric of [metrics]']


def test_a_guard_that_tells_nobody_is_warned_of() -> None:
    report = check_rules(a_text().replace('channels   = ["releases"]', ""))
    assert "the guard tells nobody" in [warning.message for warning in report.warnings]


def test_a_common_table_in_place_of_a_guards_own_preset_is_warned_of() -> None:
    messages_ = [warning.message for warning in check_rules(a_text(rest=OWN)).warnings]
    assert messages_ == [
        "the guard's preset has a metric http_error_rate, but [metrics.http_error_rate] takes its place"
    ]
    assert check_rules(a_text(rest='[metrics]\npreset = "fastapi"\n' + OWN)).warnings == ()


def test_a_rule_is_judged_in_each_guards_own_dialect() -> None:
    second = """
[guards.mesh]
namespaces = ["staging"]
selector   = "app=shop"
rules      = ["r"]
channels   = ["releases"]
preset     = "istio"
"""
    shop, mesh = read_rules(a_text(rest=second)).guards
    assert metric_of(shop.rules[0]) != metric_of(mesh.rules[0])


def test_a_metric_with_a_mistake_is_not_called_unknown_too() -> None:
    text = own_metric("kind = 'gauge'")
    assert messages(text) == ["a gauge needs query"]
