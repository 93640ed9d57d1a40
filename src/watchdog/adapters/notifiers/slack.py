"""Slack by its own HTTP: an incoming webhook, or a bot's token with a thread for each watch."""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import httpx

from watchdog.adapters.jsontext import to_json
from watchdog.adapters.notifiers.posting import Answer, Poster, word_of
from watchdog.adapters.notifiers.slack_blocks import ends_well, message, only_text
from watchdog.adapters.secrets import Redactor
from watchdog.domain.channels import DEFAULT_TOPICS, Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.ports import Clock, NotDelivered

_REMEMBERED = 500  # stories of which the thread is known
_ECHO = 256 * 1024  # bytes of an answer to a bot, which repeats the message
# What Slack says to a message that it would take in a simpler form.
_FORM = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_payload"})
_NO_THREAD = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})


@dataclass(frozen=True, slots=True)
class SlackAddress:
    """Where a `slack://` URL leads: `url` is called; with a bot's `token` its `channels`, else the webhook's own."""

    url: str = field(repr=False)
    token: str = field(default="", repr=False)
    channels: tuple[str | None, ...] = (None,)
    username: str = ""


@dataclass(slots=True)
class _Told:
    """What is known of a story in one room: the message that began it."""

    room: str | None
    thread: str = ""


class SlackNotifier:
    """One or several rooms of Slack, told with blocks and buttons.

    With a bot's token what follows up goes into the thread of the story's first message, and is shown in the room as
    well where somebody has to do something. The threads are known to this process alone: after a restart, and with a
    webhook, which knows no threads, what only ends a story is a short message of its own.
    """

    gathers = True

    def __init__(
        self,
        name: str,
        address: SlackAddress,
        clock: Clock,
        *,
        secret: str = "",
        on: frozenset[Topic] = DEFAULT_TOPICS,
        deadline: float = 10.0,
    ) -> None:
        self.name = name
        self._address = address
        self._on = on
        self._redact = Redactor(address.url, *(one for one in (address.token, secret) if one))
        self._poster = Poster(clock, deadline=deadline, proxies=True, answer_bytes=_ECHO)
        self._told: OrderedDict[tuple[str, str | None], _Told] = OrderedDict()
        self._done: OrderedDict[str, set[str | None]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<SlackNotifier {self.name}: {'bot' if self._address.token else 'webhook'}>"

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`."""
        return topic in self._on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Post to each room, once; raises `NotDelivered`. A room that was told is left out when it is tried again."""
        done = self._done.setdefault(notice.id, set())
        _bound(self._done)
        for room in self._address.channels:
            if room not in done:
                await self._tell(room, notice, possible_repeat=possible_repeat)
                done.add(room)
        self._done.pop(notice.id, None)

    async def close(self) -> None:
        """Close the client."""
        await self._poster.close()

    async def _tell(self, room: str | None, notice: Notice, *, possible_repeat: bool) -> None:
        key = (notice.watch, room)
        before = self._told.get(key) if notice.watch else None
        payload = message(notice, possible_repeat=possible_repeat, short=self._is_short(notice, before))
        where = self._where(room, notice, before)
        said, refused = await self._post({**payload, **where})
        if refused in _NO_THREAD:
            before, where = None, self._where(room, notice, None)
            said, refused = await self._post({**payload, **where})
        if refused in _FORM:
            said, refused = await self._post({**only_text(notice, possible_repeat=possible_repeat), **where})
        if refused:
            raise NotDelivered(f"refused: {refused}")
        if notice.watch and before is None:
            self._remember(key, _Told(said.get("channel"), str(said.get("ts") or "")))

    def _is_short(self, notice: Notice, before: _Told | None) -> bool:
        if before is not None and before.thread:
            return False  # in a thread the whole story is in nobody's way
        return ends_well(notice) and (before is not None or notice.topic is Topic.RECOVERED)

    def _where(self, room: str | None, notice: Notice, before: _Told | None) -> dict[str, Any]:
        where: dict[str, Any] = {"username": self._address.username} if self._address.username else {}
        channel, _, thread = (room or "").partition(":")
        if channel:
            where["channel"] = channel
        if before is not None and before.thread:
            loud = notice.severity in (Severity.CRITICAL, Severity.WARNING)
            where |= {"channel": before.room or channel, "thread_ts": before.thread, "reply_broadcast": loud}
        elif thread:
            where["thread_ts"] = thread
        return where

    async def _post(self, payload: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """What Slack says, and the word by which it refuses this form or thread. Raises `NotDelivered`."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._address.token:
            headers["Authorization"] = f"Bearer {self._address.token}"
        answer = await self._poster.post(self._address.url, to_json(payload), headers)
        return self._bots(answer) if self._address.token else self._hooks(answer)

    def _hooks(self, answer: Answer) -> tuple[dict[str, Any], str]:
        body = answer.body.decode(errors="replace").strip()
        if answer.status == httpx.codes.OK and body == "ok":
            return {}, ""
        if answer.status == httpx.codes.BAD_REQUEST and body in _FORM:
            return {}, body
        raise self._failed(answer, word_of(body))

    def _bots(self, answer: Answer) -> tuple[dict[str, Any], str]:
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = None
        if not isinstance(said, dict) or answer.status != httpx.codes.OK or "ok" not in said:
            raise self._failed(answer, "")
        if said["ok"] is True:
            return said, ""
        error = str(said.get("error", ""))
        if error in _FORM | _NO_THREAD:
            return said, error
        raise NotDelivered(self._redact(f"refused{word_of(error)}"), retry_after=answer.retry_after)

    def _failed(self, answer: Answer, word: str) -> NotDelivered:
        detail = self._redact(f"answered {answer.status}{word}")
        # A 2xx that is not what Slack says when it took a message: a proxy's page, or a changed service.
        return NotDelivered(detail, unsure=answer.status < 300, retry_after=answer.retry_after)

    def _remember(self, key: tuple[str, str | None], told: _Told) -> None:
        self._told[key] = told
        _bound(self._told)


def _bound(known: OrderedDict[Any, Any]) -> None:
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
