"""Channels, and what they may be told, as `watchdog.rulebook` reads them from rules.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Topic(StrEnum):
    """What a channel may be told; the values of `on` in rules.toml, but for those of a dry run."""

    SWITCH = "switch"
    PASSED = "passed"
    BREACH = "breach"
    ROLLED_BACK = "rolled-back"
    WOULD_ROLL_BACK = "would-roll-back"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not-recovered"
    HELD = "held"
    FAILED = "failed"
    NOTIFIED = "notified"
    INCONCLUSIVE = "inconclusive"
    SUPERSEDED = "superseded"
    RULES_INVALID = "rules-invalid"
    UNGUARDED = "unguarded"


DRY_TOPICS = frozenset({Topic.WOULD_ROLL_BACK})
"""What only a dry run tells: whoever wants to hear of the rollback hears that it would be one."""

QUIET_TOPICS = frozenset({Topic.SWITCH, Topic.PASSED, Topic.SUPERSEDED})
DEFAULT_TOPICS = frozenset(Topic) - QUIET_TOPICS

RESOLVING_TOPICS = frozenset({Topic.RECOVERED, Topic.PASSED, Topic.SUPERSEDED})
"""What ends an incident, whatever `on` says."""


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """An Alertmanager that is told. `labels` are added to those of each alert."""

    url: str
    token: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """A webhook for programs; each event is signed with `key`."""

    url: str
    key: str
    source: str = "/rollback-watchdog"


ANNOTATED_TOPICS = frozenset(Topic) - {Topic.BREACH, Topic.RULES_INVALID, Topic.UNGUARDED}
"""What a graph is annotated with, unless `on` says otherwise: the switch, and how it ended."""


@dataclass(frozen=True, slots=True)
class Grafana:
    """A Grafana that is annotated: `dashboards` by their UIDs, or for all that ask for the tag."""

    url: str
    token: str
    dashboards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A channel's own words: None where the usual ones are told."""

    title: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Where people are told: one of `url` (Apprise), `routing_key` (PagerDuty) and so on.

    Their texts may hold `{{ secret.NAME }}`, unresolved.
    """

    name: str
    on: frozenset[Topic] = DEFAULT_TOPICS
    url: str | None = None
    routing_key: str | None = None
    alertmanager: Alertmanager | None = None
    cloudevents: CloudEvents | None = None
    template: Template | None = None
    grafana: Grafana | None = None

    @property
    def kind(self) -> str:
        """The key of rules.toml that says where it leads."""
        kinds = {
            "pagerduty": self.routing_key,
            "alertmanager": self.alertmanager,
            "cloudevents": self.cloudevents,
            "grafana": self.grafana,
        }
        return next((kind for kind, place in kinds.items() if place is not None), "url")
