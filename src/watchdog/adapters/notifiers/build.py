"""From a channel of rules.toml to its notifier."""

import re
from collections.abc import Callable

from watchdog.adapters.notifiers.apprise_channel import AppriseNotifier
from watchdog.adapters.notifiers.outcome import ChannelInvalid
from watchdog.adapters.notifiers.pagerduty import EVENTS_URL, PagerDutyNotifier
from watchdog.adapters.notifiers.slack import SlackNotifier
from watchdog.domain.rules import Channel
from watchdog.ports import Clock

_PLACE = re.compile(r"\{\{(.*?)\}\}")
_SECRET = re.compile(r"\s*secret\.([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*")


def build(
    channel: Channel,
    resolve_secret: Callable[[str], str],
    clock: Clock,
    *,
    deadline: float = 10.0,
    pagerduty_url: str = EVENTS_URL,
) -> AppriseNotifier | PagerDutyNotifier | SlackNotifier:
    """The notifier of `channel`, its secrets put in as they are. Raises `ChannelInvalid`, which shows none of them.

    `resolve_secret` raises LookupError for one that is missing (`watchdog.adapters.secrets.SecretReader`).
    """
    if channel.routing_key is not None:
        key = _filled(channel.name, channel.routing_key, resolve_secret)
        return PagerDutyNotifier(channel.name, key, clock, on=channel.on, url=pagerduty_url, deadline=deadline)
    if channel.url is None:
        raise ChannelInvalid(f"channel {channel.name}: it has neither a url nor pagerduty")
    url = _filled(channel.name, channel.url, resolve_secret)
    apprise = AppriseNotifier(channel.name, url, on=channel.on, deadline=deadline)
    if apprise.slack is None:
        return apprise
    return SlackNotifier(channel.name, apprise.slack, clock, secret=url, on=channel.on, deadline=deadline)


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
