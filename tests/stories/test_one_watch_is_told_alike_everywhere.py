"""One watch, told by page, notices, explain, record and Event: the same sentence, the same numbers, the same times."""

import asyncio
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.notifiers.standin import a_server, says
from adapters.web.pages.markup_reading import read
from cli.verbs import a_cluster, call_beside
from town import NAMESPACE, Town, tell
from watchdog.adapters.notifiers import text
from watchdog.adapters.notifiers.pagerduty import PagerDutyNotifier
from watchdog.adapters.notifiers.slack import SlackAddress, SlackNotifier
from watchdog.domain.reading import Rule, moment
from watchdog.simulator.traffic import Course

BAD = Course.step(0.004, 0.4, after=30)
TOPICS = {"research": "rolled-back", "brand": "held", "content": "passed"}


@dataclass
class Told:
    """One watch, as each of them tells it."""

    record: dict[str, Any]
    page: str
    api: dict[str, Any]
    events: list[str]
    slack: dict[str, str] = field(default_factory=dict)  # by topic, all that is shown
    pagerduty: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)


async def _told(town: Town, name: str) -> Told:
    record = await town.outcome(name)
    await town.sleep(5)
    assert town.watchdog is not None
    async with aiohttp.ClientSession(town.watchdog.url) as session:
        async with session.get(f"/watches/{record['watch']}") as answer:
            page = read(await answer.text()).by_id("main").words
        async with session.get(f"/api/watches/{record['watch']}") as answer:
            api = await answer.json()
    events = [
        one["note"]
        for one in town.cluster.list("events", NAMESPACE)
        if (one.get("regarding") or {}).get("name") == name
    ]
    told = Told(town.records(name)[0], page, api, events)
    notices = [one for one, _ in town.channels["releases"].told if one.watch == record["watch"]]
    async with a_server(says(200)) as slack, a_server(says(202)) as pagerduty:
        room = SlackNotifier("releases", SlackAddress(f"{slack.url}/services/T/B/X"), town.clock)
        pager = PagerDutyNotifier("oncall", "k" * 32, town.clock, url=f"{pagerduty.url}/v2/enqueue")
        for notice in notices:
            await room.send(notice, possible_repeat=False)
            await pager.send(notice, possible_repeat=False)
            topic = notice.topic.value
            told.slack[topic] = " ".join(html.unescape(" ".join(_texts(slack.bodies[-1]))).split())
            told.pagerduty[topic] = pagerduty.bodies[-1]
            told.plain[topic] = (
                f"{text.title(notice, possible_repeat=False)}\n{text.plain(notice, possible_repeat=False)}"
            )
        await room.close()
        await pager.close()
    return told


