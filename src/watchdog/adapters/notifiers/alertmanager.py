"""Alertmanager by its API v2: one alert a watch, firing and resolved, so that the routes people have already apply."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
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

ALERTS = "/api/v2/alerts"
NAME_OF_WATCHES = "ReleaseWatch"
NAME_OF_OTHERS = "RollbackWatchdog"

_SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {Severity.INFO: "info", Severity.SUCCESS: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}
)
# Nobody else ends an alert, and one that is not told again would end after `resolve_timeout`: so its end is given.
_FIRES: Mapping[str, timedelta] = MappingProxyType(
    {"critical": timedelta(hours=24), "warning": timedelta(hours=4), "info": timedelta(hours=1)}
)
_REMEMBERED = 500  # watches of which it is known what fired
_LABEL = 1024
_ANNOTATION = 16_000


class AlertmanagerNotifier:
    """One Alertmanager. The labels of a watch's alert never change, so a repeat is the same alert again.

    `severity` is one of them, as routes ask for it: a watch that gets worse is told by a second alert, and a good end
    resolves each. Which ones fired is known to this process alone: after a restart all that may have are resolved, and
    Alertmanager is silent about one that never fired unless it stands in a group that did.
    """

    resolves = True

    def __init__(
        self,
        name: str,
        url: str,
        clock: Clock,
        *,
        token: str = "",
        labels: Mapping[str, str] | None = None,
        on: frozenset[Topic] = DEFAULT_TOPICS,
        deadline: float = 10.0,
    ) -> None:
        self.name = name
        self._url = url.rstrip("/").removesuffix(ALERTS) + ALERTS
        self._token = token
        self._labels = dict(labels or {})
        self._on = on
        self._fired: OrderedDict[str, set[str]] = OrderedDict()
        self._redact = Redactor(*(one for one in (url, token) if one))
        self._poster = Poster(clock, deadline=deadline)

    def __repr__(self) -> str:
        return f"<AlertmanagerNotifier {self.name}>"

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`: what ends an alert always, whatever `on` says."""
        return topic in self._on or topic in RESOLVING_TOPICS

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Fire or resolve, once; raises `NotDelivered`, or `Rejected` for a 400."""
        del possible_repeat  # the same labels are the same alert
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = await self._poster.post(self._url, to_json(self._alerts(notice)), headers)
        if answer.status == httpx.codes.OK and not _is_a_page(answer):
            self._remember(notice)
            return
        detail = self._redact(f"answered {answer.status}{_reason(answer)}")
        if answer.status == httpx.codes.BAD_REQUEST:
            raise Rejected(detail)
        raise NotDelivered(detail, unsure=answer.status < 300, retry_after=answer.retry_after)

    async def close(self) -> None:
        """Close the client."""
        await self._poster.close()

    def _alerts(self, notice: Notice) -> list[dict[str, Any]]:
        if notice.topic in RESOLVING_TOPICS:
            return [
                self._alert(notice, one, notice.at) for one in _FIRES if one in self._fired.get(notice.watch, _FIRES)
            ]
        severity = _SEVERITIES[notice.severity]
        return [self._alert(notice, severity, notice.at + _FIRES[severity])]

    def _remember(self, notice: Notice) -> None:
        if notice.topic in RESOLVING_TOPICS:
            self._fired.pop(notice.watch, None)
            return
        self._fired.setdefault(notice.watch, set()).add(_SEVERITIES[notice.severity])
        while len(self._fired) > _REMEMBERED:
            self._fired.popitem(last=False)

    def _alert(self, notice: Notice, severity: str, ends: datetime) -> dict[str, Any]:
        link = next((url for _, url in text.links(notice)), "")
        alert: dict[str, Any] = {
            "labels": {**self._labels, **_identity(notice), "severity": severity},
            "annotations": _annotations(notice),
            "startsAt": notice.at.isoformat(),
            "endsAt": ends.isoformat(),
        }
        return alert | ({"generatorURL": link} if link else {})


def _identity(notice: Notice) -> dict[str, str]:
    """What makes it this alert and no other: of a watch nothing that changes while it goes on."""
    namespace, _, workload = notice.target.partition("/")
    kind, _, name = workload.partition("/")
    labels = {
        "alertname": NAME_OF_WATCHES if notice.watch else NAME_OF_OTHERS,
        "watch": notice.watch,
        "guard": notice.facts.get("guard", ""),
        "namespace": namespace if name else "",
        kind: name if kind in ("deployment", "service") else "",
        **({} if notice.watch else {"topic": notice.topic.value, "target": notice.target}),
    }
    return {key: cut(shown, _LABEL) for key, value in labels.items() if key and (shown := text.calm(value))}


def _annotations(notice: Notice) -> dict[str, str]:
    named = {"Open the watch": "watch_url", "Query in Prometheus": "query_url", "Runbook": "runbook_url"}
    links = {named[name]: url for name, url in text.links(notice) if name in named}
    facts = {key: text.calm(notice.facts.get(key, "")) for key in ("rule", "value", "limit", "candidate", "stable")}
    annotations = {
        "summary": text.title(notice, possible_repeat=False),
        "description": "\n".join(text.calm(line) for line in notice.lines),
        "topic": notice.topic.value,
        **facts,
        **links,
    }
    return {key: cut(value, _ANNOTATION) for key, value in annotations.items() if value}


def _is_a_page(answer: Answer) -> bool:
    """Alertmanager says nothing, or JSON: HTML is of a proxy that asks for a login, and has passed nothing on."""
    return answer.body.lstrip().startswith(b"<")


def _reason(answer: Answer) -> str:
    """What Alertmanager says, which is a JSON text or an object with a message; nothing of a page of HTML."""
    if _is_a_page(answer):
        return " with a page, as a proxy does that asks for a login"
    try:
        said = json.loads(answer.body)
    except ValueError:
        return ""
    words = said.get("message", "") if isinstance(said, dict) else said
    line = text.calm(words) if isinstance(words, str) else ""
    return f": {cut(line, 200)}" if line else ""
