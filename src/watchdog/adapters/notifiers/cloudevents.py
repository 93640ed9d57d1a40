"""Notices for programs: CloudEvents 1.0 in structured mode, signed as Standard Webhooks asks for."""

import base64
import binascii
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import httpx

from watchdog.adapters.jsontext import to_json
from watchdog.adapters.notifiers import text
from watchdog.adapters.notifiers.outcome import Rejected
from watchdog.adapters.notifiers.posting import Poster, word_of
from watchdog.adapters.secrets import Redactor
from watchdog.domain.channels import DEFAULT_TOPICS, Topic
from watchdog.domain.effects import Notice
from watchdog.domain.text import cut
from watchdog.ports import Clock, NotDelivered

TYPE = "dev.rollback-watchdog.notice"
SHORTEST_KEY = 24  # bytes: Standard Webhooks asks for no fewer
_FACT = 4000
_STORY = 100
_HEADER = 500
_GONE = 410  # Standard Webhooks: whoever answers this wants no more


class CloudEventsNotifier:
    """One receiver. An event's `id` is its notice's, so a repeat is known by `source` and `id`."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        clock: Clock,
        *,
        source: str = "/rollback-watchdog",
        on: frozenset[Topic] = DEFAULT_TOPICS,
        deadline: float = 10.0,
    ) -> None:
        self.name = name
        self._url = url
        self._key = key_bytes(key)
        self._clock = clock
        self._source = source
        self._on = on
        self._redact = Redactor(url, key)
        self._poster = Poster(clock, deadline=deadline, proxies=True)

    def __repr__(self) -> str:
        return f"<CloudEventsNotifier {self.name}>"

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`."""
        return topic in self._on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Post, once, signed at this moment; any 2xx means taken. Raises `NotDelivered`, or `Rejected` for a 400."""
        content = to_json(self._event(notice, possible_repeat=possible_repeat))
        identity = quote(notice.id, safe="/:.-_ ")[:_HEADER]
        at = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": identity,
            "webhook-timestamp": at,
            "webhook-signature": signature(self._key, identity, at, content),
        }
        answer = await self._poster.post(self._url, content, headers)
        if 200 <= answer.status < 300:
            return
        detail = self._redact(f"answered {answer.status}{word_of(answer.body.decode(errors='replace'))}")
        if answer.status in (httpx.codes.BAD_REQUEST, _GONE):
            raise Rejected(detail)
        raise NotDelivered(detail, retry_after=answer.retry_after)

    async def close(self) -> None:
        """Close the client."""
        await self._poster.close()

    def _event(self, notice: Notice, *, possible_repeat: bool) -> dict[str, Any]:
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": notice.id,
            "source": self._source,
            "type": f"{TYPE}.{notice.topic}",
            "time": notice.at.isoformat(),
            "datacontenttype": "application/json",
            "data": {
                "topic": notice.topic,
                "severity": notice.severity,
                "watch": notice.watch,
                "target": notice.target,
                "title": notice.title,
                "lines": [cut(line, _FACT) for line in notice.lines[:_STORY]],
                "facts": {key: cut(value, _FACT) for key, value in notice.facts.items()},
                "links": dict(text.links(notice)),
                "possible_repeat": possible_repeat,
            },
        }
        return event | ({"subject": notice.target} if notice.target else {})


def key_bytes(key: str) -> bytes:
    """The key as it signs: what stands after `whsec_` in base64, else the text itself. Raises ValueError: too short."""
    raw = key.encode()
    if key.startswith("whsec_"):
        try:
            raw = base64.b64decode(key.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("its key begins with whsec_, and what follows is no base64") from None
    if len(raw) < SHORTEST_KEY:
        raise ValueError(f"its key is shorter than {SHORTEST_KEY} bytes; make one with `openssl rand -base64 32`")
    return raw


def signature(key: bytes, identity: str, at: str, content: str) -> str:
    """`v1,` and the HMAC with SHA-256, in base64, of the id, the time in seconds and the body, with dots between."""
    signed = hmac.new(key, f"{identity}.{at}.{content}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
