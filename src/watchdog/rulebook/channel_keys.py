"""`[channels.NAME]`: its keys, and how they become a channel."""

from collections.abc import Mapping

from watchdog.domain.channels import (
    ANNOTATED_TOPICS,
    DEFAULT_TOPICS,
    DRY_TOPICS,
    Alertmanager,
    Channel,
    CloudEvents,
    Grafana,
    Template,
    Topic,
)
from watchdog.rulebook import channel_urls, names
from watchdog.rulebook.notice_templates import template_of
from watchdog.rulebook.shapes import Choice, ListOf, MapOf, Text, words
from watchdog.rulebook.tables import Fields, Key, Section, TableOf


def _web_address(example: str) -> Text[str]:
    return Text("web address", f'"{example}"', channel_urls.parse_web_address, templates=True)


ROUTING_KEY: Key[str | None] = Key(
    "routing_key",
    channel_urls.secret("routing key", "PAGERDUTY_KEY"),
    "The integration key of an Events API v2 service, as a secret.",
    None,
    "needed",
    required=True,
)
PAGERDUTY = Section("pagerduty", "table", (ROUTING_KEY,))

ALERTMANAGER_URL: Key[str | None] = Key(
    "url",
    _web_address("http://alertmanager.monitoring:9093"),
    "Where Alertmanager is; `/api/v2/alerts` is added.",
    None,
    "needed",
    required=True,
)
ALERTMANAGER_TOKEN: Key[str | None] = Key(
    "token",
    channel_urls.secret("token", "ALERTMANAGER_TOKEN"),
    "A bearer token for whatever stands before it, as a secret.",
    None,
)
ALERT_LABELS: Key[Mapping[str, str]] = Key(
    "labels",
    MapOf(
        "table of texts",
        '{ team = "shop" }',
        Text("text", '"shop"', str),
        names.parse_label_name,
        names.LABEL_NAME_PATTERN,
    ),
    "Labels that each alert gets, for your routes.",
    {},
    "none",
)
ALERTMANAGER = Section("alertmanager", "table", (ALERTMANAGER_URL, ALERTMANAGER_TOKEN, ALERT_LABELS))

WEBHOOK_URL: Key[str | None] = Key(
    "url",
    _web_address("https://hooks.example.org/releases"),
    "Where each event is posted.",
    None,
    "needed",
    required=True,
)
WEBHOOK_KEY: Key[str | None] = Key(
    "key",
    channel_urls.secret("key", "WEBHOOK_KEY"),
    "What each event is signed with (HMAC with SHA-256), as a secret.",
    None,
    "needed",
    required=True,
)
SOURCE: Key[str] = Key(
    "source",
    Text("URI reference", '"/clusters/eu/rollback-watchdog"', channel_urls.parse_source),
    "The events' `source`: which watchdog it is, where a receiver hears several.",
    "/rollback-watchdog",
    '`"/rollback-watchdog"`',
)
CLOUDEVENTS = Section("cloudevents", "table", (WEBHOOK_URL, WEBHOOK_KEY, SOURCE))

GRAFANA_URL: Key[str | None] = Key(
    "url",
    _web_address("https://grafana.example.org"),
    "Where Grafana is; `/api/annotations` is added.",
    None,
    "needed",
    required=True,
)
GRAFANA_TOKEN: Key[str | None] = Key(
    "token",
    channel_urls.secret("token", "GRAFANA_TOKEN"),
    "A service account's token, as a secret.",
    None,
    "needed",
    required=True,
)
DASHBOARDS: Key[tuple[str, ...]] = Key(
    "dashboards",
    ListOf(Text("UID", '"shop-overview"', channel_urls.parse_uid), "UIDs"),
    "The dashboards that are annotated; without it, all that show the tag `rollback-watchdog`.",
    (),
    "all that show the tag",
)
GRAFANA = Section("grafana", "table", (GRAFANA_URL, GRAFANA_TOKEN, DASHBOARDS))

TITLE: Key[str | None] = Key(
    "title",
    Text("template", '"{{ target }}: {{ title }}"', template_of("title"), templates=True),
    "The one line that tells the story; without it, or where it makes nothing, the usual one.",
    None,
    "the usual one",
)
BODY: Key[str | None] = Key(
    "body",
    Text("template", '"{{ body }}"', template_of("body"), templates=True),
    "The lines below it.",
    None,
    "the usual ones",
)
TEMPLATE = Section("template", "template", (TITLE, BODY))

