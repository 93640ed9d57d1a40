"""Whatever people wrote, each service gets what it publishes to take: every request as it is sent, against a schema."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from unittest import mock

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.notifiers.grafana import CREATED, LONGEST_TAGS, PATCHED
from adapters.notifiers.published import (
    ALERTMANAGER,
    CLOUDEVENTS,
    PAGERDUTY,
    PAGERDUTY_IN_ALL,
    SLACK,
    SLACK_IN_ALL,
    Schema,
)
from adapters.notifiers.standin import AT, a_notice
from watchdog.adapters.dry_run import MarkedNotifier
from watchdog.adapters.notifiers import (
    AlertmanagerNotifier,
    CloudEventsNotifier,
    GrafanaNotifier,
    PagerDutyNotifier,
    SlackNotifier,
)
from watchdog.adapters.notifiers.posting import Answer
from watchdog.adapters.notifiers.slack import SlackAddress
from watchdog.adapters.notifiers.worded import WordedNotifier
from watchdog.domain.channels import Template, Topic
from watchdog.domain.digest import digest
from watchdog.domain.effects import Notice, Severity
from watchdog.simulator.clock import SimulatedClock
from watchdog.templating import Wording

KEY = "0123456789abcdef0123456789abcdef"
_CHECKS = jsonschema.FormatChecker(formats=())
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[]!#$&'()*+,./:;=?@\[_~%A-Za-z0-9-]+")  # RFC 3986


@_CHECKS.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_CHECKS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


@_CHECKS.checks("uri-reference")
def _is_reference(value: object) -> bool:
    return not isinstance(value, str) or _URI.fullmatch(f"x:{value}") is not None


@dataclass
class Wire:
    """Takes each request as it would leave, and answers as the service does that takes all of them."""

    answers: Callable[[str, Any], Any]
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def post(self, url: str, content: str, headers: dict[str, str]) -> Answer:
        return await self.ask("POST", url, content, headers)

    async def ask(self, method: str, url: str, content: str, headers: dict[str, str]) -> Answer:
        for name, value in headers.items():
            assert "\n" not in name + value
            (name + value).encode("ascii")
        self.sent.append((method, content))
        status, body = self.answers(method, json.loads(content) if content else None)
        return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Service:
    """A channel of one kind, what its service answers, and the schema of what it is sent by each method."""

    make: Callable[[SimulatedClock], Any]
    answers: Callable[[str, Any], Any]
    schemas: dict[str, Schema]
    bytes: int = 1_000_000

    def requests(self, notices: list[Notice], wrap: Callable[[Any], Any]) -> list[tuple[str, str]]:
        """What is sent of these notices."""

        async def tell() -> list[tuple[str, str]]:
            with mock.patch("watchdog.adapters.notifiers.posting.httpx.AsyncClient"):  # it would read certificates
                notifier = self.make(SimulatedClock(AT))
            wire = notifier._poster = Wire(self.answers)
            channel = wrap(notifier)
            for number, notice in enumerate(notices):
                await channel.send(notice, possible_repeat=number % 2 == 1)
            return wire.sent

        return asyncio.run(tell())


def _slack_takes(method: str, body: Any) -> Any:
    return 200, {"ok": True, "channel": "C0123", "ts": "1700000000.000100"}


def _grafana_has(method: str, body: Any) -> Any:
    return 200, [{"id": 1, "dashboardUID": "", "timeEnd": 0}] if method == "GET" else {"message": "done", "id": 1}


BOT = SlackAddress("https://slack.com/api/chat.postMessage", "xoxb-1", ("#releases", "C0123:1700000000.0001"))
SERVICES = {
    "slack bot": Service(lambda clock: SlackNotifier("c", BOT, clock), _slack_takes, {"POST": SLACK}),
    "slack webhook": Service(
        lambda clock: SlackNotifier("c", SlackAddress("https://hooks.slack.com/x", username="watchdog"), clock),
        lambda method, body: (200, b"ok"),
        {"POST": SLACK},
    ),
    "slack webhook that refuses blocks": Service(
        lambda clock: SlackNotifier("c", SlackAddress("https://hooks.slack.com/x"), clock),
        lambda method, body: (400, b"invalid_blocks") if "blocks" in body else (200, b"ok"),
        {"POST": SLACK},
    ),
    "pagerduty": Service(
        lambda clock: PagerDutyNotifier("c", KEY, clock),
        lambda method, body: (202, {"status": "success"}),
        {"POST": PAGERDUTY},
        PAGERDUTY_IN_ALL,
    ),
    "alertmanager": Service(
        lambda clock: AlertmanagerNotifier("c", "http://alertmanager:9093", clock, labels={"team": "shop"}),
        lambda method, body: (200, b""),
        {"POST": ALERTMANAGER},
    ),
    "cloudevents": Service(
        lambda clock: CloudEventsNotifier("c", "https://hooks.example.org", KEY, clock),
        lambda method, body: (204, b""),
        {"POST": CLOUDEVENTS},
    ),
    "grafana": Service(
        lambda clock: GrafanaNotifier("c", "https://g.example.org", KEY, clock), _grafana_has, {"PATCH": PATCHED}
    ),
    "grafana that has nothing": Service(
        lambda clock: GrafanaNotifier("c", "https://g.example.org", KEY, clock, dashboards=("a", "b")),
        lambda method, body: (200, [] if method == "GET" else {"id": 1}),
        {"POST": CREATED},
    ),
}

_OWN = Wording(Template("{{ target }} {{ title }} <!channel>", "{{ body }}\n{{ why }} {{ query }}"))
WRAPS: dict[str, Callable[[Any], Any]] = {
    "": lambda notifier: notifier,
    "dry run": MarkedNotifier,
    "own words": lambda notifier: WordedNotifier(notifier, _OWN),
}
HOSTILE = (
    "<!channel> <@U123|boss> & <https://evil.example|click> *bold* @here @everyone \n\n\u202edlrow\u2066\x00",
    "<script>alert(1)</script>\"'&{{ .Labels }}",
    "<" * 10_000,
    "\U0001f525" * 10_000,
    "ü" * 4_000,
    "\ud7ff\uffff\u2028",
    " \n\t",
)
words = st.one_of(st.text(max_size=80), st.sampled_from(HOSTILE))
places = st.one_of(st.sampled_from(["", "javascript:alert(1)", "https://w/" + "q" * 9000, "http://p/<|>\n"]), words)
notices = st.builds(
    a_notice,
    id=words.filter(bool),
    title=words,
    target=words,
    watch=words,
    lines=st.lists(words, max_size=60).map(tuple),
    facts=st.dictionaries(st.one_of(st.sampled_from(["guard", "rule", "runbook", "query", "switched"]), words), words),
    link=places,
    links=st.dictionaries(words, places, max_size=30),
    topic=st.sampled_from(Topic),
    severity=st.sampled_from(Severity),
)


def told(drawn: list[Notice]) -> list[Notice]:
    """The notices, and for people who are told of several at once, all of them as one."""
    one = drawn[0]
    family = [replace(notice, topic=Topic.HELD, watch=f"w{number}") for number, notice in enumerate(drawn)]
    return [*drawn, replace(one, id=f"{one.id}/2"), digest(family)]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=12)
@given(drawn=st.lists(notices, min_size=1, max_size=3))
def test_whatever_people_wrote_each_request_is_of_the_published_form(
    service: str, wrap: str, drawn: list[Notice]
) -> None:
    kind = SERVICES[service]
    sent = kind.requests(told(drawn), WRAPS[wrap])
    bodies = [(method, content) for method, content in sent if content]
    assert bodies
    for method, content in bodies:
        assert len(content.encode()) <= kind.bytes
        body = json.loads(content)
        validator = jsonschema.Draft202012Validator(kind.schemas[method], format_checker=_CHECKS)
        assert [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)] == []
        if "slack" in service:
            assert _length_in_blocks(body.get("blocks", [])) <= SLACK_IN_ALL
            _within_utf16(body.get("blocks", []))
        if "grafana" in service:
            assert len(json.dumps(body["tags"])) <= LONGEST_TAGS


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in _texts(value)]
    return [text for item in node for text in _texts(item)] if isinstance(node, list) else []


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _length_in_blocks(blocks: list[Any]) -> int:
    return sum(map(_utf16, _texts(blocks)))


def _within_utf16(blocks: list[Any]) -> None:
    most = {"header": 150, "section": 3000, "context": 3000, "actions": 75}
    for block in blocks:
        assert all(_utf16(text) <= most[block["type"]] for text in _texts(block))


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        (SLACK, {"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}),
        (SLACK, {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}),
        (SLACK, {"text": "x", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": ""}}]}),
        (SLACK, {"text": "x", "blocks": [{"type": "actions", "elements": []}]}),
        (SLACK, {"text": "x", "blocks": [{"type": "divider"}] * 51}),
        (PAGERDUTY, {"routing_key": KEY, "event_action": "trigger", "dedup_key": "x"}),
        (PAGERDUTY, {"routing_key": KEY, "event_action": "resolve", "dedup_key": "x" * 256}),
        (ALERTMANAGER, [{"labels": {"alertname": "x", "my-label": "x"}}]),
        (ALERTMANAGER, []),
        (CLOUDEVENTS, {"id": "", "source": "/x", "specversion": "1.0", "type": "x"}),
        (CLOUDEVENTS, {"id": "1", "source": "/x", "specversion": "1.0", "type": "x", "time": "2026-01-01T00:00:00"}),
    ],
)
def test_the_schemas_refuse_what_the_services_refuse(schema: Schema, wrong: Any) -> None:
    assert not jsonschema.Draft202012Validator(schema, format_checker=_CHECKS).is_valid(wrong)
