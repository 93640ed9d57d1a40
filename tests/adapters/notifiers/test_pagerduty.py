"""PagerDutyNotifier against a local server, on simulated time."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.standin import AT, StandIn, a_notice, a_server, hangs, resets, says
from adapters.simulated import simulated
from watchdog.adapters.jsontext import to_json
from watchdog.adapters.notifiers import PagerDutyNotifier, Rejected
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Severity
from watchdog.ports import NotDelivered
from watchdog.simulator.clock import SimulatedClock

KEY = "CANARY0123456789abcdef0123456789"
TAKEN = says(202, '{"status": "success", "dedup_key": "w1"}')


def a_pager(server: StandIn, **changes: Any) -> PagerDutyNotifier:
    return PagerDutyNotifier("oncall", KEY, SimulatedClock(AT), url=f"{server.url}/v2/enqueue", **changes)


async def failure_of(notifier: PagerDutyNotifier) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        await notifier.send(a_notice(), possible_repeat=False)
    await notifier.close()
    return caught.value


@simulated
async def test_a_rollback_triggers_one_incident_of_its_watch() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.close()
        (event,) = server.bodies
        assert server.paths == ["/v2/enqueue"]
    assert (event["routing_key"], event["event_action"], event["dedup_key"]) == (KEY, "trigger", "w1")
    assert event["payload"] == {
        "summary": "research rolled back: error-rate 8.1 % > 5 %",
        "source": "production/deployment/research",
        "severity": "critical",
        "timestamp": "2026-03-01T12:00:00+00:00",
        "component": "deployment/research",
        "group": "production",
        "class": "rolled-back",
        "custom_details": {
            "rule": "error-rate",
            "value": "8.1 %",
            "story": list(a_notice().lines),
            "notice": "w1-rolled-back",
        },
    }
    assert event["links"] == [{"href": "https://watchdog.example.com/api/watches/w1", "text": "Open the watch"}]
    assert event["client_url"] == "https://watchdog.example.com/api/watches/w1"


@pytest.mark.parametrize("topic", [Topic.RECOVERED, Topic.PASSED, Topic.SUPERSEDED])
@simulated
async def test_what_ends_a_story_resolves_its_incident_whatever_on_says(topic: Topic) -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server, on=frozenset({Topic.ROLLED_BACK}))
        assert notifier.wants(topic)
        await notifier.send(a_notice(topic=topic), possible_repeat=False)
        await notifier.close()
        assert server.bodies == [{"routing_key": KEY, "event_action": "resolve", "dedup_key": "w1"}]


@simulated
async def test_other_topics_are_told_only_where_on_names_them() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server, on=frozenset({Topic.HELD}))
        await notifier.close()
    assert {topic for topic in Topic if notifier.wants(topic)} == {
        Topic.HELD,
        Topic.RECOVERED,
        Topic.PASSED,
        Topic.SUPERSEDED,
    }


@simulated
async def test_a_repeat_has_the_same_key_so_that_nothing_opens_twice() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
        await notifier.send(a_notice(), possible_repeat=False)
        await notifier.send(a_notice(), possible_repeat=True)
        await notifier.close()
        first, second = server.bodies
    assert first == second


@simulated
async def test_a_notice_of_no_watch_has_one_incident_of_its_topic() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
        notice = a_notice(watch="", target="", topic=Topic.RULES_INVALID, link="", severity=Severity.WARNING)
        await notifier.send(notice, possible_repeat=False)
        await notifier.close()
        (event,) = server.bodies
    assert event["dedup_key"] == "rollback-watchdog/rules-invalid/"
    assert (event["payload"]["severity"], event["payload"]["source"]) == ("warning", "rollback-watchdog")
    assert "links" not in event


@simulated
async def test_a_long_summary_is_cut_to_what_pagerduty_takes() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
        await notifier.send(a_notice(title="ü" * 3000, facts={"query": "q" * 9000}), possible_repeat=False)
        await notifier.close()
        payload = server.bodies[0]["payload"]
    assert len(payload["summary"]) == 1024
    assert payload["summary"].endswith("…")
    assert len(payload["custom_details"]["query"]) == 4000


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("30", 30.0),
        ("999999", 3600.0),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 11:00:00 -0000", None),
        ("soon", None),
        ("-5", None),
    ],
)
@simulated
async def test_429_says_when_to_try_again(retry_after: str, wait: float | None) -> None:
    async with a_server(says(429, "{}", Retry_After=retry_after)) as server:
        failure = await failure_of(a_pager(server))
    assert (failure.unsure, failure.retry_after) == (False, pytest.approx(wait, abs=1) if wait is not None else None)


@simulated
async def test_429_without_a_time_leaves_the_wait_to_the_caller() -> None:
    async with a_server(says(429, "[]")) as server:
        assert (await failure_of(a_pager(server))).retry_after is None


@simulated
async def test_400_is_final_and_says_why_without_the_key() -> None:
    body = json.dumps({"message": "Event object is invalid", "errors": [f"key {KEY} unknown"]})
    async with a_server(says(400, body)) as server:
        failure = await failure_of(a_pager(server))
    assert isinstance(failure, Rejected)
    assert failure.final
    assert str(failure) == "answered 400: Event object is invalid; key [secret] unknown"


@pytest.mark.parametrize(
    ("answer", "detail", "unsure"),
    [
        (says(500, "<html>" + "x" * 100_000 + "</html>"), "answered 500", False),
        (says(200, "<html>Sign in</html>"), "answered 200", True),
        (says(302, "", Location="http://127.0.0.1:1/"), "answered 302", False),
        (hangs, "no answer within 10 s", True),
        (resets, "the connection broke: ReadError", True),
    ],
)
@simulated
async def test_any_other_answer_is_not_delivered(answer: Any, detail: str, unsure: bool) -> None:
    async with a_server(answer) as server:
        failure = await failure_of(a_pager(server))
    assert not isinstance(failure, Rejected)
    assert (str(failure).replace("RemoteProtocolError", "ReadError"), failure.unsure) == (detail, unsure)


@simulated
async def test_a_hang_costs_the_deadline_and_no_more() -> None:
    async with a_server(hangs) as server:
        began = asyncio.get_running_loop().time()
        await failure_of(a_pager(server, deadline=3.0))
        assert asyncio.get_running_loop().time() - began == pytest.approx(3.0, abs=0.1)


@simulated
async def test_a_refused_connection_was_surely_not_delivered() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
    failure = await failure_of(notifier)
    assert (str(failure), failure.unsure) == ("could not connect", False)


@simulated
async def test_a_connection_that_is_never_made_was_surely_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)

        async def never(*_: Any) -> Any:
            raise httpx.ConnectTimeout("too late")

        monkeypatch.setattr(notifier._poster, "_ask", never)
        assert (await failure_of(notifier)).unsure is False


@simulated
async def test_its_repr_shows_no_key() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
        await notifier.close()
    assert repr(notifier) == "<PagerDutyNotifier oncall>"


@simulated
async def test_an_incident_links_to_the_watch_the_query_and_the_runbook() -> None:
    async with a_server(TAKEN) as server:
        notifier = a_pager(server)
        links = {"Query in Prometheus": "https://prometheus.example.com/graph?g0.expr=x", "Odd": "javascript:alert(1)"}
        notice = a_notice(links=links, facts={"runbook": "https://wiki.example.com/x"})
        await notifier.send(notice, possible_repeat=False)
        await notifier.close()
        (event,) = server.bodies
    assert [link["text"] for link in event["links"]] == ["Open the watch", "Query in Prometheus", "Runbook"]


WORDS = st.one_of(st.text(max_size=60), st.sampled_from(["ü" * 10_000, "<!channel>\n\u202e", "\U0001f525" * 10_000]))


@given(
    title=WORDS,
    target=WORDS,
    watch=WORDS,
    lines=st.lists(WORDS, max_size=80),
    facts=st.dictionaries(WORDS, WORDS, max_size=40),
    topic=st.sampled_from(Topic),
    severity=st.sampled_from(Severity),
)
def test_whatever_people_wrote_an_event_keeps_the_published_limits(
    title: str, target: str, watch: str, lines: list[str], facts: dict[str, str], topic: Topic, severity: Severity
) -> None:
    """https://developer.pagerduty.com/docs/send-alert-event: 512 KB, 1,024 characters of summary, 255 of dedup_key."""

    async def event_of() -> Any:
        notifier = PagerDutyNotifier("oncall", KEY, SimulatedClock(AT))
        await notifier.close()
        notice = a_notice(
            title=title, target=target, watch=watch, lines=tuple(lines), facts=facts, topic=topic, severity=severity
        )
        return notifier._event(notice)

    event = asyncio.run(event_of())
    assert len(to_json(event).encode()) <= 512_000
    assert 1 <= len(event["dedup_key"]) <= 255
    assert event["event_action"] in ("trigger", "resolve")
    if event["event_action"] == "trigger":
        assert 1 <= len(event["payload"]["summary"]) <= 1024
        assert event["payload"]["severity"] in ("critical", "error", "warning", "info")
        assert event["payload"]["source"]
        assert not set(event["payload"]["summary"]) & {"\n", "\u202e"}
