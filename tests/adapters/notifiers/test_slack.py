"""SlackNotifier against a local server that stands in for Slack's webhooks and its API."""

import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.standin import AT, StandIn, a_notice, a_server, hangs, resets, says
from adapters.simulated import simulated
from watchdog.adapters.notifiers import AppriseNotifier, SlackNotifier
from watchdog.adapters.notifiers.slack import SlackAddress
from watchdog.adapters.notifiers.slack_blocks import length, message, only_text
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.ports import NotDelivered
from watchdog.simulator.clock import SimulatedClock

HOOK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
API = "https://slack.com/api/chat.postMessage"
TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
TOKEN = "xoxb-123456789012-CANARYabcdef"
HOSTILE = (
    "<!channel> <@U123|boss> & <https://evil.example|click> *bold* `x` @here @everyone :fire:\n\n\u202edlrow\u2066\x00"
)


def a_webhook(server: StandIn, **changes: Any) -> SlackNotifier:
    return SlackNotifier("releases", SlackAddress(f"{server.url}/services/{TOKENS}"), SimulatedClock(AT), **changes)


def a_bot(server: StandIn, *rooms: str) -> SlackNotifier:
    address = SlackAddress(f"{server.url}/api/chat.postMessage", TOKEN, rooms or ("#releases",))
    return SlackNotifier("releases", address, SimulatedClock(AT))


