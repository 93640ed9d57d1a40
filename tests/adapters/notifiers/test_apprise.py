"""AppriseNotifier against local servers, which it reaches through Apprise's own HTTP and threads."""

import asyncio
import logging
import threading
from typing import Any

import pytest
from aiohttp import web

from adapters.notifiers.standin import StandIn, a_notice, a_server, hangs, resets, says
from adapters.simulated import simulated
from watchdog.adapters.notifiers import ALLOWED_SCHEMES, AppriseNotifier, ChannelInvalid
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Severity
from watchdog.ports import NotDelivered
from watchdog.rulebook.channel_urls import SCHEMES

TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"


def a_webhook(server: StandIn, **changes: Any) -> AppriseNotifier:
    return AppriseNotifier("releases", f"json://127.0.0.1:{server.port}/hook/CANARY0123456789abcd", **changes)


def a_slack(server: StandIn, parameters: str = "") -> AppriseNotifier:
    notifier = AppriseNotifier("releases", f"slack://{TOKENS}{parameters}")
    notifier._plugin.webhook_url = server.url  # type: ignore[attr-defined]  # Apprise keeps it in the class
    return notifier


async def failure_of(notifier: AppriseNotifier) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        await notifier.send(a_notice(), possible_repeat=False)
    return caught.value


@simulated
async def test_a_webhook_gets_title_body_and_severity_once() -> None:
    async with a_server(says(200)) as server:
        await a_webhook(server).send(a_notice(), possible_repeat=False)
        (body,) = server.bodies
    assert body["title"] == "research rolled back: error-rate 8.1 % > 5 %"
    assert body["type"] == "failure"
    assert body["message"] == (
        "- http_error_rate 8.1 % > 5 % since 12:00:15, 162 of 2,000 requests\n- back on research-5d4f\n\n"
        "[More](https://watchdog.example.com/api/watches/w1)"
    )


@simulated
async def test_each_severity_has_its_own_colour_at_the_receiver() -> None:
    async with a_server(says(200)) as server:
        notifier = a_webhook(server)
        for severity in Severity:
            await notifier.send(a_notice(severity=severity), possible_repeat=False)
        assert [body["type"] for body in server.bodies] == ["info", "success", "warning", "failure"]


@simulated
async def test_slack_gets_blocks_without_apprise_s_image_and_footer() -> None:
    async with a_server(says(200)) as server:
        await a_slack(server).send(a_notice(), possible_repeat=False)
        (body,) = server.bodies
        assert server.paths == [f"/{TOKENS}"]
    ((header, section),) = [attachment["blocks"] for attachment in body["attachments"]]
    assert header["text"]["text"].startswith("research rolled back")
    assert section["text"]["type"] == "mrkdwn"
    assert "<https://watchdog.example.com/api/watches/w1|More>" in section["text"]["text"]
    assert "icon_url" not in body


@simulated
async def test_a_parameter_given_in_the_url_wins_over_the_style() -> None:
    async with a_server(says(200)) as server:
        await a_slack(server, "?footer=yes").send(a_notice(), possible_repeat=False)
        (body,) = server.bodies
    assert body["attachments"][0]["blocks"][-1]["elements"] == [{"type": "mrkdwn", "text": "rollback-watchdog"}]


@simulated
async def test_a_story_that_is_too_long_for_slack_is_cut_to_what_slack_takes() -> None:
    async with a_server(says(200)) as server:
        notice = a_notice(title="t" * 400, lines=tuple("<&>" * 100 for _ in range(40)))
        await a_slack(server).send(notice, possible_repeat=True)
        header, section = server.bodies[0]["attachments"][0]["blocks"]
    assert len(header["text"]["text"]) <= 150
    assert header["text"]["text"].startswith("(possible repeat) ttt")
    assert len(section["text"]["text"].replace("&lt;", "<").replace("&amp;", "&").replace("&gt;", ">")) <= 3000
    assert "|More>" in section["text"]["text"]


@simulated
async def test_words_from_people_call_nobody_and_become_no_link() -> None:
    async with a_server(says(200)) as server:
        notice = a_notice(
            title="by <!channel> @here", lines=("by <!channel> <@U1> @everyone [here](http://evil.example)",)
        )
        await a_slack(server).send(notice, possible_repeat=False)
        header, section = server.bodies[0]["attachments"][0]["blocks"]
    for text in (header["text"]["text"], section["text"]["text"].partition("\n\n")[0]):
        assert "<" not in text
        assert "@everyone" not in text
        assert "@here" not in text


@simulated
async def test_two_notices_in_a_row_are_not_slept_between() -> None:
    async with a_server(says(200)) as server:
        notifier = a_slack(server)
        assert notifier._plugin.request_rate_per_sec == 0
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.send(a_notice(), possible_repeat=False)
        assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("answer", "detail", "unsure"),
    [
        (says(429, "slow down", Retry_After="30"), "answered 429: slow down", False),
        (says(500, "<html>" + "x" * 5000 + "</html>"), "answered 500", False),
        (says(400, "invalid_blocks"), "answered 400: invalid_blocks", False),
        (says(404, "CANARY0123456789abcd"), "answered 404: [secret]", False),
        (says(302, "", Location="http://127.0.0.1:1/"), "answered 302", False),
        (resets, "the connection broke", True),
    ],
)
@simulated
async def test_a_refusal_says_why_and_whether_it_may_have_come_through(answer: Any, detail: str, unsure: bool) -> None:
    async with a_server(answer) as server:
        failure = await failure_of(a_webhook(server))
        assert (str(failure), failure.unsure, failure.retry_after) == (detail, unsure, None)
        assert len(server.bodies) == 1  # retries are the caller's


