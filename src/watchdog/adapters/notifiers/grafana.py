"""Grafana by its annotations API: what happened to a release, on the graphs that people look at anyway."""

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from watchdog.adapters.jsontext import to_json
from watchdog.adapters.notifiers import text
from watchdog.adapters.notifiers.outcome import Rejected
from watchdog.adapters.notifiers.posting import Answer, Poster
from watchdog.adapters.secrets import Redactor
from watchdog.domain.channels import ANNOTATED_TOPICS, Topic
from watchdog.domain.effects import Notice
from watchdog.domain.reminding import is_reminder
from watchdog.domain.text import cut
from watchdog.domain.trial import MARK
from watchdog.ports import Clock, NotDelivered

ANNOTATIONS = "/api/annotations"
TAG = "rollback-watchdog"
TAG_OF_TESTS = "rollback-watchdog-test"

_TAG, _TAGS = 90, 480  # characters: Grafana takes 100 of a tag's name or value, and 500 of all tags as JSON
_TEXT = 4000
_FOUND = 256 * 1024  # bytes of what was found


class GrafanaNotifier:
    """One Grafana. A watch has one annotation on each dashboard: made at its switch, and grown to each later notice.

    It is found again by the watch's id among its tags, so a repeat makes no second one, whoever made the first:
    this process, another replica, or one before it.
    """

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        clock: Clock,
        *,
        dashboards: Sequence[str] = (),
        on: frozenset[Topic] = ANNOTATED_TOPICS,
        deadline: float = 10.0,
    ) -> None:
        self.name = name
        self._url = url.rstrip("/").removesuffix(ANNOTATIONS) + ANNOTATIONS
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._dashboards = tuple(dashboards) or ("",)
        self._on = on
        self._redact = Redactor(url, token)
        self._poster = Poster(clock, deadline=deadline, proxies=True, answer_bytes=_FOUND)

    def __repr__(self) -> str:
        return f"<GrafanaNotifier {self.name}>"

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`."""
        return topic in self._on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Annotate each dashboard, once; raises `NotDelivered`, or `Rejected` for a 400. A reminder is no new fact."""
        del possible_repeat  # what is there already is found
        if is_reminder(notice):
            return
        for dashboard in self._dashboards:
            await self._annotate(notice, dashboard)

    async def close(self) -> None:
        """Close the client."""
        await self._poster.close()

    async def _annotate(self, notice: Notice, dashboard: str) -> None:
        words = _annotation(notice)
        there = await self._find(_tags(notice)[:2], dashboard)
        if there is not None:
            if _moment(there, "timeEnd") > words["timeEnd"]:
                return  # it tells already what came later
            answer = await self._poster.ask("PATCH", f"{self._url}/{there['id']}", to_json(words), self._headers)
            if answer.status != httpx.codes.NOT_FOUND:
                self._judge(answer)
                return
        where = {"dashboardUID": dashboard} if dashboard else {}
        self._judge(await self._poster.post(self._url, to_json({**words, **where}), self._headers))

    async def _find(self, tags: Sequence[str], dashboard: str) -> Mapping[str, Any] | None:
        """The watch's annotation; of all dashboards, the one that belongs to none."""
        asked = [*(("tags", tag) for tag in tags), ("type", "annotation"), ("limit", "20")]
        asked += [("dashboardUID", dashboard)] if dashboard else []
        answer = await self._poster.ask("GET", f"{self._url}?{urlencode(asked)}", "", self._headers)
        found = self._judge(answer)
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict) and type(one.get("id")) is int and (one.get("dashboardUID") or "") == dashboard:
                return one
        return None

    def _judge(self, answer: Answer) -> Any:
        """What Grafana says; raises unless it is a 200 with JSON, which no proxy's login page is."""
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = None
        if answer.status == httpx.codes.OK and said is not None:
            return said
        detail = self._redact(f"answered {answer.status}{_reason(said)}")
        if answer.status == httpx.codes.BAD_REQUEST:
            raise Rejected(detail)
        raise NotDelivered(detail, unsure=answer.status < 300, retry_after=answer.retry_after)


def _annotation(notice: Notice) -> dict[str, Any]:
    """From the switch to what is told now; the switch itself is a point."""
    end = _milliseconds(notice.at)
    begin = min(_switched(notice), end)
    return {
        "time": begin,
        "timeEnd": begin if notice.topic is Topic.SWITCH else end,
        "tags": _tags(notice),
        "text": _text(notice),
    }


def _tags(notice: Notice) -> list[str]:
    """The first two find it again; a colon parts a tag's name from its value."""
    kind = TAG_OF_TESTS if notice.title.startswith(MARK) else TAG
    name = hashlib.sha256(notice.id.encode()).hexdigest()[:16]
    guard = notice.facts.get("guard", "")
    tags = [kind, f"watch:{notice.watch}" if notice.watch else f"notice:{name}", f"outcome:{notice.topic}"]
    tags += ["dry-run"] if "dry_run" in notice.facts else []
    tags += [f"guard:{guard}"] if guard else []
    tags += [f"target:{notice.target}"] if notice.target else []
    kept: list[str] = []
    for tag in tags:
        shown = cut(text.calm(tag), _TAG)
        if len(json.dumps([*kept, shown])) <= _TAGS:
            kept.append(shown)
    return kept


def _text(notice: Notice) -> str:
    """Grafana shows an annotation's text as HTML: nothing of a notice is any, but its link."""
    title = html.escape(text.title(notice, possible_repeat=False))
    room, lines = _TEXT, [f"<b>{title}</b>"]
    for line in notice.lines:
        shown = html.escape(text.calm(line))
        room -= len(shown)
        if room < 0:
            lines.append("…")
            break
        lines.append(shown)
    lines += [f'<a href="{html.escape(url)}">{html.escape(name)}</a>' for name, url in text.links(notice)[:5]]
    return "\n".join(lines)


def _switched(notice: Notice) -> int:
    try:
        return _milliseconds(datetime.fromisoformat(notice.facts.get("switched", "")))
    except ValueError:
        return _milliseconds(notice.at)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(annotation: Mapping[str, Any], key: str) -> int:
    value = annotation.get(key)
    return value if isinstance(value, int) else 0


def _reason(said: Any) -> str:
    """What Grafana says is wrong, in a line."""
    words = said.get("message", "") if isinstance(said, dict) else ""
    line = text.calm(words) if isinstance(words, str) else ""
    return f": {cut(line, 200)}" if line else ""
