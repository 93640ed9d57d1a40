"""PagerDuty by its Events API v2: one incident a watch, opened and resolved."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx

from watchdog.adapters.jsontext import to_json
from watchdog.adapters.notifiers import text
from watchdog.adapters.notifiers.outcome import Rejected
from watchdog.adapters.notifiers.posting import Answer, Poster
from watchdog.adapters.secrets import Redactor
from watchdog.domain.channels import DEFAULT_TOPICS, RESOLVING_TOPICS, Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.text import cut
from watchdog.ports import Clock, NotDelivered

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"

_SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {
        Severity.INFO: "info",
        Severity.SUCCESS: "info",
        Severity.WARNING: "warning",
        Severity.CRITICAL: "critical",
    }
)
_SUMMARY = 1024  # PagerDuty refuses a longer one
_DEDUP_KEY = 255
_DETAIL = 4000
_DETAILS = 400_000  # bytes of all details: PagerDuty refuses an event of more than 512 KB
_SHORT = 1024
_URL = 8000
_LINKS = 20


class PagerDutyNotifier:
    """One service's integration key. The watch's id is the incident's key, so a repeat opens nothing twice.

    A notice that belongs to no watch (an invalid rules.toml) opens an incident of its topic, which a person closes.
    """

    resolves = True

    def __init__(
        self,
        name: str,
        routing_key: str,
        clock: Clock,
        *,
        on: frozenset[Topic] = DEFAULT_TOPICS,
        url: str = EVENTS_URL,
        deadline: float = 10.0,
    ) -> None:
        self.name = name
        self._routing_key = routing_key
        self._on = on
        self._url = url
        self._redact = Redactor(routing_key)
        self._poster = Poster(clock, deadline=deadline, proxies=True)

    def __repr__(self) -> str:
        return f"<PagerDutyNotifier {self.name}>"

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`: what ends an incident always, whatever `on` says."""
        return topic in self._on or topic in RESOLVING_TOPICS

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Trigger or resolve, once, within the deadline; raises `NotDelivered`, or `Rejected` for a 400."""
        del possible_repeat  # PagerDuty drops a repeat by its key
        self._judge(await self._poster.post(self._url, to_json(self._event(notice)), {}))

    async def close(self) -> None:
        """Close the client."""
        await self._poster.close()

    def _judge(self, answer: Answer) -> None:
        if answer.status == httpx.codes.ACCEPTED:
            return
        detail = self._redact(f"answered {answer.status}{_reason(answer.body)}")
        if answer.status == httpx.codes.BAD_REQUEST:
            raise Rejected(detail)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            raise NotDelivered(detail, retry_after=answer.retry_after)
        raise NotDelivered(detail, unsure=answer.status < 300)

    def _event(self, notice: Notice) -> Mapping[str, Any]:
        event: dict[str, Any] = {
            "routing_key": self._routing_key,
            "event_action": "resolve" if notice.topic in RESOLVING_TOPICS else "trigger",
            "dedup_key": cut(notice.watch or f"rollback-watchdog/{notice.topic}/{notice.target}", _DEDUP_KEY),
        }
        if notice.topic in RESOLVING_TOPICS:
            return event
        namespace, _, name = notice.target.partition("/")
        event["client"] = "rollback-watchdog"
        event["payload"] = {
            "summary": text.title(notice, possible_repeat=False, limit=_SUMMARY) or notice.topic.value,
            "source": cut(notice.target, _SHORT) or "rollback-watchdog",
            "severity": _SEVERITIES[notice.severity],
            "timestamp": notice.at.isoformat(),
            "component": cut(name, _SHORT) or "rollback-watchdog",
            "group": cut(namespace, _SHORT),
            "class": notice.topic.value,
            "custom_details": _details(notice),
        }
        links = [{"href": url, "text": cut(name, _SHORT)} for name, url in text.links(notice) if len(url) <= _URL]
        if links:
            event["links"] = links[:_LINKS]
            event["client_url"] = links[0]["href"]
        return event


def _details(notice: Notice) -> dict[str, Any]:
    """Every number as it was measured, and the story; within what an event may weigh, whatever people wrote."""
    room = _DETAILS
    details: dict[str, Any] = {"notice": cut(notice.id, _SHORT)}
    for key, value in notice.facts.items():
        shown = cut(value, _DETAIL)
        room -= _weight(key) + _weight(shown)
        if room >= 0:
            details[cut(key, _SHORT)] = shown
    story = []
    for line in notice.lines:
        shown = cut(line, _DETAIL)
        room -= _weight(shown)
        if room < 0:
            story.append("…")
            break
        story.append(shown)
    return {**details, "story": story}


def _weight(words: str) -> int:
    return len(to_json(words)) + 8


def _reason(body: bytes) -> str:
    """What PagerDuty's own error document says; nothing of an HTML page."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors")
    said = [str(document.get("message", "")), *map(str, errors if isinstance(errors, list) else [])]
    words = "; ".join(" ".join(text.split()) for text in said if text)
    return f": {cut(words, 200)}" if words.isprintable() and words else ""