URL: Key[str | None] = Key(
    "url",
    Text("channel URL", '"{{ secret.SLACK_URL }}"', channel_urls.parse_url, templates=True),
    "An Apprise URL of an allowed scheme.",
    None,
)
PAGERDUTY_KEY: Key[Fields | None] = Key(
    "pagerduty",
    TableOf(PAGERDUTY, '{ routing_key = "{{ secret.PAGERDUTY_KEY }}" }'),
    "One incident for each watch, triggered and resolved.",
    None,
)
ALERTMANAGER_KEY: Key[Fields | None] = Key(
    "alertmanager",
    TableOf(ALERTMANAGER, '{ url = "http://alertmanager.monitoring:9093" }'),
    "One alert for each watch, firing and resolved.",
    None,
)
CLOUDEVENTS_KEY: Key[Fields | None] = Key(
    "cloudevents",
    TableOf(CLOUDEVENTS, '{ url = "https://hooks.example.org/releases", key = "{{ secret.WEBHOOK_KEY }}" }'),
    "A signed CloudEvent for each notice, for programs.",
    None,
)
GRAFANA_KEY: Key[Fields | None] = Key(
    "grafana",
    TableOf(GRAFANA, '{ url = "https://grafana.example.org", token = "{{ secret.GRAFANA_TOKEN }}" }'),
    "An annotation on your graphs for each watch, from the switch to its outcome.",
    None,
)
ON: Key[tuple[Topic, ...]] = Key(
    "on",
    ListOf(Choice("topic", words(topic for topic in Topic if topic not in DRY_TOPICS)), "topics"),
    "What the channel is told of (see Topics).",
    tuple(topic for topic in Topic if topic in DEFAULT_TOPICS),
    "all but `switch`, `passed`, `superseded`; of `grafana` the switch and each outcome",
)
TEMPLATE_KEY: Key[Fields | None] = Key(
    "template",
    TableOf(TEMPLATE, '{ title = "{{ target }}: {{ title }}" }'),
    "Your own words for its notices.",
    None,
)
_KINDS = (URL, PAGERDUTY_KEY, ALERTMANAGER_KEY, CLOUDEVENTS_KEY, GRAFANA_KEY)
CHANNEL = Section(
    "[channels.NAME]", "channel", (*_KINDS, ON, TEMPLATE_KEY), tuple({"required": [key.name]} for key in _KINDS)
)


def read_channel(name: str, fields: Fields) -> Channel:
    """The channel of a table, which leads to exactly one place; notes what is wrong with it."""
    written = sorted((key for key in _KINDS if fields.has(key)), key=fields.key_at)
    if not written:
        remedy = 'add url = "{{ secret.NAME }}", or one of pagerduty, alertmanager, cloudevents and grafana'
        fields.mistakes.add(fields.node.key_at, "the channel leads nowhere", remedy)
    elif len(written) > 1:
        both = f"the channel has both {written[0].name} and {written[1].name}"
        fields.mistakes.add(fields.key_at(written[1]), both, "write two channels")
    pagerduty = fields.get(PAGERDUTY_KEY)
    annotates = fields.has(GRAFANA_KEY) and not fields.has(ON)
    return Channel(
        name,
        ANNOTATED_TOPICS if annotates else frozenset(fields.get(ON)),
        fields.get(URL),
        pagerduty.get(ROUTING_KEY) if pagerduty is not None else None,
        _alertmanager(fields.get(ALERTMANAGER_KEY)),
        _cloudevents(fields.get(CLOUDEVENTS_KEY)),
        _template(fields.get(TEMPLATE_KEY)),
        _grafana(fields.get(GRAFANA_KEY)),
    )


def _grafana(table: Fields | None) -> Grafana | None:
    url, token = (None, None) if table is None else (table.get(GRAFANA_URL), table.get(GRAFANA_TOKEN))
    if table is None or url is None or token is None:
        return None
    return Grafana(url, token, table.get(DASHBOARDS))


def _template(table: Fields | None) -> Template | None:
    if table is None:
        return None
    if not table.has(TITLE) and not table.has(BODY):
        table.mistakes.add(
            table.node.key_at, "the template has no title and no body", f"add title = {TITLE.shape.example}"
        )
    return Template(table.get(TITLE), table.get(BODY))


def _alertmanager(table: Fields | None) -> Alertmanager | None:
    url = None if table is None else table.get(ALERTMANAGER_URL)
    if table is None or url is None:
        return None
    return Alertmanager(url, table.get(ALERTMANAGER_TOKEN), table.get(ALERT_LABELS))


def _cloudevents(table: Fields | None) -> CloudEvents | None:
    url, key = (None, None) if table is None else (table.get(WEBHOOK_URL), table.get(WEBHOOK_KEY))
    if table is None or url is None or key is None:
        return None
    return CloudEvents(url, key, table.get(SOURCE))
