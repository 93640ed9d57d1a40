"""CloudEventsNotifier against a local receiver, which reads events with the official SDK and checks signatures."""

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest
from aiohttp import web
from cloudevents.http import CloudEvent, from_http
from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.standin import AT, StandIn, a_notice, a_server, hangs, says
from adapters.simulated import simulated
from watchdog.adapters.jsontext import to_json
from watchdog.adapters.notifiers import ChannelInvalid, CloudEventsNotifier, Rejected, build
from watchdog.domain.channels import Channel, CloudEvents, Topic
from watchdog.ports import NotDelivered
from watchdog.simulator.clock import SimulatedClock

KEY = "whsec_" + base64.b64encode(b"CANARY-key-of-the-receiver-0123").decode()
HOSTILE = "<script>alert(1)</script> <!channel> \u202edlrow\n\r\x00" + "x" * 10_000


class Receiver:
    """As docs/notices.md tells a receiver to read events: the signature over the bytes as they came, then the SDK."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.signed: list[bool] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.signed.append(verify(KEY, request.headers, body))
        self.events.append(from_http(dict(request.headers), body))
        return web.Response(status=204)


def verify(key: str, headers: Any, body: bytes) -> bool:
    """The receiver's own check, written from the documentation."""
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{wanted}", given) for given in headers["webhook-signature"].split())


def a_hook(server: StandIn, **changes: Any) -> CloudEventsNotifier:
    return CloudEventsNotifier("programs", f"{server.url}/hook/CANARYPATH1", KEY, SimulatedClock(AT), **changes)


@simulated
async def test_the_official_sdk_reads_an_event_with_all_that_people_are_told() -> None:
    receiver = Receiver()
    async with a_server(receiver.answer) as server:
        hook = a_hook(server, source="/clusters/eu")
        await hook.send(a_notice(), possible_repeat=False)
        await hook.close()
        assert server.paths == ["/hook/CANARYPATH1"]
    (event,) = receiver.events
    assert (event["specversion"], event["id"], event["source"]) == ("1.0", "w1-rolled-back", "/clusters/eu")
    assert event["type"] == "dev.rollback-watchdog.notice.rolled-back"
    assert (event["subject"], event["time"]) == ("production/deployment/research", "2026-03-01T12:00:00+00:00")
    notice = a_notice()
    assert event.data == {
        "topic": "rolled-back",
        "severity": "critical",
        "watch": "w1",
        "target": "production/deployment/research",
        "title": notice.title,
        "lines": list(notice.lines),
        "facts": {"rule": "error-rate", "value": "8.1 %"},
        "links": {"Open the watch": notice.link},
        "possible_repeat": False,
    }
    assert receiver.signed == [True]


@simulated
async def test_a_repeat_has_the_same_identity_and_says_that_it_may_be_one() -> None:
    receiver = Receiver()
    async with a_server(receiver.answer) as server:
        hook = a_hook(server)
        await hook.send(a_notice(), possible_repeat=False)
        await hook.send(a_notice(), possible_repeat=True)
        await hook.close()
    first, second = receiver.events
    assert (first["source"], first["id"]) == (second["source"], second["id"])
    assert [event.data["possible_repeat"] for event in receiver.events] == [False, True]
    assert receiver.signed == [True, True]


@simulated
async def test_whatever_was_changed_on_the_way_breaks_the_signature() -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((dict(request.headers), await request.read()))
        return web.Response()

    async with a_server(answer) as server:
        hook = a_hook(server)
        await hook.send(a_notice(), possible_repeat=False)
        await hook.close()
    ((headers, body),) = seen
    assert verify(KEY, headers, body)
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
    assert not verify(KEY, headers, body + b" ")
    assert not verify(KEY, {**headers, "webhook-timestamp": "1"}, body)
    assert not verify(KEY, {**headers, "webhook-id": "other"}, body)
    assert not verify("whsec_" + base64.b64encode(b"x" * 30).decode(), headers, body)


@simulated
async def test_hostile_words_reach_the_receiver_as_they_are() -> None:
    receiver = Receiver()
    async with a_server(receiver.answer) as server:
        hook = a_hook(server)
        await hook.send(
            a_notice(id=HOSTILE, title=HOSTILE, lines=(HOSTILE,) * 200, facts={"query": HOSTILE}), possible_repeat=False
        )
        await hook.close()
    (event,) = receiver.events
    assert event.data["title"] == HOSTILE
    assert len(event.data["lines"]) == 100
    assert len(to_json(event.data)) < 700_000
    assert receiver.signed == [True]


@pytest.mark.parametrize(
    ("answer", "detail", "final", "wait"),
    [
        (says(400, "invalid"), "answered 400: invalid", True, None),
        (says(410, "gone"), "answered 410: gone", True, None),
        (says(429, "CANARYPATH1", Retry_After="7"), "answered 429: [secret]", False, 7.0),
        (says(503, "<html>"), "answered 503", False, None),
        (says(302, "", Location="http://127.0.0.1:1/"), "answered 302", False, None),
        (hangs, "no answer within 10 s", False, None),
    ],
)
@simulated
async def test_any_other_answer_is_not_delivered_and_shows_no_secret(
    answer: Any, detail: str, final: bool, wait: float | None
) -> None:
    async with a_server(answer) as server:
        hook = a_hook(server)
        with pytest.raises(NotDelivered) as caught:
            await hook.send(a_notice(), possible_repeat=False)
        await hook.close()
    failure = caught.value
    assert (str(failure), isinstance(failure, Rejected), failure.retry_after) == (detail, final, wait)


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("https://hooks.example.org", "CANARY", "its key is shorter than 24 bytes"),
        ("https://hooks.example.org", "whsec_CANARY!", "what follows is no base64"),
        ("CANARY", KEY, r"its url is no http\(s\) address"),
        ("file:///etc/CANARY", KEY, r"its url is no http\(s\) address"),
        ("http://[CANARY", KEY, r"its url is no http\(s\) address"),
    ],
)
@simulated
async def test_what_can_never_work_is_said_without_showing_it(url: str, key: str, said: str) -> None:
    secrets = {"URL": url, "KEY": key}
    channel = Channel("programs", cloudevents=CloudEvents("{{ secret.URL }}", "{{ secret.KEY }}"))
    with pytest.raises(ChannelInvalid, match=said) as caught:
        build(channel, secrets.__getitem__, SimulatedClock(AT))
    assert "CANARY" not in str(caught.value)


@given(notice_id=st.text(min_size=1, max_size=600))
def test_an_id_of_any_text_is_a_header_that_http_can_carry(notice_id: str) -> None:
    sent: list[dict[str, str]] = []

    async def post(_: str, __: str, headers: dict[str, str]) -> Any:
        sent.append(headers)
        raise NotDelivered("not in this test")

    async def send() -> None:
        hook = CloudEventsNotifier("programs", "http://127.0.0.1:9", KEY, SimulatedClock(AT))
        hook._poster.post = post  # type: ignore[method-assign,assignment]
        with pytest.raises(NotDelivered):
            await hook.send(a_notice(id=notice_id, topic=Topic.HELD), possible_repeat=False)
        await hook.close()

    asyncio.run(send())
    assert all(value.isascii() and value.isprintable() for value in sent[0].values())
