"""AlertmanagerNotifier against a local server, and against a real Alertmanager."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.alertmanager import alertmanager, needs_alertmanager
from adapters.notifiers.standin import AT, StandIn, a_notice, a_server, says
from adapters.simulated import simulated
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.notifiers import AlertmanagerNotifier, Rejected
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Severity
from watchdog.ports import NotDelivered
from watchdog.simulator.clock import SimulatedClock

FACTS = {"guard": "shop", "rule": "error-rate", "value": "8.1 %", "runbook": "https://wiki.example.com/rollback"}
PAGE = " with a page, as a proxy does that asks for a login"
HOSTILE = "</alert> <!channel> {{ .Labels }} \u202e\n\x00" + "x" * 10_000


def a_channel(server: StandIn, **changes: Any) -> AlertmanagerNotifier:
    return AlertmanagerNotifier("alerts", server.url, SimulatedClock(AT), **changes)


@simulated
async def test_a_rollback_fires_one_alert_that_names_its_watch() -> None:
    async with a_server(says(200, "")) as server:
        channel = a_channel(server, labels={"team": "shop", "watch": "not this"})
        await channel.send(a_notice(facts=FACTS), possible_repeat=False)
        await channel.close()
        ((alert,),) = server.bodies
        assert server.paths == ["/api/v2/alerts"]
    assert alert["labels"] == {
        "alertname": "ReleaseWatch",
        "team": "shop",
        "watch": "w1",
        "guard": "shop",
        "namespace": "production",
        "deployment": "research",
        "severity": "critical",
    }
    assert alert["annotations"] == {
        "summary": "research rolled back: error-rate 8.1 % > 5 %",
        "description": ("http_error_rate 8.1 % > 5 % since 12:00:15, 162 of 2,000 requests\nback on research-5d4f"),
        "topic": "rolled-back",
        "rule": "error-rate",
        "value": "8.1 %",
        "watch_url": "https://watchdog.example.com/api/watches/w1",
        "runbook_url": "https://wiki.example.com/rollback",
    }
    assert alert["generatorURL"] == "https://watchdog.example.com/api/watches/w1"
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-03-01T12:00:00+00:00", "2026-03-02T12:00:00+00:00")


@pytest.mark.parametrize("topic", [Topic.RECOVERED, Topic.PASSED, Topic.SUPERSEDED])
@simulated
async def test_a_good_end_resolves_every_alert_of_its_watch_whatever_on_says(topic: Topic) -> None:
    async with a_server(says(200, "")) as server:
        channel = a_channel(server, on=frozenset({Topic.HELD}))
        assert channel.wants(topic)
        for severity in (Severity.WARNING, Severity.CRITICAL):
            await channel.send(a_notice(severity=severity, facts=FACTS), possible_repeat=False)
        await channel.send(a_notice(topic=topic, severity=Severity.SUCCESS, facts=FACTS), possible_repeat=False)
        await channel.close()
        (warning,), (critical,), resolved = server.bodies
    assert all(alert["endsAt"] == "2026-03-01T12:00:00+00:00" for alert in resolved)
    assert sorted(alert["labels"]["severity"] for alert in resolved) == ["critical", "warning"]
    assert all(alert["labels"] in (warning["labels"], critical["labels"]) for alert in resolved)


@simulated
async def test_after_a_restart_a_good_end_resolves_whatever_may_have_fired() -> None:
    async with a_server(says(200, "")) as server:
        channel = a_channel(server)
        await channel.send(a_notice(topic=Topic.RECOVERED, facts=FACTS), possible_repeat=False)
        await channel.close()
        (resolved,) = server.bodies
    assert sorted(alert["labels"]["severity"] for alert in resolved) == ["critical", "info", "warning"]


@simulated
async def test_what_belongs_to_no_watch_is_an_alert_of_its_topic() -> None:
    async with a_server(says(200, "")) as server:
        channel = a_channel(server)
        notice = a_notice(watch="", target="rules.toml", topic=Topic.RULES_INVALID, severity=Severity.WARNING)
        await channel.send(notice, possible_repeat=False)
        await channel.close()
        ((alert,),) = server.bodies
    expected = {"alertname": "RollbackWatchdog", "topic": "rules-invalid", "target": "rules.toml"}
    assert alert["labels"] == {**expected, "severity": "warning"}


@pytest.mark.parametrize(
    ("answer", "detail", "final"),
    [
        (says(400, json.dumps("bad start time")), "answered 400: bad start time", True),
        (says(400, json.dumps({"message": "body in is required"})), "answered 400: body in is required", True),
        (says(401, "<html>CANARYTOKEN1</html>"), f"answered 401{PAGE}", False),
        (says(200, "\n<!doctype html><title>CANARYTOKEN1</title>"), f"answered 200{PAGE}", False),
        (says(500, json.dumps("CANARYTOKEN1")), "answered 500: [secret]", False),
        (says(302, "", Location="http://127.0.0.1:1/"), "answered 302", False),
    ],
)  # fmt: skip
@simulated
async def test_any_other_answer_is_not_delivered_and_shows_no_token(answer: Any, detail: str, final: bool) -> None:
    async with a_server(answer) as server:
        channel = a_channel(server, token="CANARYTOKEN1")
        with pytest.raises(NotDelivered) as caught:
            await channel.send(a_notice(), possible_repeat=False)
        await channel.close()
    assert (str(caught.value), isinstance(caught.value, Rejected)) == (detail, final)


@simulated
async def test_the_token_is_sent_as_a_bearer_and_shown_nowhere() -> None:
    seen = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response()

    async with a_server(answer) as server:
        channel = a_channel(server, token="CANARYTOKEN1")
        await channel.send(a_notice(), possible_repeat=False)
        await channel.close()
    assert (seen, repr(channel)) == (["Bearer CANARYTOKEN1"], "<AlertmanagerNotifier alerts>")


@given(
    words=st.one_of(st.text(max_size=50), st.just(HOSTILE)),
    topic=st.sampled_from(Topic),
    severity=st.sampled_from(Severity),
)
def test_whatever_people_wrote_its_alerts_are_of_the_documented_shape(
    words: str, topic: Topic, severity: Severity
) -> None:
    async def alerts() -> list[dict[str, Any]]:
        channel = AlertmanagerNotifier("alerts", "http://alertmanager:9093", SimulatedClock(AT))
        notice = a_notice(
            watch=words, target=words, title=words, lines=(words,), facts={"guard": words, "rule": words}, topic=topic,
            severity=severity,
        )  # fmt: skip
        await channel.close()
        return channel._alerts(notice)

    for alert in asyncio.run(alerts()):
        assert alert["labels"]["alertname"]
        for text in (*alert["labels"].values(), *alert["annotations"].values()):
            assert 0 < len(text) <= 16_000
            assert not set(text) & {"\u202e", "\x00"}
        assert alert["startsAt"] <= alert["endsAt"]


# -- the real one -------------------------------------------------------------------------------------------------


class Groups:
    """Takes what Alertmanager sends, and waits until it has sent what a test waits for."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.sent.append(await request.json())
        self._news.set()
        return web.Response()

    async def until(self, enough: Callable[["Groups"], bool]) -> None:
        async with asyncio.timeout(60):
            while not enough(self):
                self._news.clear()
                await self._news.wait()

    def told(self, guard: str, status: str) -> set[str]:
        """The watches that the last word on a guard's group says this of."""
        of_guard = [group for group in self.sent if group["groupLabels"].get("guard") == guard]
        alerts = of_guard[-1]["alerts"] if of_guard else []
        return {alert["labels"]["watch"] for alert in alerts if alert["status"] == status}


