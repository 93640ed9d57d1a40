"""`watchdog notify-test`: each channel gets one marked message, and what came back is shown without a secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.notifiers.standin import AT, a_server, hangs, says
from adapters.simulated import simulated
from cli.verbs import call, call_beside
from rulebook.texts import a_text
from watchdog.adapters.notifiers import AlertmanagerNotifier, PagerDutyNotifier
from watchdog.domain.channels import Channel
from watchdog.simulator.clock import SimulatedClock
from watchdog.survey.trial_notices import try_channels

KEY = "CANARY0123456789abcdefghijklmnop"


def rules(tmp_path: Path, port: int, *more: str) -> Path:
    path = tmp_path / "rules.toml"
    channels = "\n".join(
        (
            f'[channels.releases]\nurl = "json://127.0.0.1:{port}/{{{{ secret.PATH }}}}"\non = ["failed"]',
            f'[channels.programs.cloudevents]\nurl = "http://127.0.0.1:{port}/events"\nkey = "{{{{ secret.KEY }}}}"',
            *more,
        )
    )
    path.write_text(a_text(channel=channels))
    return path


async def test_each_channel_gets_one_marked_message_whatever_on_says(tmp_path: Path) -> None:
    async with a_server(says(200)) as server:
        path = rules(tmp_path, server.port)
        result = await call_beside("notify-test", "--rules", str(path), SECRET_PATH="CANARYPATH0", SECRET_KEY=KEY)
        assert result.exit_code == 0, result.output
        hook, event = sorted(server.bodies, key=lambda body: "specversion" in body)
    assert [line.partition(":")[0] for line in result.output.splitlines()] == ["releases", "programs"]
    assert all(": told, in " in line for line in result.output.splitlines())
    assert hook["title"].startswith("[test] rollback-watchdog can tell channel releases")
    assert event["data"]["title"].startswith("[test] rollback-watchdog can tell channel programs")


async def test_one_channel_is_told_alone(tmp_path: Path) -> None:
    async with a_server(says(200)) as server:
        path = rules(tmp_path, server.port)
        result = await call_beside(
            "notify-test", "programs", "--rules", str(path), SECRET_PATH="CANARYPATH0", SECRET_KEY=KEY
        )
        assert result.exit_code == 0
        assert server.paths == ["/events"]


async def test_what_failed_says_why_and_exits_1_without_showing_a_secret(tmp_path: Path) -> None:
    async with a_server(says(403, "CANARYPATH0")) as server:
        more = '[channels.oncall]\npagerduty = { routing_key = "{{ secret.NONE }}" }'
        path = rules(tmp_path, server.port, more)
        result = await call_beside("notify-test", "--rules", str(path), SECRET_PATH="CANARYPATH0", SECRET_KEY=KEY)
    assert result.exit_code == 1
    assert "CANARY" not in result.output
    releases, programs, oncall = result.output.splitlines()
    assert releases == "releases: not told: answered 403: [secret]"
    assert programs == "programs: not told: answered 403: [secret]"
    assert oncall.startswith("oncall: not told: the secret NONE is missing")


def test_a_channel_that_is_not_there_is_wrong_usage_and_names_those_that_are(tmp_path: Path) -> None:
    result = call("notify-test", "pager", "--rules", str(rules(tmp_path, 1)))
    assert result.exit_code == 2
    assert "there is no channel pager" in result.output
    assert "there are releases, programs" in result.output
    assert "there is no channel '' in" in call("notify-test", "", "--rules", str(rules(tmp_path, 1))).output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 2", "version"),
        (a_text(guard="", channel="").replace('channels   = ["releases"]', ""), "has no channel"),
    ],
)
def test_a_file_without_a_channel_or_with_a_mistake_exits_1(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    result = call("notify-test", "--rules", str(path))
    assert result.exit_code == 1
    assert said in result.output


@simulated
async def test_an_incident_that_the_test_opens_is_resolved_and_an_alert_ends_by_itself() -> None:
    async with a_server(says(202)) as pager, a_server(says(200)) as alerts:
        clock = SimulatedClock(AT)

        def make(channel: Channel) -> Any:
            if channel.name == "oncall":
                return PagerDutyNotifier("oncall", KEY, clock, url=pager.url)
            return AlertmanagerNotifier("alerts", alerts.url, clock)

        channels = [Channel("oncall"), Channel("alerts")]
        results = await try_channels(channels, lambda name: name, clock, by="ana", make=make)
        assert [(one.channel, one.told) for one in results] == [("oncall", True), ("alerts", True)]
        opened, closed = pager.bodies
        ((alert,),) = alerts.bodies
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == "notify-test-oncall"
    assert opened["payload"]["severity"] == "info"
    assert alert["annotations"]["summary"].startswith("[test]")
    assert "called by ana" in json.dumps(alert)


@simulated
async def test_a_channel_that_hangs_is_said_to_have_perhaps_taken_it() -> None:
    async with a_server(hangs) as server:
        clock = SimulatedClock(AT)
        (tried,) = await try_channels(
            [Channel("oncall")], lambda name: name, clock, by="ana",
            make=lambda _: PagerDutyNotifier("oncall", KEY, clock, url=server.url),
        )  # fmt: skip
    assert (tried.told, tried.answer) == (False, "not told: no answer within 10 s (it may have arrived all the same)")