@simulated
async def test_a_page_of_html_with_status_200_is_not_slack_s_ok() -> None:
    async with a_server(says(200, "<html>Sign in</html>")) as server:
        failure = await failure_of(a_slack(server))
        assert (str(failure), failure.unsure) == ("answered 200", True)


@simulated
async def test_a_channel_that_hangs_may_have_taken_the_notice() -> None:
    # Fifty real milliseconds: Apprise's sockets live in a thread, where no loop's time counts.
    async with a_server(hangs) as server:
        failure = await failure_of(a_webhook(server, deadline=0.05))
        assert (str(failure), failure.unsure) == ("no answer in time", True)


@simulated
async def test_a_refused_connection_was_surely_not_delivered() -> None:
    async with a_server(says(200)) as server:
        notifier = a_webhook(server)
    failure = await failure_of(notifier)
    assert (str(failure), failure.unsure) == ("connection refused", False)


async def test_a_send_that_trickles_on_ends_at_the_deadline_and_four_of_them_fill_the_channel() -> None:
    notifier = AppriseNotifier("releases", "json://127.0.0.1:9/", deadline=0.01)
    release = threading.Event()

    def stuck(**_: Any) -> bool:
        return release.wait(10)

    notifier._plugin.send = stuck  # type: ignore[method-assign,assignment]
    try:
        for _ in range(4):
            failure = await failure_of(notifier)
            assert (str(failure), failure.unsure) == ("no answer within 0.01 s", True)
        failure = await failure_of(notifier)
        assert (str(failure), failure.unsure) == ("4 earlier notices still wait for an answer", False)
    finally:
        release.set()


async def test_a_burst_of_notices_waits_for_its_turn_and_all_arrive() -> None:
    async with a_server(says(200)) as server:
        notifier = a_webhook(server)
        notices = [a_notice(title=f"release {number}") for number in range(12)]
        await asyncio.gather(*(notifier.send(notice, possible_repeat=False) for notice in notices))
        assert sorted(body["title"] for body in server.bodies) == sorted(notice.title for notice in notices)


@simulated
async def test_a_plugin_that_raises_is_a_failure_of_its_channel_alone() -> None:
    notifier = AppriseNotifier("releases", "json://127.0.0.1:9/")

    def broken(*_: Any, **__: Any) -> bool:
        raise RuntimeError("CANARY")

    notifier._plugin.send = broken  # type: ignore[method-assign]
    assert "CANARY" not in str(await failure_of(notifier))
    notifier._apprise.notify = broken  # type: ignore[method-assign,assignment]
    assert str(await failure_of(notifier)) == "the channel's plugin failed: RuntimeError"


@simulated
async def test_a_hanging_channel_delays_no_other_nor_its_own_closing() -> None:
    release = asyncio.Event()

    async def waits(_: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response(text="ok")

    async with a_server(waits) as silent, a_server(says(200)) as well:
        notifier = a_webhook(silent)
        slow = asyncio.create_task(notifier.send(a_notice(), possible_repeat=False))
        await a_webhook(well).send(a_notice(), possible_repeat=False)
        await notifier.close()
        assert len(well.bodies) == 1
        assert not slow.done()
        release.set()
        await slow


@pytest.mark.parametrize(
    "url",
    [
        "nosuch://CANARY0123456789abcd@host",
        "slack://CANARY0123456789abcd",
        "no url at all CANARY0123456789abcd",
        "syslog://CANARY0123456789abcd",
        "pagerduty://CANARY0123456789abcd@key",
        f"slack://{TOKENS}?template=/etc/CANARY0123456789abcd",
    ],
)
def test_a_url_that_cannot_work_is_refused_when_it_is_built_and_never_shown(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ChannelInvalid, match="channel releases: ") as caught:
        AppriseNotifier("releases", url)
    out = "".join(capfd.readouterr())
    assert "CANARY" not in f"{caught.value} {caught.value!r} {caplog.text} {out}"
    assert caught.value.__cause__ is None


@simulated
async def test_no_secret_of_a_url_reaches_the_log_the_error_or_the_repr(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="apprise")
    async with a_server(says(403, "no CANARY0123456789abcd here")) as server:
        notifier = a_webhook(server)
        failure = await failure_of(notifier)
    out = "".join(capfd.readouterr())
    assert "CANARY" not in f"{failure} {failure!r} {notifier!r} {caplog.text} {out}"


def test_a_channel_wants_its_topics_alone() -> None:
    notifier = AppriseNotifier("releases", "json://127.0.0.1:9/", on=frozenset({Topic.HELD}))
    assert [topic for topic in Topic if notifier.wants(topic)] == [Topic.HELD]


def test_the_rulebook_and_the_notifier_allow_the_same_schemes() -> None:
    assert set(SCHEMES) == ALLOWED_SCHEMES