def _texts(body: object) -> Iterator[str]:
    """All that a reader of a Slack message sees."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(body, list):
        for one in body:
            yield from _texts(one)


@pytest.fixture(scope="module")
def told() -> dict[str, Told]:
    """Three releases of one afternoon: one that is put back, one that is held, one that passes."""
    found: dict[str, Told] = {}

    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=BAD)
        town.behaves("brand:v2", errors=BAD)
        until = town.clock.now().replace(hour=23).isoformat()
        hold = {"rollback-watchdog.dev/hold": f"until={until}; a <migration> that cannot go back"}
        town.cluster.patch("deployments", NAMESPACE, "brand", {"metadata": {"annotations": hold}})
        for name, manager in (("research", "deploy-bot"), ("content", "ana"), ("brand", "ana")):
            town.deploy(name, f"{name}:v2", manager=manager)
            await town.sleep(200)
        for name in TOPICS:
            found[name] = await _told(town, name)

    tell(story, lambda town: town.furnish("research", "brand", "content", "agent"))
    return found


@dataclass
class Explained:
    """What explain prints of a watch, in each format, as a reader sees it."""

    table: str
    markdown: str
    html: str
    json: dict[str, Any]


async def _explained(watch: str, settings: Mapping[str, str]) -> Explained:
    async def printed(*words: str) -> str:
        result = await call_beside("explain", watch, *words, **settings)
        assert result.exit_code == 0, result.output
        return result.stdout

    return Explained(
        " ".join((await printed()).split()),
        _unescaped(await printed("-o", "markdown")),
        read(await printed("-o", "html")).by_id("main").words,
        json.loads(await printed("-o", "json")),
    )


def _unescaped(markdown: str) -> str:
    return " ".join(html.unescape(markdown).replace("\u2060", "").split())


@pytest.fixture(scope="module")
def explained(told: dict[str, Told], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Explained]:
    """Each of them by the verb, from a cluster that holds their records."""
    folder: Path = tmp_path_factory.mktemp("explained")

    async def main() -> dict[str, Explained]:
        async with a_cluster(folder, *(one.record for one in told.values())) as settings:
            return {name: await _explained(one.record["watch"], settings) for name, one in told.items()}

    return asyncio.run(main())


@pytest.mark.parametrize("name", TOPICS)
def test_the_sentence_is_one(told: dict[str, Told], explained: dict[str, Explained], name: str) -> None:
    one, shown, topic = told[name], explained[name], TOPICS[name]
    sentence = one.record["headline"]
    assert one.record["outcome"] == topic
    assert sentence.startswith(f"production/deployment/{name}"), sentence
    places = {
        "page": one.page, "slack": one.slack[topic], "plain": one.plain[topic], "table": shown.table,
        "markdown": shown.markdown, "html": shown.html,
    }  # fmt: skip
    for place, words in places.items():
        assert sentence in words, place
    assert one.api["headline"] == shown.json["headline"] == sentence
    assert any(note == sentence or note.startswith(f"{sentence}: ") for note in one.events), one.events
    event = one.pagerduty[topic]
    if topic == "passed":
        assert event["event_action"] == "resolve"
    else:
        assert event["payload"]["summary"] == sentence


@pytest.mark.parametrize("name", ["research", "brand"])
def test_the_numbers_of_the_breach_are_the_same(
    told: dict[str, Told], explained: dict[str, Explained], name: str
) -> None:
    one, shown, topic = told[name], explained[name], TOPICS[name]
    assert one.record["breached"] == ["error-rate"]
    known = one.record["rules"]["error-rate"]
    assert one.api["rules"]["error-rate"] == shown.json["rules"]["error-rate"] == known
    rule = Rule("error-rate", known)
    assert known["value"] == pytest.approx(known["bad"] / known["total"])
    value, limit = rule.shown("value"), rule.shown("limit")
    counted = f"{known['bad']:.0f} of {known['total']:.0f} requests"
    places = {
        "page": one.page, "slack": one.slack[topic], "plain": one.plain[topic], "table": shown.table,
        "markdown": shown.markdown, "html": shown.html, "event": " ".join(one.events),
    }  # fmt: skip
    for place, words in places.items():
        for number in (value, limit, counted):
            assert number in words, (place, number)
    details = one.pagerduty[topic]["payload"]["custom_details"]
    assert (details["value"], details["limit"]) == (value, limit)
    assert float(details["requests"]) == round(known["total"])
    assert details["why"] == known["sentence"]
    for words in (one.page, shown.table, shown.markdown, shown.html, one.plain[topic]):
        assert known["sentence"] in words


@pytest.mark.parametrize("name", TOPICS)
def test_revisions_and_times_are_the_same(told: dict[str, Told], explained: dict[str, Explained], name: str) -> None:
    one, shown, topic = told[name], explained[name], TOPICS[name]
    candidate, stable = one.record["candidate"], one.record["stable"]
    everywhere = [one.plain[topic], shown.table, shown.markdown, shown.html, one.page]
    everywhere += [one.slack[topic]] if topic != "passed" else []  # what ends well is a headline alone
    for words in everywhere:
        for revision in (candidate, stable):
            # The page has the image tags in large letters beside the revision's name.
            assert all(part in words for part in re.split(r" \(|\)", revision) if part), (revision, words)
    fields = ("switched_at", "breached_at", "acted_at", "ended_at")
    times = {which: moment(one.record[which]) for which in fields if one.record[which]}
    assert set(times) >= {"switched_at", "ended_at"} | ({"breached_at"} if topic != "passed" else set())
    for which, at in times.items():
        assert at is not None
        for words in (one.page, shown.table, shown.markdown, shown.html):
            assert f"{at:%H:%M:%S}" in words, which
    switched = f"at {times['switched_at']:%H:%M:%S} UTC"
    assert switched in one.plain[topic]
    assert topic == "passed" or switched in one.slack[topic]
    if topic == "rolled-back":
        assert f"at {times['acted_at']:%H:%M:%S} UTC" in one.plain[topic]


def test_what_it_cost_is_told_alike_and_adds_up(told: dict[str, Told], explained: dict[str, Explained]) -> None:
    one, shown = told["research"], explained["research"]
    met = one.record["rules"]["error-rate"]["met"]
    failed = f"{met['bad']:,.0f} of {met['total']:,.0f} requests failed from the switch to"
    for words in (one.page, shown.table, shown.markdown, shown.html):
        assert failed in words
        assert "Saved by acting: about " in words
    assert met["bad"] >= one.record["rules"]["error-rate"]["bad"]
    assert "Saved by acting" not in explained["brand"].table
    assert "Saved by acting" not in explained["content"].table


def test_a_mark_is_told_alike(told: dict[str, Told], tmp_path: Path) -> None:
    record = told["research"].record

    async def main() -> None:
        async with a_cluster(tmp_path, *(one.record for one in told.values())) as settings:
            reason = "the load test <ran> into it"
            marked = await call_beside("mark", record["watch"], "false-alarm", "--reason", reason, **settings)
            assert marked.exit_code == 0, marked.output
            shown = await _explained(record["watch"], settings)
            history = await call_beside("history", **settings)
            sentence = marked.stdout.split(": ", 1)[1].strip()
            assert sentence.startswith("marked a false alarm, by ")
            assert sentence.endswith(reason)
            for words in (shown.table, shown.markdown, shown.html, " ".join(history.stdout.split())):
                assert sentence in words
            assert shown.json["mark"]["reason"] == reason
            assert {key: value for key, value in shown.json.items() if key != "mark"} == record
            assert "1 false alarm, 0 missed" in history.stdout

    asyncio.run(main())