@pytest.mark.prometheus
@needs_alertmanager
async def test_a_real_alertmanager_receives_groups_and_resolves_the_alerts(tmp_path: Path) -> None:
    clock, groups = SystemClock(), Groups()
    async with a_server(groups.answer) as receiver:
        with alertmanager(receiver.url, tmp_path) as real:
            channel = AlertmanagerNotifier("alerts", real.url, clock, labels={"team": "shop"})
            try:
                for watch, guard in (("w1", "shop"), ("w2", "shop"), ("w3", "other")):
                    notice = a_notice(watch=watch, at=clock.now(), facts={**FACTS, "guard": guard})
                    await channel.send(notice, possible_repeat=False)
                    await channel.send(notice, possible_repeat=True)
                await groups.until(
                    lambda seen: seen.told("shop", "firing") == {"w1", "w2"} and seen.told("other", "firing") == {"w3"}
                )
                (alert,) = real.alerts("watch=w1", "severity=critical", "team=shop")
                assert alert["annotations"]["summary"] == "research rolled back: error-rate 8.1 % > 5 %"
                assert {alert["labels"]["watch"] for alert in real.alerts()} == {"w1", "w2", "w3"}

                ended = a_notice(watch="w1", topic=Topic.RECOVERED, at=clock.now(), facts=FACTS)
                await channel.send(ended, possible_repeat=False)
                await groups.until(lambda seen: seen.told("shop", "resolved") == {"w1"})
                assert groups.told("shop", "firing") == {"w2"}
                assert {alert["labels"]["watch"] for alert in real.alerts()} == {"w2", "w3"}
            finally:
                await channel.close()


@pytest.mark.prometheus
@needs_alertmanager
async def test_a_real_alertmanager_takes_hostile_names_and_a_good_end_of_what_never_fired(tmp_path: Path) -> None:
    clock, groups = SystemClock(), Groups()
    async with a_server(groups.answer) as receiver:
        with alertmanager(receiver.url, tmp_path) as real:
            channel = AlertmanagerNotifier("alerts", real.url, clock)
            try:
                passed = a_notice(watch="w0", topic=Topic.PASSED, at=clock.now(), facts={"guard": "other"})
                await channel.send(passed, possible_repeat=False)
                hostile = a_notice(
                    watch="w1", target=HOSTILE, title=HOSTILE, lines=(HOSTILE,), at=clock.now(), facts=FACTS
                )
                await channel.send(hostile, possible_repeat=False)
                await groups.until(lambda seen: bool(seen.sent))
                ((alert,),) = [group["alerts"] for group in groups.sent]
                assert alert["labels"]["watch"] == "w1"
                assert alert["annotations"]["summary"].startswith("</alert> <!channel> {{ .Labels }} xxx")
            finally:
                await channel.close()