def takes(count: list[int]) -> Any:
    """Slack's API: each message gets a time stamp, and a room its id."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        count.append(1)
        asked = await request.json()
        return web.json_response({"ok": True, "channel": f"C-{asked['channel']}", "ts": f"17000000{len(count)}.0"})

    return answer


def texts(payload: Any) -> list[str]:
    """Every text of a message, as Slack would show it."""
    if isinstance(payload, dict):
        own = [payload["text"]] if isinstance(payload.get("text"), str) else []
        return own + [one for value in payload.values() for one in texts(value)]
    return [one for item in payload for one in texts(item)] if isinstance(payload, list) else []


async def failure_of(notifier: SlackNotifier, notice: Notice | None = None) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        await notifier.send(notice or a_notice(), possible_repeat=False)
    await notifier.close()
    return caught.value


@simulated
async def test_a_webhook_gets_the_story_in_one_line_then_its_lines_then_its_links() -> None:
    async with a_server(says(200)) as server:
        notifier = a_webhook(server)
        links = {"Query in Prometheus": "https://prometheus.example.com/graph?g0.expr=x"}
        facts = {"rule": "error-rate", "runbook": "https://wiki.example.com/rollback"}
        await notifier.send(a_notice(links=links, facts=facts), possible_repeat=False)
        await notifier.close()
        (body,) = server.bodies
        assert server.paths == [f"/services/{TOKENS}"]
    header, section, actions, context = body["blocks"]
    assert header["type"] == "header"
    assert header["text"]["text"].endswith("research rolled back: error-rate 8.1 % &gt; 5 %")
    assert body["text"] == header["text"]["text"]  # what a phone shows
    assert section["text"]["text"] == (
        "• http_error_rate 8.1 % &gt; 5 % since 12:00:15, 162 of 2,000 requests\n• back on research-5d4f"
    )
    assert [(one["text"]["text"], one["url"]) for one in actions["elements"]] == [
        ("Open the watch", "https://watchdog.example.com/api/watches/w1"),
        ("Query in Prometheus", "https://prometheus.example.com/graph?g0.expr=x"),
        ("Runbook", "https://wiki.example.com/rollback"),
    ]
    assert context["elements"][0]["text"] == "2026-03-01 12:00:00 UTC · watch w1"


@simulated
async def test_a_headline_too_long_for_a_header_is_told_whole_in_a_section() -> None:
    async with a_server(says(200)) as server:
        notifier = a_webhook(server)
        await notifier.send(a_notice(title="t" * 290), possible_repeat=True)
        await notifier.close()
        first = server.bodies[0]["blocks"][0]
    assert first["type"] == "section"
    assert first["text"]["text"].endswith(f"(possible repeat) {'t' * 290}")


@simulated
async def test_a_webhook_is_told_shortly_of_a_good_end_and_in_full_of_a_bad_one() -> None:
    async with a_server(says(200)) as server:
        notifier = a_webhook(server)
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.send(a_notice(id="w1/2", topic=Topic.RECOVERED), possible_repeat=False)
        await notifier.send(a_notice(id="w1/3", topic=Topic.NOT_RECOVERED), possible_repeat=False)
        await notifier.close()
        shapes = [[block["type"] for block in body["blocks"]] for body in server.bodies]
    whole = ["header", "section", "actions", "context"]
    assert shapes == [whole, ["section", "actions", "context"], whole]
    assert not any("thread_ts" in body for body in server.bodies)


@simulated
async def test_a_bot_tells_what_follows_in_the_thread_and_aloud_where_somebody_must_act() -> None:
    async with a_server(takes([])) as server:
        notifier = a_bot(server)
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.send(
            a_notice(id="w1/2", topic=Topic.RECOVERED, severity=Severity.SUCCESS), possible_repeat=False
        )
        await notifier.send(a_notice(id="w1/3", topic=Topic.NOT_RECOVERED), possible_repeat=False)
        await notifier.send(a_notice(id="w2", watch="w2"), possible_repeat=False)
        await notifier.close()
        first, quiet, loud, other = server.bodies
        assert server.paths == ["/api/chat.postMessage"] * 4
    assert (first["channel"], "thread_ts" in first) == ("#releases", False)
    assert (quiet["channel"], quiet["thread_ts"], quiet["reply_broadcast"]) == ("C-#releases", "170000001.0", False)
    assert (loud["thread_ts"], loud["reply_broadcast"]) == ("170000001.0", True)
    assert "thread_ts" not in other


@simulated
async def test_a_thread_that_is_gone_begins_anew() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if "thread_ts" in asked:
            return web.json_response({"ok": False, "error": "thread_not_found"})
        return web.json_response({"ok": True, "channel": "C1", "ts": "1.0"})

    async with a_server(answer) as server:
        notifier = a_bot(server)
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.send(a_notice(id="w1/2", topic=Topic.NOT_RECOVERED), possible_repeat=False)
        await notifier.close()
        assert ["thread_ts" in body for body in server.bodies] == [False, True, False]


@simulated
async def test_a_room_that_was_told_is_left_out_when_another_one_is_tried_again() -> None:
    refused = True

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if asked["channel"] == "#second" and refused:
            return web.json_response({"ok": False, "error": "not_in_channel"})
        return web.json_response({"ok": True, "channel": "C1", "ts": "1.0"})

    async with a_server(answer) as server:
        notifier = a_bot(server, "#first", "#second")
        with pytest.raises(NotDelivered, match="refused: not_in_channel"):
            await notifier.send(a_notice(), possible_repeat=False)
        refused = False
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.close()
        assert [body["channel"] for body in server.bodies] == ["#first", "#second", "#second"]


@simulated
async def test_blocks_that_slack_refuses_are_told_as_plain_text_at_once() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        return web.Response(status=400, text="invalid_blocks") if "blocks" in asked else web.Response(text="ok")

    async with a_server(answer) as server:
        notifier = a_webhook(server)
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.close()
        assert "back on research-5d4f" in server.bodies[1]["text"]


@pytest.mark.parametrize(
    ("answer", "detail", "unsure", "wait"),
    [
        (says(429, "rate_limited", Retry_After="30"), "answered 429: rate_limited", False, 30.0),
        (says(500, "<html>" + "x" * 5000 + "</html>"), "answered 500", False, None),
        (says(404, "TIiajkdnlazkcOXrIdevi7"), "answered 404: [secret]", False, None),
        (says(302, "", Location="http://127.0.0.1:1/"), "answered 302", False, None),
        (says(200, "<html>Sign in</html>"), "answered 200", True, None),
        (hangs, "no answer within 10 s", True, None),
        (resets, "the connection broke: ReadError", True, None),
    ],
)
@simulated
async def test_a_webhook_s_refusal_says_why_and_whether_it_may_have_come_through(
    answer: Any, detail: str, unsure: bool, wait: float | None
) -> None:
    async with a_server(answer) as server:
        failure = await failure_of(a_webhook(server))
        assert len(server.bodies) == 1  # retries are the caller's
    said = str(failure).replace("RemoteProtocolError", "ReadError")
    assert (said, failure.unsure, failure.retry_after, failure.final) == (detail, unsure, wait, False)


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (200, json.dumps({"ok": False, "error": "channel_not_found"}), "refused: channel_not_found"),
        (200, json.dumps({"ok": False, "error": f"no {TOKEN}"}), "refused: no [secret]"),
        (200, json.dumps({"ok": False, "error": "<b>" * 100}), "refused"),
        (200, "<html>Sign in</html>", "answered 200"),
        (200, "[]", "answered 200"),
        (503, json.dumps({"ok": True}), "answered 503"),
    ],
)
@simulated
async def test_a_bot_s_refusal_says_why_without_its_token(status: int, body: str, detail: str) -> None:
    async with a_server(says(status, body)) as server:
        assert str(await failure_of(a_bot(server))) == detail


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"slack://{TOKENS}", SlackAddress(HOOK)),
        (HOOK, SlackAddress(HOOK)),
        (f"slack://watchdog@{TOKENS}/#a", SlackAddress(HOOK, "", ("#a",), "watchdog")),
        (f"slack://{TOKEN}/#a/b/+C0123/@me", SlackAddress(API, TOKEN, ("#a", "C0123", "@me", "#b"))),
        (f"slack://{TOKEN}/#a:1700000000.1", SlackAddress(API, TOKEN, ("#a:1700000000.1",))),
        (f"slack://{TOKEN}", SlackAddress(API, TOKEN, ("#general",))),
        (f"slack://{TOKENS}?blocks=no", None),
        (f"slack://{TOKEN}/?to=someone@example.com", None),
        ("https://hooks.slack.com/workflows/T05ABCDEF/Ft07ABCDEF/12345678/abcdefgh", None),
        ("json://127.0.0.1", None),
    ],
)  # fmt: skip
@simulated
async def test_a_url_means_the_room_that_it_means_to_apprise(url: str, address: SlackAddress | None) -> None:
    assert AppriseNotifier("releases", url).slack == address


@simulated
async def test_neither_its_repr_nor_its_address_s_shows_a_secret() -> None:
    address = SlackAddress(HOOK, TOKEN)
    notifier = SlackNotifier("releases", address, SimulatedClock(AT))
    await notifier.close()
    assert not any(secret in repr(address) + repr(notifier) for secret in (*TOKENS.split("/"), TOKEN))


# -- what Slack publishes -----------------------------------------------------------------------------------------

words = st.one_of(st.text(max_size=400), st.sampled_from([HOSTILE, "<" * 10_000, "\U0001f525" * 10_000, "&" * 149]))


def assert_slack_takes(payload: dict[str, Any]) -> None:
    """The limits of https://docs.slack.dev/reference/block-kit, counted in UTF-16 as in characters."""
    assert 1 <= len(payload["blocks"]) <= 50
    for block in payload["blocks"]:
        match block["type"]:
            case "header":
                assert 1 <= length(block["text"]["text"]) <= 150
            case "section":
                assert 1 <= length(block["text"]["text"]) <= 3000
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
                for button in block["elements"]:
                    assert 1 <= length(button["text"]["text"]) <= 75
                    assert 1 <= length(button["url"]) <= 3000
                    assert button["url"].startswith(("http://", "https://"))
                    assert len(button["action_id"]) <= 255
                assert len({button["action_id"] for button in block["elements"]}) == len(block["elements"])
            case "context":
                assert len(block["elements"]) <= 10
            case other:
                raise AssertionError(other)
    assert sum(length(text) for text in texts(payload)) < 13_000


