"""The page of a watch tells the story: what happened, by which numbers, what was checked, who was told."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.web.pages.markup_reading import Element, Page, read
from adapters.web.pages.records import a_record, an_ended, judged
from builders import at
from watchdog.adapters.links import prometheus_link, single_queries
from watchdog.adapters.web.pages import Health, Setting, watch_page
from watchdog.domain.record import record_of

LIVE = Setting(at(200), Health(), "https://prometheus.example.com")


def page(record: Any, setting: Setting = LIVE) -> Page:
    return read(watch_page(record, setting))


def breached() -> dict[str, Any]:
    """A bad release, put back a moment after its breach, and recovered."""
    record = record_of(judged(*[0.5] * 8))
    assert record["breached"] == ["error-rate"]
    acted = at(62)
    return {
        **record,
        "acted_at": acted.isoformat(),
        "put_back_to": "research-6b5f (research:2.3.1)",
        "put_back_complete_at": (acted + timedelta(seconds=5)).isoformat(),
        "outcome": "rolled-back",
        "phase": "rolled-back",
        "recovery": "recovered",
        "ended_at": at(300).isoformat(),
        "reason": "each rule is kept again",
    }


def test_the_timeline_goes_from_the_baseline_through_the_switch_to_the_outcome() -> None:
    entries = [one.words for one in page(breached()).section("timeline").below if one.tag == "li"]
    said = " | ".join(entries)
    order = ["the baseline begins", "rolled out: research", "error-rate was breached", "traffic was put back to",
             "the put-back was complete", "rolled-back, recovered"]  # fmt: skip
    places = [said.index(each) for each in order]
    assert places == sorted(places)
    assert "+62 s" in said


def test_a_rule_with_numbers_has_a_plot_with_a_text_alternative_and_its_moments() -> None:
    shown = page(breached())
    plots = [one for one in shown.tags("svg", "wd") if "wd-small" not in one.attributes["class"]]
    assert [one.attributes["viewbox"].split()[2] for one in plots] == ["1000", "320"]
    for plot in plots:
        assert_told(plot)


def assert_told(plot: Element) -> None:
    (told,) = [one for one in plot.below if one.tag == "desc"]
    assert "breach" in told.words
    assert "between 50 % and 50 %" in told.words
    moments = [one.words for one in plot.below if "wd-moment" in one.attributes.get("class", "")]
    for name in ("switch", "breach", "put back", "recovered"):
        assert any(name in moment for moment in moments), (name, moments)
    assert "limit 5 %" in plot.words
    assert "odds against a harmless release" in plot.words
    assert "needed: 1,000 to 1" in plot.words


def jumps(record: Any) -> dict[str, str]:
    shown = page(record)
    (links,) = shown.tags("nav", "jump")
    found = {one.words: one.attributes["href"].removeprefix("#") for one in links.below}
    for place in found.values():
        shown.by_id(place)
    return found


def test_the_questions_at_three_in_the_morning_are_one_step_away() -> None:
    assert jumps(breached()) == {
        "Was it right?": "r0-name", "What happened": "timeline", "What to do next": "next",
    }  # fmt: skip
    held = jumps({**a_record(*[0.5] * 8), "phase": "holding", "refusal": "on-hold"})
    assert held["Why was it not put back?"] == "checks"
    assert jumps(a_record())["How its rules stand"] == "rules"


def test_the_numbers_are_those_of_the_record() -> None:
    record = breached()
    rule = record["rules"]["error-rate"]
    card = next(one for one in page(record).tags("article") if one.words.startswith("error-rate"))
    assert rule["sentence"] in card.words
    assert f"{rule['bad']:.0f} of {rule['total']:.0f}" in card.words
    assert "50 %" in card.words


def test_a_query_can_be_copied_whole_and_opened_in_prometheus() -> None:
    record = a_record()
    asked = 'a{x="1; 2"}[30s]; sum(rate(b{y=~"z\\"; c"}[1m]))'
    record["rules"]["error-rate"]["query"] = asked
    shown = page(record)
    texts = [one.text for one in shown.tags("pre")]
    assert 'a{x="1; 2"}[30s]' in texts
    assert 'sum(rate(b{y=~"z\\"; c"}[1m]))' in texts
    links = [urlsplit(one.attributes["href"]) for one in shown.tags("a") if "prometheus" in one.attributes["href"]]
    assert [parse_qs(link.query)["g0.expr"][0] for link in links[:2]] == single_queries(asked)
    assert [parse_qs(link.query)["g0.tab"][0] for link in links[:2]] == ["1", "0"]
    assert not [one for one in page(record, Setting(at(1), Health())).tags("a") if "graph" in one.attributes["href"]]


@pytest.mark.parametrize(
    ("asked", "queries"),
    [
        ("", []),
        ("up", ["up"]),
        ("a; b;c", ["a", "b", "c"]),
        ("a{b=';'}; `;`", ["a{b=';'}", "`;`"]),
        ('"\\";"', ['"\\";"']),
    ],
)
def test_queries_that_were_asked_together_are_taken_apart(asked: str, queries: list[str]) -> None:
    assert single_queries(asked) == queries


def test_a_query_too_long_for_an_address_is_not_linked() -> None:
    assert prometheus_link("https://prometheus.example.com", "x" * 7000, None) == ""
    assert prometheus_link(None, "up", None) == ""


def test_what_was_checked_is_listed_with_what_refused_it() -> None:
    checks = [
        {"check": "frozen", "holds": "no pause is in force", "answer": "passed", "why": ""},
        {"check": "on-hold", "holds": "no annotation holds it", "answer": "refused", "why": "on hold: migration"},
        {"check": "gitops", "holds": "nothing would revert it", "answer": "not reached", "why": ""},
    ]
    shown = page(a_record(phase="holding", refusal="on-hold", checks=checks)).section("checks")
    lines = [one.words for one in shown.below if one.tag == "li"]
    assert lines == [
        "✓ passed: no pause is in force",
        "✕ refused, it does not hold: no annotation holds it on hold: migration",
        "· not reached: nothing would revert it (not reached)",
    ]
    assert "The act was refused" in shown.words


def test_what_changed_is_listed_and_the_commits_are_linked() -> None:
    link = "https://git.example.com/shop/compare/1111111...2222222"
    shown = page(a_record(changes=["research image: a, now b"], commits=link)).section("changed")
    assert [one.words for one in shown.below if one.tag == "li"] == ["research image: a, now b"]
    assert [one.attributes["href"] for one in shown.below if one.tag == "a"] == [link]
    unsafe = page(a_record(changes=["x"], commits="javascript:alert(1)")).section("changed")
    assert not [one for one in unsafe.below if one.tag == "a"]


def test_peers_and_notices_and_what_a_dry_run_would_send_are_shown() -> None:
    peers = [{"rule": "error-rate", "from": at(0).isoformat(), "to": at(60).isoformat(), "shared": True, "why": "",
              "peers": [{"target": "production/deployment/brand", "usable": True, "alike": True,
                         "sentence": "9 of 100 requests were bad"}]}]  # fmt: skip
    unsent = [{"method": "PATCH", "path": "/apis/apps/v1/x", "content_type": "application/json", "body": '{"a":1}'}]
    record = a_record(peers=peers, would_send=unsent, dry_run=True)
    shown = page(record)
    assert "a shared cause" in shown.section("peers").words
    assert ["production/deployment/brand", "alike", "9 of 100 requests were bad"] in shown.rows()
    assert '{"a":1}' in shown.section("unsent").words
    assert "dry run" in shown.tags("header")[0].words
    told = page(breached()).section("told").words
    assert "breaks error-rate" in told
    assert "releases ✓ sent" in told


def test_an_ended_watch_read_from_its_kept_record_looks_the_same_as_it_did_live() -> None:
    import json  # noqa: PLC0415

    record = breached()
    assert watch_page(json.loads(json.dumps(record)), LIVE) == watch_page(record, LIVE)


def test_only_an_open_watch_is_followed() -> None:
    assert "data-live" in page(a_record()).tags("main")[0].attributes
    assert "data-live" not in page(an_ended("w", "passed")).tags("main")[0].attributes


def test_a_file_needs_nobody_and_holds_the_record_without_what_only_the_watchdog_reads() -> None:
    record = breached()
    text = watch_page(record, Setting(at(400)))
    shown = read(text)
    assert not shown.tags("script")
    assert not shown.tags("link")
    assert all(one.attributes["href"].startswith("#") for one in shown.tags("a"))
    (policy,) = [one for one in shown.tags("meta") if one.attributes.get("http-equiv")]
    assert policy.attributes["content"].startswith("default-src 'none'")
    kept = shown.by_id("json").words
    assert '"outcome": "rolled-back"' in kept
    assert '"state"' not in kept


@pytest.mark.parametrize("broken", [
    {}, {"rules": None}, {"rules": {"x": 5}}, {"rules": {"x": {"path": [[1], "no", [None, 2, 3, 4]]}}},
    {"switched_at": "yesterday", "notices": 7, "checks": "no", "peers": {"a": 1}, "tempo": []},
    {"switched_at": "2026-03-02T03:00:00+00:00", "rules": {"x": {"path": [["2026-03-02T03:00:15+00:00", 1e308, True]],
     "stable": {"band": ["a", None], "course": [[]], "from": 1}, "dimension": "?"}}},
])  # fmt: skip
def test_a_record_that_was_edited_by_hand_or_is_of_another_version_is_shown_as_far_as_it_can_be(broken: Any) -> None:
    page({"watch": "w", "target": "production/deployment/x", **broken})
