"""GrafanaNotifier against a server that keeps annotations as Grafana's published API does."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.grafana import CREATED, TOKEN, StandInGrafana, a_grafana, complaints
from adapters.notifiers.standin import AT, a_notice
from adapters.simulated import simulated
from rulebook.texts import a_text
from watchdog.adapters.dry_run import MarkedNotifier
from watchdog.adapters.notifiers import GrafanaNotifier, Rejected, build
from watchdog.adapters.notifiers.grafana import _annotation
from watchdog.domain.channels import ANNOTATED_TOPICS, Channel, Grafana, Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.rules import Rulebook
from watchdog.ports import NotDelivered
from watchdog.rulebook import read_rules
from watchdog.simulator.clock import SimulatedClock
from watchdog.survey.trial_notices import try_channels

SWITCHED = AT - timedelta(minutes=10)
FACTS = {"guard": "shop", "switched": SWITCHED.isoformat()}
SWITCH = a_notice(id="w1/switch", topic=Topic.SWITCH, title="research switched", facts=FACTS, at=SWITCHED)
ROLLED_BACK = a_notice(facts=FACTS)
RECOVERED = a_notice(
    id="w1/recovered", topic=Topic.RECOVERED, title="research recovered", facts=FACTS, at=AT + timedelta(minutes=5)
)


def a_channel(grafana: StandInGrafana, **changes: Any) -> GrafanaNotifier:
    return GrafanaNotifier("graphs", grafana.url, TOKEN, SimulatedClock(AT), **changes)


def milliseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1000)


async def tell(channel: Any, *notices: Notice) -> None:
    for notice in notices:
        await channel.send(notice, possible_repeat=False)


@simulated
async def test_a_watch_is_one_region_from_its_switch_to_its_outcome() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana)
        await tell(channel, SWITCH)
        (point,) = grafana.kept
        assert point["time"] == point["timeEnd"] == milliseconds(SWITCHED)
        assert "outcome:switch" in point["tags"]
        await tell(channel, ROLLED_BACK, RECOVERED)
        await channel.close()
        (region,) = grafana.kept
    assert (region["time"], region["timeEnd"]) == (milliseconds(SWITCHED), milliseconds(AT + timedelta(minutes=5)))
    assert region["tags"] == [
        "rollback-watchdog", "watch:w1", "outcome:recovered", "guard:shop", "target:production/deployment/research",
    ]  # fmt: skip
    assert region["text"].startswith("<b>research recovered</b>\n")
    assert '<a href="https://watchdog.example.com/api/watches/w1">Open the watch</a>' in region["text"]
    assert region["dashboardUID"] == ""


@simulated
async def test_an_outcome_whose_switch_was_never_told_is_a_region_all_the_same() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana)
        await tell(channel, ROLLED_BACK)
        await channel.close()
        (region,) = grafana.kept
    assert (region["time"], region["timeEnd"]) == (milliseconds(SWITCHED), milliseconds(AT))


@simulated
async def test_a_repeat_after_a_crash_or_a_lost_answer_makes_no_second_one() -> None:
    async with a_grafana() as grafana:
        grafana.forgets_to_answer = True
        first = a_channel(grafana)
        with pytest.raises(NotDelivered) as caught:
            await tell(first, ROLLED_BACK)
        assert caught.value.unsure
        await first.close()
        second = a_channel(grafana)
        await second.send(ROLLED_BACK, possible_repeat=True)
        await second.close()
        assert len(grafana.kept) == 1


@simulated
async def test_what_comes_late_does_not_replace_what_was_told_after_it() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana)
        await tell(channel, RECOVERED, ROLLED_BACK, SWITCH)
        await channel.close()
        (region,) = grafana.kept
    assert "outcome:recovered" in region["tags"]


@simulated
async def test_a_reminder_is_no_new_fact_and_moves_nothing() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana)
        await tell(channel, a_notice(id="w1/held/reminder-1", topic=Topic.HELD))
        await channel.close()
        assert grafana.asked == []


@simulated
async def test_each_dashboard_that_is_named_has_its_own_annotation() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana, dashboards=("shop", "team"))
        grafana.forgets_to_answer = True
        with pytest.raises(NotDelivered):
            await tell(channel, SWITCH)
        await tell(channel, SWITCH, ROLLED_BACK)
        everywhere = a_channel(grafana)
        await tell(everywhere, ROLLED_BACK)
        await channel.close()
        await everywhere.close()
        assert [(one["dashboardUID"], one["tags"][2]) for one in grafana.kept] == [
            ("shop", "outcome:rolled-back"), ("team", "outcome:rolled-back"), ("", "outcome:rolled-back"),
        ]  # fmt: skip


@simulated
async def test_an_annotation_that_somebody_deleted_meanwhile_is_made_anew() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana)
        grafana.fails = [web.json_response([{"id": 7, "dashboardUID": "", "timeEnd": 1}])]
        await tell(channel, ROLLED_BACK)
        await channel.close()
        assert grafana.asked == ["GET /api/annotations", "PATCH /api/annotations/7", "POST /api/annotations"]
        assert len(grafana.kept) == 1


@simulated
async def test_a_dry_run_is_marked_and_apart_from_a_real_one_of_the_same_watch() -> None:
    async with a_grafana() as grafana:
        channel = a_channel(grafana)
        dry = MarkedNotifier(channel)
        assert dry.wants(Topic.WOULD_ROLL_BACK)
        await tell(dry, a_notice(topic=Topic.WOULD_ROLL_BACK, facts=FACTS))
        await tell(channel, ROLLED_BACK)
        await channel.close()
        marked, real = grafana.kept
    assert {"dry-run", "watch:dry-run/w1", "outcome:would-roll-back"} <= set(marked["tags"])
    assert marked["text"].startswith("<b>[dry run] ")
    assert not {"dry-run", "watch:dry-run/w1"} & set(real["tags"])


@simulated
async def test_tests_are_one_annotation_under_a_tag_of_their_own() -> None:
    async with a_grafana() as grafana:
        channel = Channel("graphs", grafana=Grafana("{{ secret.URL }}", "{{ secret.TOKEN }}"))
        secrets = {"URL": f"{grafana.url}/", "TOKEN": TOKEN}
        clock = SimulatedClock(AT)
        for _ in range(2):
            (tried,) = await try_channels([channel], secrets.__getitem__, clock, by="ana")
            assert tried.told, tried.answer
            await clock.sleep(60)
        (one,) = grafana.kept
    assert one["tags"][:2] == ["rollback-watchdog-test", "watch:notify-test-graphs"]
    assert one["time"] == one["timeEnd"] == milliseconds(AT + timedelta(minutes=1))
    assert one["text"].startswith("<b>[test] ")


@pytest.mark.parametrize(
    ("answer", "detail", "final", "unsure"),
    [
        (web.json_response({"message": "Invalid API key"}, status=401), "answered 401: Invalid API key", False, False),
        (web.json_response({"message": f"no {TOKEN}"}, status=403), "answered 403: no [secret]", False, False),
        (web.json_response({"message": "no text"}, status=400), "answered 400: no text", True, False),
        (web.Response(text="<html>Sign in</html>"), "answered 200", False, True),
        (web.Response(status=502, text="<html>"), "answered 502", False, False),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "answered 302", False, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("after", [0, 1])
@simulated
async def test_any_other_answer_is_not_delivered_and_shows_no_token(
    answer: web.Response, detail: str, final: bool, unsure: bool, after: int
) -> None:
    async with a_grafana() as grafana:
        grafana.fails = [web.json_response([])] * after + [
            web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        ]
        channel = a_channel(grafana)
        with pytest.raises(NotDelivered) as caught:
            await tell(channel, ROLLED_BACK)
        await channel.close()
    assert (str(caught.value), isinstance(caught.value, Rejected), caught.value.unsure) == (detail, final, unsure)
    assert TOKEN not in repr(channel)


@simulated
async def test_one_that_is_away_says_so() -> None:
    async with a_grafana() as grafana:
        pass
    channel = a_channel(grafana)
    with pytest.raises(NotDelivered, match="could not connect"):
        await tell(channel, ROLLED_BACK)
    await channel.close()


WORDS = st.one_of(st.text(max_size=50), st.just("<script>alert(1)</script> \u202e\n\x00\"'&" + "x" * 10_000))


@given(
    words=WORDS,
    watch=WORDS,
    facts=st.dictionaries(st.sampled_from(["guard", "switched", "dry_run", "runbook"]), WORDS),
    lines=st.lists(WORDS, max_size=60),
    topic=st.sampled_from(Topic),
    severity=st.sampled_from(Severity),
)
def test_whatever_people_wrote_it_is_text_of_the_published_shape(
    words: str, watch: str, facts: dict[str, str], lines: list[str], topic: Topic, severity: Severity
) -> None:
    notice = a_notice(
        title=words, target=words, watch=watch, facts=facts, lines=tuple(lines), topic=topic, severity=severity,
        link="javascript:alert(1)", links={words: "https://w.example/\"><script>"},
    )  # fmt: skip
    annotation = _annotation(notice)
    assert complaints(annotation, CREATED) == []
    assert len(annotation["text"]) < 50_000
    shown = annotation["text"]
    assert "<script" not in shown
    assert "javascript:" not in shown.replace(notice.title, "")
    assert not set(shown) & {"\u202e", "\x00"}
    assert annotation["tags"][:1] == ["rollback-watchdog"]  # what it is found by, whatever the rest is


def channel_of(more: str) -> Rulebook:
    return read_rules(a_text(channel=f"[channels.releases]\n{more}"))


def test_a_channel_of_rules_toml_is_told_of_the_switch_and_every_outcome_unless_it_says_otherwise() -> None:
    grafana = 'grafana = { url = "https://g.example.org", token = "{{ secret.T }}", dashboards = ["shop-1_a"] }'
    (channel,) = channel_of(grafana).channels
    assert channel.grafana == Grafana("https://g.example.org", "{{ secret.T }}", ("shop-1_a",))
    assert (channel.kind, channel.on) == ("grafana", ANNOTATED_TOPICS)
    assert {Topic.SWITCH, Topic.PASSED, Topic.SUPERSEDED} <= channel.on
    (other,) = channel_of(f'{grafana}\non = ["held"]').channels
    assert other.on == {Topic.HELD}


@simulated
async def test_it_is_built_with_its_secrets() -> None:
    channel = Channel("graphs", grafana=Grafana("https://g.example.org/grafana/", "{{ secret.T }}"))
    notifier = build(channel, {"T": TOKEN}.__getitem__, SimulatedClock(AT))
    assert isinstance(notifier, GrafanaNotifier)
    assert notifier._url == "https://g.example.org/grafana/api/annotations"
    await notifier.close()
