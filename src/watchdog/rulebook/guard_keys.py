"""`[guards.NAME]`: which targets are watched, for how long, and what a breach leads to."""

from collections.abc import Mapping
from datetime import timedelta

from watchdog.domain.rollout import USUAL, Target, TargetKind
from watchdog.domain.rules import Action
from watchdog.domain.selectors import LabelSelector
from watchdog.rulebook import channel_urls, names
from watchdog.rulebook.durations import DURATION
from watchdog.rulebook.metric_keys import METRIC_TABLES, PRESET
from watchdog.rulebook.shapes import Choice, Flag, ListOf, MapOf, Text, words
from watchdog.rulebook.tables import Fields, Key, Section
from watchdog.rulebook.values import (
    CONFIDENCE,
)

ACTION = Choice("action", words(Action))


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


NAMESPACES: Key[tuple[str, ...]] = Key(
    "namespaces", ListOf(names.NAMESPACE, "namespaces"), "Where the selector looks.", (), "needed with `selector`"
)
SELECTOR: Key[LabelSelector | None] = Key(
    "selector",
    Text("label selector", '"app.kubernetes.io/part-of=shop"', names.parse_selector),
    "What is guarded, by its labels: Deployments and Services, or what `kinds` says. Either this or `targets`.",
    None,
)
KINDS: Key[tuple[TargetKind, ...]] = Key(
    "kinds",
    ListOf(Choice("kind of target", words(TargetKind)), "kinds of targets"),
    f"What the selector covers: {', '.join(f'`{kind}`' for kind in TargetKind)}.",
    tuple(sorted(USUAL)),
    '`["deployment", "service"]`',
)
TARGETS: Key[tuple[Target, ...]] = Key(
    "targets",
    ListOf(names.TARGET, "targets"),
    "What is guarded, by name: `namespace/kind/name`, of any of the `kinds`.",
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
    "What a breach leads to: the traffic is put back, people are told and nothing is touched, or Argo Rollouts' "
    "controller is told to abort (`abort`: for Rollouts alone).",
    Action.ROLLBACK,
    '`"rollback"`',
)
CHANNELS: Key[tuple[str, ...]] = Key(
    "channels", ListOf(names.CHANNEL_NAME, "names of channels"), "Who is told.", (), "nobody"
)
GUARD_PRESET: Key[str | None] = Key(
    "preset", PRESET, "The guard's metric dialect (see Presets).", None, "that of `[metrics]`"
)
SOURCE: Key[str | None] = Key(
    "source",
    names.SOURCE_NAME,
    "The Prometheus that the guard's rules ask: one of `[sources]`.",
    None,
    "that of `WATCHDOG_PROMETHEUS_URL`",
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
CONFIG: Key[bool] = Key(
    "config",
    Flag(),
    "Whether other data in a ConfigMap that a target's pods mount or read are a switch, judged and told "
    "(see [Configuration](providers/config.md)).",
    False,
    "`false`",
)
RUNBOOK: Key[str] = Key(
    "runbook",
    Text("web address", '"https://wiki.example.org/releases"', channel_urls.parse_web_page),
    "What people do then: linked in the notices and alerts of its watches.",
    "",
    "none",
)
COMMITS: Key[str] = Key(
    "commits",
    names.ANNOTATION,
    "The annotation of template or ReplicaSet that names the commit, by its hash or as a web page (see What changed).",
    "",
    "`org.opencontainers.image.revision`",
)
GUARD = Section(
    "[guards.NAME]",
    "guard",
    (
        NAMESPACES,
        SELECTOR,
        KINDS,
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
        SOURCE,
        MATCHERS,
        GUARD_METRICS,
        CONTAINERS,
        CALLERS,
        RESTORE_REPLICAS,
        ROLLBACK_WINDOW,
        ANNOTATIONS,
        GITOPS,
        CONFIG,
        RUNBOOK,
        COMMITS,
        GUARD_CONFIDENCE,
    ),
    ({"required": ["selector", "namespaces"]}, {"required": ["targets"]}),
)
