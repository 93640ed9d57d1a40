"""From a channel of rules.toml, with its secrets, to a notifier."""

from pathlib import Path

import pytest

from adapters.notifiers.standin import AT, a_notice
from adapters.simulated import simulated
from watchdog.adapters.notifiers import (
    AppriseNotifier,
    ChannelInvalid,
    ConsoleNotifier,
    PagerDutyNotifier,
    SlackNotifier,
    build,
)
from watchdog.adapters.secrets import SecretReader
from watchdog.domain.channels import Channel, Topic
from watchdog.simulator.clock import SimulatedClock


def secrets(**values: str) -> SecretReader:
    return SecretReader(None, {f"WATCHDOG_SECRET_{name}": value for name, value in values.items()})


@simulated
async def test_a_url_that_is_wholly_a_secret_becomes_a_channel_of_its_service() -> None:
    channel = Channel("releases", url="{{ secret.SLACK_URL }}", on=frozenset({Topic.HELD}))
    notifier = build(
        channel, secrets(SLACK_URL="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"), SimulatedClock(AT)
    )
    assert isinstance(notifier, SlackNotifier)
    assert (notifier.name, notifier.wants(Topic.HELD), notifier.wants(Topic.BREACH)) == ("releases", True, False)
    assert repr(notifier) == "<SlackNotifier releases: webhook>"
    await notifier.close()


@simulated
async def test_secrets_within_a_url_are_put_in_their_places() -> None:
    channel = Channel("hook", url="json://{{secret.USER}}:{{ secret.PASS }}@127.0.0.1:9/")
    notifier = build(channel, secrets(USER="me", PASS="s3cret-word"), SimulatedClock(AT))
    assert isinstance(notifier, AppriseNotifier)
    assert (notifier._plugin.user, notifier._plugin.password) == ("me", "s3cret-word")


@simulated
async def test_a_routing_key_becomes_a_pagerduty_channel() -> None:
    channel = Channel("oncall", routing_key="{{ secret.KEY }}")
    notifier = build(channel, secrets(KEY="CANARY0123456789"), SimulatedClock(AT), pagerduty_url="http://127.0.0.1:9/")
    assert isinstance(notifier, PagerDutyNotifier)
    assert notifier.wants(Topic.PASSED)
    await notifier.close()


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (
            Channel("oncall", routing_key="{{ secret.KEY }}"),
            r"channel oncall: the secret KEY is missing: .*no file .*KEY",
        ),
        (Channel("x", url="{{ secret.../../etc/passwd }}"), r"channel x: only \{\{ secret.NAME \}\} can stand"),
        (Channel("x", url="{{ secret.a..b }}"), r"channel x: 'a..b' is no name of a secret"),
        (Channel("x", url="{{ env.HOME }}"), r"channel x: only \{\{ secret.NAME \}\} can stand"),
        (Channel("x"), "channel x: it leads nowhere"),
    ],
)
@simulated
async def test_a_channel_that_cannot_be_built_is_named_with_the_reason(
    channel: Channel, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ChannelInvalid, match=said):
        build(channel, SecretReader(tmp_path, {}), SimulatedClock(AT))


@simulated
async def test_a_wrong_url_in_a_secret_is_not_shown() -> None:
    reader = secrets(SLACK_URL="slack://CANARY0123456789")
    with pytest.raises(ChannelInvalid) as caught:
        build(Channel("releases", url="{{ secret.SLACK_URL }}"), reader, SimulatedClock(AT))
    assert "CANARY" not in str(caught.value)
    assert "channel releases" in str(caught.value)


@simulated
async def test_the_console_shows_what_slack_would() -> None:
    shown: list[str] = []
    notifier = ConsoleNotifier("releases", shown.append)
    await notifier.send(a_notice(), possible_repeat=True)
    await notifier.close()
    assert notifier.wants(Topic.HELD)
    assert not notifier.wants(Topic.PASSED)
    assert shown == [
        "#releases\n"
        "┃ (possible repeat) research rolled back: error-rate 8.1 % > 5 %\n"
        "┃ http_error_rate 8.1 % > 5 % since 12:00:15, 162 of 2,000 requests\n"
        "┃ back on research-5d4f\n"
        "┃ More: https://watchdog.example.com/api/watches/w1\n"
        "┃ It was being sent when the watchdog was interrupted, so it may have come before. Notice w1-rolled-back."
    ]
