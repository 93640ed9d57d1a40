"""Channels: each notifier tells one, once, and says whether it was told. Retries are the caller's."""

from watchdog.adapters.notifiers.alertmanager import AlertmanagerNotifier
from watchdog.adapters.notifiers.apprise_channel import ALLOWED_SCHEMES, AppriseNotifier
from watchdog.adapters.notifiers.build import build
from watchdog.adapters.notifiers.cloudevents import CloudEventsNotifier
from watchdog.adapters.notifiers.console import ConsoleNotifier
from watchdog.adapters.notifiers.grafana import GrafanaNotifier
from watchdog.adapters.notifiers.outcome import ChannelInvalid, Rejected
from watchdog.adapters.notifiers.pagerduty import PagerDutyNotifier
from watchdog.adapters.notifiers.slack import SlackNotifier

__all__ = [
    "ALLOWED_SCHEMES",
    "AlertmanagerNotifier",
    "AppriseNotifier",
    "ChannelInvalid",
    "CloudEventsNotifier",
    "ConsoleNotifier",
    "GrafanaNotifier",
    "PagerDutyNotifier",
    "Rejected",
    "SlackNotifier",
    "build",
]
