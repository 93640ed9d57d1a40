"""A notice of each kind, for looking at what a template makes of it before there is any."""

from collections.abc import Iterator
from datetime import UTC, datetime

from watchdog.domain.channels import Topic
from watchdog.domain.digest import digest, family
from watchdog.domain.effects import Notice, Severity

_FACTS = {
    "guard": "example",
    "candidate": "example-7c9f (example:1.4.2)",
    "stable": "example-5d4f (example:1.4.1)",
    "rule": "error-rate",
    "value": "8.1 %",
    "limit": "5 %",
    "why": "http_error_rate 8.1 % > 5 %; 162 of 2,000 requests",
    "requests": "2000",
    "query": 'sum(rate(http_requests_total{status=~"5.."}[1m]))',
    "refusal": "shared-cause",
    "recovery": "recovered",
    "phase": "baking",
    "switched": "2026-03-01T12:00:00+00:00",
    "runbook": "https://wiki.example.org/releases",
}


def full(topic: Topic) -> Notice:
    """A notice that has everything."""
    return Notice(
        id=f"example/{topic}",
        topic=topic,
        severity=Severity.CRITICAL,
        watch="example-20260301t120000-0a1b2c3d",
        target="example/deployment/example",
        title=f"example/deployment/example: {_FACTS['candidate']} {topic}: error-rate: http_error_rate 8.1 % > 5 %",
        lines=("Candidate example-7c9f, stable example-5d4f", "Rule error-rate: http_error_rate 8.1 % > 5 %"),
        at=datetime(2026, 3, 1, 12, 10, 30, tzinfo=UTC),
        link="https://watchdog.example.org/watches/example-20260301t120000-0a1b2c3d",
        facts=_FACTS,
    )


def samples() -> Iterator[Notice]:
    """Of each topic one that has everything, one of a watch that measured nothing, one of several watches, and none."""
    for topic in Topic:
        whole = full(topic)
        yield whole
        yield Notice(whole.id, topic, Severity.INFO, whole.watch, whole.target, whole.title, (), whole.at)
        if family(whole) is not None:
            yield digest((whole, whole))
        yield Notice(whole.id, topic, Severity.WARNING, "", "rules.toml", whole.title, whole.lines, whole.at)
