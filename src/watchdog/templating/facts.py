"""What a template may name: the same for every notice, "" where a notice has no such thing."""

from collections.abc import Mapping
from types import MappingProxyType

from watchdog.domain.effects import Notice
from watchdog.domain.text import cut

LINES = 60
_LINE = 600
_VALUE = 2000

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "topic": "What is told: `rolled-back`, `held` and so on.",
        "severity": "`info`, `success`, `warning` or `critical`.",
        "title": "The headline as it is told without a template.",
        "lines": "The lines below it, a list.",
        "body": "The same lines as one text.",
        "target": "`production/deployment/gateway`; empty where several targets, or none, are told of.",
        "namespace": "Its namespace.",
        "kind": "`deployment` or `service`.",
        "name": "Its name alone.",
        "guard": "The guard.",
        "watch": "The watch's id, as `watchdog explain` takes it.",
        "candidate": "What was switched to, with its image tags.",
        "stable": "What it was switched from.",
        "rule": "The rule that was broken.",
        "value": "What it measured, with its unit.",
        "limit": "Its limit, with its unit.",
        "why": "The rule's whole sentence: value, limit, evidence.",
        "requests": "How many requests that was measured on.",
        "query": "The query, as sent to Prometheus.",
        "refusal": "Why nothing was done, in a word: `shared-cause`, `paused` and so on.",
        "recovery": "`recovered`, `not-recovered` or `unknown`, after a put-back.",
        "phase": "Where the watch stands.",
        "switched": "When the traffic was switched: `2026-03-01T12:00:00+00:00`.",
        "at": "When what is told was so: `2026-03-01 12:10:30 UTC`.",
        "targets": "How many targets, where one notice tells of several.",
        "watches": "The ids of their watches, with commas between.",
        "link": "The watch's page, with `WATCHDOG_PUBLIC_URL`.",
        "runbook": "The guard's runbook.",
        "dry_run": "`true` in a dry run.",
    }
)
LISTS = frozenset({"lines"})
_OF_FACTS = (
    *("guard", "candidate", "stable", "rule", "value", "limit", "why", "requests", "query", "refusal", "recovery"),
    *("phase", "switched", "targets", "watches", "runbook", "dry_run"),
)

Values = Mapping[str, str | list[str]]


def values_of(notice: Notice) -> Values:
    """The variables of a notice. Each is cut to a length that no honest one has."""
    namespace, _, workload = notice.target.partition("/")
    kind, _, name = workload.partition("/")
    lines = [cut(line, _LINE) for line in notice.lines[:LINES]]
    texts = {
        "topic": notice.topic.value,
        "severity": notice.severity.value,
        "title": notice.title,
        "target": notice.target,
        "namespace": namespace if name else "",
        "kind": kind if name else "",
        "name": name,
        "watch": notice.watch,
        "at": f"{notice.at:%Y-%m-%d %H:%M:%S} UTC",
        "link": notice.link,
        **{fact: notice.facts.get(fact, "") for fact in _OF_FACTS},
    }
    return {**{key: cut(value, _VALUE) for key, value in texts.items()}, "lines": lines, "body": "\n".join(lines)}
