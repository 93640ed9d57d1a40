"""From a channel of rules.toml to its notifier."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from watchdog.adapters.notifiers.alertmanager import AlertmanagerNotifier
from watchdog.adapters.notifiers.apprise_channel import AppriseNotifier
from watchdog.adapters.notifiers.cloudevents import CloudEventsNotifier
from watchdog.adapters.notifiers.grafana import GrafanaNotifier
from watchdog.adapters.notifiers.outcome import ChannelInvalid
from watchdog.adapters.notifiers.pagerduty import EVENTS_URL, PagerDutyNotifier
from watchdog.adapters.notifiers.slack import SlackNotifier
from watchdog.domain.channels import Alertmanager, Channel, CloudEvents, Grafana, Template
from watchdog.ports import Clock, Notifier

_PLACE = re.compile(r"\{\{(.*?)\}\}")
_SECRET = re.compile(r"\s*secret\.([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*")


def build(
    channel: Channel,
    resolve_secret: Callable[[str], str],
    clock: Clock,
    *,
    deadline: float = 10.0,
    pagerduty_url: str = EVENTS_URL,
) -> Notifier:
    """The notifier of `channel`, its secrets put in as they are. Raises `ChannelInvalid`, which shows none of them.

    `resolve_secret` raises LookupError for one that is missing (`watchdog.adapters.secrets.SecretReader`).
    """
    notifier = _plain(channel, resolve_secret, clock, deadline, pagerduty_url)
    return notifier if channel.template is None else _worded(channel.name, notifier, channel.template)


def _worded(name: str, notifier: Notifier, template: Template) -> Notifier:
    from watchdog.adapters.notifiers.worded import WordedNotifier  # noqa: PLC0415 - Jinja, only where it is needed
    from watchdog.templating import TemplateFault, Wording  # noqa: PLC0415

    try:
        return WordedNotifier(notifier, Wording(template))
    except TemplateFault as fault:
        raise ChannelInvalid(f"channel {name}: its template is wrong: {fault}") from None


def _plain(
    channel: Channel, resolve_secret: Callable[[str], str], clock: Clock, deadline: float, pagerduty_url: str
) -> Notifier:
    if channel.routing_key is not None:
        key = _filled(channel.name, channel.routing_key, resolve_secret)
        return PagerDutyNotifier(channel.name, key, clock, on=channel.on, url=pagerduty_url, deadline=deadline)
    if channel.alertmanager is not None:
        return _alertmanager(channel, channel.alertmanager, resolve_secret, clock, deadline)
    if channel.cloudevents is not None:
        return _cloudevents(channel, channel.cloudevents, resolve_secret, clock, deadline)
    if channel.grafana is not None:
        return _grafana(channel, channel.grafana, resolve_secret, clock, deadline)
    if channel.url is None:
        raise ChannelInvalid(f"channel {channel.name}: it leads nowhere")
    url = _filled(channel.name, channel.url, resolve_secret)
    apprise = AppriseNotifier(channel.name, url, on=channel.on, deadline=deadline)
    if apprise.slack is None:
        return apprise
    return SlackNotifier(channel.name, apprise.slack, clock, secret=url, on=channel.on, deadline=deadline)


def _alertmanager(
    channel: Channel, place: Alertmanager, secret: Callable[[str], str], clock: Clock, deadline: float
) -> AlertmanagerNotifier:
    url = _address(channel.name, place.url, secret)
    token = _filled(channel.name, place.token, secret) if place.token else ""
    return AlertmanagerNotifier(
        channel.name, url, clock, token=token, labels=place.labels, on=channel.on, deadline=deadline
    )


def _cloudevents(
    channel: Channel, place: CloudEvents, secret: Callable[[str], str], clock: Clock, deadline: float
) -> CloudEventsNotifier:
    url, key = _address(channel.name, place.url, secret), _filled(channel.name, place.key, secret)
    try:
        return CloudEventsNotifier(channel.name, url, key, clock, source=place.source, on=channel.on, deadline=deadline)
    except ValueError as error:
        raise ChannelInvalid(f"channel {channel.name}: {error}") from None


def _grafana(
    channel: Channel, place: Grafana, secret: Callable[[str], str], clock: Clock, deadline: float
) -> GrafanaNotifier:
    url, token = _address(channel.name, place.url, secret), _filled(channel.name, place.token, secret)
    return GrafanaNotifier(
        channel.name, url, token, clock, dashboards=place.dashboards, on=channel.on, deadline=deadline
    )


def _address(name: str, template: str, secret: Callable[[str], str]) -> str:
    """A web address, also where all of it is a secret; a wrong one is not shown."""
    url = _filled(name, template, secret)
    try:
        parsed = urlsplit(url)
        httpx.URL(url)
        fine = parsed.scheme in ("http", "https") and bool(parsed.hostname) and parsed.port != 0
    except (ValueError, httpx.InvalidURL):
        fine = False
    if not fine:
        raise ChannelInvalid(f"channel {name}: its url is no http(s) address; check the secret")
    return url


def _filled(name: str, template: str, resolve_secret: Callable[[str], str]) -> str:
    def value(match: re.Match[str]) -> str:
        secret = _SECRET.fullmatch(match[1])
        if secret is None:
            raise ChannelInvalid(f"channel {name}: only {{{{ secret.NAME }}}} can stand between {{{{ and }}}}")
        try:
            return resolve_secret(secret[1])
        except LookupError as error:
            raise ChannelInvalid(f"channel {name}: {error.args[0] if error.args else 'a secret is missing'}") from None

    return _PLACE.sub(value, template)