def assert_it_is_text(payload: dict[str, Any]) -> None:
    """No control character of Slack's, no mention, no mark that turns the line; and nothing that reads markup."""
    for text in texts(payload):
        bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert not set(bare) & {"<", ">", "&", "\u202e", "\u2066", "\x00", "\r"}
        assert not any(f"@{word}" in bare for word in ("here", "channel", "everyone"))
    assert "mrkdwn" not in json.dumps(payload["blocks"])


@given(
    title=words,
    lines=st.lists(words, max_size=60),
    watch=words,
    link=st.one_of(st.just(""), st.text(max_size=50).map("https://w.example/".__add__), st.just("javascript:alert(1)")),
    links=st.dictionaries(
        words, st.sampled_from(["https://p.example/" + "q" * 4000, "http://p/<|>", "ftp://x"]), max_size=30
    ),
    severity=st.sampled_from(Severity),
    topic=st.sampled_from(Topic),
    repeat=st.booleans(),
    short=st.booleans(),
)  # fmt: skip
def test_whatever_people_wrote_slack_takes_it_and_shows_it_as_text(
    title: str, lines: list[str], watch: str, link: str, links: dict[str, str], severity: Severity, topic: Topic,
    repeat: bool, short: bool,
) -> None:  # fmt: skip
    notice = a_notice(
        title=title, lines=tuple(lines), watch=watch, link=link, links=links, severity=severity, topic=topic
    )
    payload = message(notice, possible_repeat=repeat, short=short)
    assert_slack_takes(payload)
    assert_it_is_text(payload)
    plain = only_text(notice, possible_repeat=repeat)
    assert length(plain["text"]) <= 3000
    assert_it_is_text({**plain, "blocks": []})


def test_hostile_words_are_shown_as_they_are() -> None:
    shown = " ".join(texts(message(a_notice(title=HOSTILE, lines=(HOSTILE,)), possible_repeat=False)))
    assert "&lt;!channel&gt; &lt;@U123|boss&gt; &amp; &lt;https://evil.example|click&gt; *bold* `x`" in shown
