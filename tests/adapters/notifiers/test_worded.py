"""Channels that are told in their own words, over the same HTTP as in the usual ones."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from adapters.notifiers.standin import AT, StandIn, a_notice, a_server, says
from adapters.simulated import simulated
from rulebook.texts import a_text
from watchdog.adapters.dry_run import MarkedNotifier
from watchdog.adapters.notifiers import ChannelInvalid, PagerDutyNotifier, build
from watchdog.adapters.notifiers.slack import SlackAddress, SlackNotifier
from watchdog.adapters.notifiers.tracked import InFlight, TrackedNotifier
from watchdog.adapters.notifiers.worded import WordedNotifier
from watchdog.channels import Channels
from watchdog.domain.channels import Alertmanager, Channel, CloudEvents, Template, Topic
from watchdog.ports import NotDelivered
from watchdog.rulebook import read_rules
from watchdog.simulator.clock import SimulatedClock
from watchdog.survey.trial_notices import try_channels
from watchdog.templating import Wording

WORDS = Template(
    "{{ name }} <!channel> {{ topic }}",
    "Rule {{ rule }}\n\n{% for line in lines[1:] %}\n  so: {{ line }}\n{% endfor %}",
)
TITLE = "research <!channel> rolled-back"
LINES = ["Rule error-rate", "so: back on research-5d4f"]
KEY = "CANARY0123456789abcdef0123456789"


async def told(channel: Channel, server: StandIn, **changes: Any) -> Any:
    notifier = build(channel, lambda name: KEY, SimulatedClock(AT), pagerduty_url=server.url)
    await notifier.send(a_notice(**changes), possible_repeat=False)
    await notifier.close()
    return server.bodies[-1]


@simulated
async def test_every_kind_of_channel_can_be_told_in_its_own_words() -> None:
    async with a_server(says(202)) as pager:
        event = await told(Channel("c", routing_key="{{ secret.K }}", template=WORDS), pager)
    assert (event["payload"]["summary"], event["payload"]["custom_details"]["story"]) == (TITLE, LINES)
    assert event["dedup_key"] == "w1"
    async with a_server(says(200)) as server:
        (alert,) = await told(Channel("c", alertmanager=Alertmanager(server.url), template=WORDS), server)
        assert alert["annotations"]["summary"] == TITLE
        assert alert["annotations"]["description"] == "\n".join(LINES)
        events = Channel("c", cloudevents=CloudEvents(server.url, "{{ secret.K }}"), template=WORDS)
        event = await told(events, server)
        assert (event["data"]["title"], event["data"]["lines"]) == (TITLE, LINES)
        assert event["data"]["facts"] == {"rule": "error-rate", "value": "8.1 %"}
        hook = await told(Channel("c", url=f"json://127.0.0.1:{server.port}", template=WORDS), server)
        assert hook["title"] == TITLE
        assert "- Rule error-rate\n- so: back on research-5d4f" in hook["message"]


@simulated
async def test_what_a_template_says_is_escaped_by_its_channel_as_the_values_are() -> None:
    async with a_server(says(200)) as server:
        slack = SlackNotifier("c", SlackAddress(f"{server.url}/x"), SimulatedClock(AT))
        notifier = WordedNotifier(slack, Wording(Template("<!here> @here {{ title }}", None)))
        await notifier.send(a_notice(title="<@U1> & co"), possible_repeat=True)
        await notifier.close()
        header = server.bodies[0]["blocks"][0]["text"]
    assert header["type"] == "plain_text"
    assert header["text"].endswith("(possible repeat) &lt;!here&gt; @\u200bhere &lt;@U1&gt; &amp; co")


@simulated
async def test_a_template_that_fails_costs_the_notice_its_words_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    much = "{{ query|replace('e', body) }}"
    async with a_server(says(200)) as server:
        channel = Channel("c", url=f"json://127.0.0.1:{server.port}", template=Template("short", much))
        with caplog.at_level(logging.WARNING):
            hook = await told(channel, server, lines=("e" * 600,), facts={"query": "e" * 2000})
    assert hook["title"] == a_notice().title
    (line,) = [record for record in caplog.records if "template failed" in record.message]
    facts = line.__dict__["facts"]
    assert (facts["channel"], facts["notice"]) == ("c", "w1-rolled-back")
    assert "no notice is as long" in facts["why"]


@simulated
async def test_what_a_channel_refuses_is_refused_whatever_its_words() -> None:
    async with a_server(says(503)) as server:
        with pytest.raises(NotDelivered, match="answered 503"):
            await told(Channel("c", url=f"json://127.0.0.1:{server.port}", template=WORDS), server)


@simulated
async def test_around_it_all_stays_as_it_was() -> None:
    channel = Channel("oncall", frozenset({Topic.HELD}), routing_key="{{ secret.K }}", template=WORDS)
    notifier = build(channel, lambda name: KEY, SimulatedClock(AT))
    tracked = TrackedNotifier(MarkedNotifier(notifier), InFlight(), None)
    assert (tracked.name, tracked.resolves) == ("oncall", True)
    assert [topic for topic in (Topic.HELD, Topic.BREACH, Topic.RECOVERED) if tracked.wants(topic)] == [
        Topic.HELD,
        Topic.RECOVERED,
    ]
    assert KEY not in repr(notifier)
    await notifier.close()
    slack = build(
        Channel("c", url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7", template=WORDS),
        lambda name: KEY,
        SimulatedClock(AT),
    )
    assert slack.gathers is True  # type: ignore[attr-defined]
    await slack.close()


@simulated
async def test_a_dry_run_is_marked_whatever_the_words() -> None:
    async with a_server(says(200)) as server:
        rules = read_rules(
            a_text(channel=f'[channels.releases]\nurl = "json://127.0.0.1:{server.port}"\ntemplate.title = "x"')
        )
        channels = Channels(
            lambda book: {one.name: build(one, lambda _: KEY, SimulatedClock(AT)) for one in book.channels},
            None,
            dry_run=True,
        )
        channels.take(rules)
        await channels.notifiers["releases"].send(a_notice(), possible_repeat=False)
        await channels.close()
        assert server.bodies[0]["title"] == "[dry run] x"


@simulated
async def test_a_test_message_is_told_in_the_channel_s_words_and_its_incident_resolved() -> None:
    async with a_server(says(202)) as pager:
        clock = SimulatedClock(AT)

        def make(channel: Channel) -> Any:
            return WordedNotifier(PagerDutyNotifier("oncall", KEY, clock, url=pager.url), Wording(WORDS))

        (tried,) = await try_channels([Channel("oncall")], lambda name: name, clock, by="ana", make=make)
        opened, closed = pager.bodies
    assert tried.told
    assert opened["payload"]["summary"] == "[test] example <!channel> switch"
    assert "called by ana" in json.dumps(opened)
    assert closed["event_action"] == "resolve"


@simulated
async def test_a_template_that_no_rules_file_let_through_is_no_channel() -> None:
    channel = Channel("c", url="json://127.0.0.1:9", template=Template("{{ titel }}"))
    with pytest.raises(ChannelInvalid, match="channel c: its template is wrong: line 1: there is no variable titel"):
        build(channel, lambda name: KEY, SimulatedClock(AT))


def test_without_a_template_jinja_is_not_even_loaded() -> None:
    rules = a_text(channel='[channels.releases]\nurl = "{{ secret.U }}"')
    script = (
        "import sys, watchdog.app, watchdog.adapters.notifiers\nfrom watchdog.rulebook import read_rules\n"
        f"read_rules({rules!r})\nsys.exit('jinja2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
