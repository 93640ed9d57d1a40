"""The Grafana dashboard: made here, imported as dashboard.json.

    python deploy/generate.py

Every query is parsed, and run against a real Prometheus that holds the watchdog's own metrics, by a test.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OURS = 'namespace=~"$namespace"'
_WIDTH, _HEIGHT = 24, 8


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, in words, and the queries with their legends."""

    title: str
    says: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    bad_from: float | None = None  # red from here on


def _sum(metric: str, by: str, window: str = "$__rate_interval", more: str = "") -> str:
    return f"sum by ({by}) (increase({metric}{{{OURS}{more}}}[{window}]))"


def _quantile(share: float, metric: str, window: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{OURS}}}[{window}])))"


PANELS: Sequence[Panel] = (
    Panel(
        "Leads",
        "One replica leads (with WATCHDOG_SHARDS: each shard), the others stand by. 0: nothing is watched.",
        [(f"sum by (namespace, shard) (watchdog_leader{{{OURS}}})", "{{namespace}} {{shard}}")],
        kind="stat",
        width=4,
    ),
    Panel(
        "Rules in force",
        "0: rules.toml on disk is invalid and the last valid one is in force.",
        [(f"min by (namespace) (watchdog_rules_valid{{{OURS}}})", "{{namespace}}")],
        kind="stat",
        width=4,
    ),
    Panel(
        "Open watches",
        "Releases that are being watched now.",
        [(f"sum by (namespace) (watchdog_watches_open{{{OURS}}})", "{{namespace}}")],
        kind="stat",
        width=4,
    ),
    Panel(
        "Rolled back, 7 days",
        "Watches that ended with a put-back.",
        [(f'sum(increase(watchdog_outcomes_total{{{OURS}, outcome="rolled-back"}}[7d]))', "rolled back")],
        kind="stat",
        width=4,
    ),
    Panel(
        "Failed to put back, 7 days",
        "The API server refused an allowed act for good: somebody had to.",
        [(f'sum(increase(watchdog_outcomes_total{{{OURS}, outcome="failed"}}[7d]))', "failed")],
        kind="stat",
        width=4,
        bad_from=1,
    ),
    Panel(
        "Exempt targets",
        "By annotation: neither judged (off) nor acted on (hold).",
        [(f"count by (reason) (watchdog_unguarded{{{OURS}}})", "{{reason}}")],
        kind="stat",
        width=4,
    ),
    Panel(
        "Switches and outcomes",
        "What was released, and how it ended.",
        [
            (_sum("watchdog_switches_total", "kind"), "switch: {{kind}}"),
            (_sum("watchdog_outcomes_total", "outcome"), "{{outcome}}"),
        ],
        width=12,
    ),
    Panel(
        "Put-backs",
        "How the API server answered: done, conflicted (tried again), refused, unsure.",
        [(_sum("watchdog_rollbacks_total", "kind, result"), "{{kind}} {{result}}")],
        width=12,
    ),
    Panel(
        "Prometheus is spared",
        "1: it is asked nothing but whether it is back, and evidence waits; questions that were not sent meanwhile.",
        [
            (f"max by (pod, source) (watchdog_prometheus_circuit_open{{{OURS}}})", "{{pod}} {{source}}: circuit open"),
            (_sum("watchdog_queries_spared_total", "pod"), "{{pod}}: not sent"),
            (f"max by (pod, source, how) (watchdog_prometheus_eased{{{OURS}}})", "{{pod}} {{source}}: {{how}} eased"),
        ],
        width=12,
    ),
    Panel(
        "What it asks of Prometheus",
        "The size of the answers.",
        [(_sum("watchdog_query_bytes_total", "pod"), "{{pod}}")],
        unit="bytes",
        width=12,
    ),
    Panel(
        "How late it is",
        "How late a timer of the event loop rings: while it is late, nothing else happens either.",
        [(_quantile(0.99, "watchdog_loop_lag_seconds", "$__rate_interval"), "p99")],
        unit="s",
        width=12,
    ),
    Panel(
        "Rights that are missing",
        "Resources, by namespace, of which a needed verb is not granted: the log and /readyz name them.",
        [(f"max by (pod) (watchdog_rights_missing{{{OURS}}})", "{{pod}}")],
        width=12,
    ),
    Panel(
        "Health probes",
        "Failed probes in a row, on the worst pod; how long they have failed, and how old the newest round is.",
        [
            (f"max by (target, rule) (watchdog_probe_failures{{{OURS}}})", "{{target}} {{rule}}: in a row"),
            (
                f"time() - min by (target, rule) (watchdog_probe_failing_since_timestamp_seconds{{{OURS}}} > 0)",
                "{{target}} {{rule}}: failing for, s",
            ),
            (
                f"time() - max by (target, rule) (watchdog_probe_round_timestamp_seconds{{{OURS}}})",
                "{{target}} {{rule}}: newest round, s",
            ),
        ],
        width=12,
    ),
    Panel(
        "What each rule says",
        "Of open watches. no-data: the rule is blind.",
        [
            (
                f"max by (target, rule, verdict) (watchdog_rule_verdict{{{OURS}}} == 1)",
                "{{target}} {{rule}}: {{verdict}}",
            )
        ],
        width=12,
    ),
    Panel(
        "What each rule measures",
        "Of open watches, in the rule's own unit.",
        [(f"max by (target, rule) (watchdog_rule_value{{{OURS}}})", "{{target}} {{rule}}")],
        width=12,
    ),
    Panel(
        "From breach to act",
        "From the end of the block that breached to the API server's answer.",
        [(_quantile(share, "watchdog_breach_to_action_seconds", "1d"), f"p{share * 100:.0f}") for share in (0.5, 0.95)],
        unit="s",
    ),
    Panel(
        "Prometheus's answers",
        "How long a question takes.",
        [
            (_quantile(share, "watchdog_query_seconds", "$__rate_interval"), f"p{share * 100:.0f}")
            for share in (0.5, 0.99)
        ],
        unit="s",
    ),
    Panel(
        "Questions without an answer",
        "A rule that cannot ask says nothing: it never rolls back.",
        [(_sum("watchdog_query_failures_total", "reason"), "{{reason}}")],
        bad_from=1,
    ),
    Panel(
        "Told",
        "Notices by channel: sent, failed (tried again), gave-up.",
        [(_sum("watchdog_notifications_total", "channel, result"), "{{channel}} {{result}}")],
        width=12,
    ),
    Panel(
        "Memory and CPU",
        "Of its containers, as the kubelet has them.",
        [
            (f'max by (pod) (container_memory_working_set_bytes{{{OURS}, container="watchdog"}})', "{{pod}} memory"),
            (
                "sum by (pod) (rate("
                f'container_cpu_usage_seconds_total{{{OURS}, container="watchdog"}}[$__rate_interval]))',
                "{{pod}} CPU",
            ),
        ],
        width=12,
    ),
)


def dashboard() -> str:
    """The JSON that Grafana imports."""
    panels: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(PANELS, start=1):
        height = 4 if panel.kind == "stat" else _HEIGHT
        if x + panel.width > _WIDTH:
            x, y = 0, y + int(panels[-1]["gridPos"]["h"])
        panels.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": height}))
        x += panel.width
    whole = {
        "title": "Rollback watchdog",
        "uid": "rollback-watchdog",
        "tags": ["rollback-watchdog"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_SOURCE, _NAMESPACE]},
        "panels": panels,
    }
    return json.dumps(whole, indent=2) + "\n"


_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SOURCE = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
_NAMESPACE = {
    "name": "namespace",
    "type": "query",
    "label": "Installed in",
    "datasource": _DATASOURCE,
    "query": {"query": "label_values(watchdog_leader, namespace)", "refId": "namespace"},
    "refresh": 2,
    "includeAll": True,
    "multi": True,
    "allValue": ".*",
    "current": {"text": "All", "value": "$__all"},
}


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    targets = [
        {"datasource": _DATASOURCE, "expr": query, "legendFormat": legend, "refId": chr(ord("A") + at)}
        for at, (query, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "title": panel.title,
        "description": panel.says,
        "type": panel.kind,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": targets,
    }
