"""The status page says what is open, what ended, and whether the watchdog itself is well."""

from datetime import timedelta
from typing import Any

from adapters.web.pages.markup_reading import Page, read
from adapters.web.pages.records import a_record, an_ended
from builders import at
from watchdog.adapters.web.pages import Fact, Filter, Health, Overview, status_page

WELL = Health((Fact("role", "leader", "good"), Fact("Prometheus", "well 3 s ago", "good")))


def page(*, chosen: Filter | None = None, **view: Any) -> Page:
    shown: dict[str, Any] = {"open": [], "ended": [], "health": WELL, "now": at(120), **view}
    return read(status_page(Overview(**shown), chosen or Filter()))


def test_an_open_watch_shows_target_image_tags_time_left_and_every_rule() -> None:
    shown = page(open=[a_record(0.004, 0.01, 0.0)])
    (card,) = shown.tags("article")
    assert "production/deployment/research" in card.words
    assert "research:2.4.0" in card.words
    assert "research:2.3.1" in card.words
    assert "by ana" in card.words
    (bar,) = shown.tags("svg", "bar")
    assert "of the bake left, of 10 min" in bar.words
    rules = {row[0].split()[0]: row for row in shown.rows()}
    assert set(rules) == {"error-rate", "crash"}
    assert "http_error_rate > 0.05" in rules["error-rate"][0]
    assert "5 %" in rules["error-rate"][3]
    assert "needed" in rules["error-rate"][4]


def test_the_bar_is_as_full_as_time_is_left_of_the_bake() -> None:
    record = a_record(0.004)
    begin = at(0)
    widths = []
    for now in (begin, begin + timedelta(minutes=5), begin + timedelta(hours=2)):
        (bar,) = page(open=[record], now=now).tags("svg", "bar")
        widths.append([int(one.attributes["width"]) for one in bar.below if one.tag == "rect"][1:])
    assert widths == [[1000], [500], []]


def put_back(**changes: Any) -> Any:
    acted = {"acted_at": at(70).isoformat(), "put_back_to": "research-6b5f (research:2.3.1)"}
    ends = {"recovery": None, "recovery_until": at(970).isoformat(), **changes}
    return a_record(*[0.5] * 6, phase="recovering", **acted, **ends)


def test_until_the_put_back_is_complete_no_recovery_is_counted() -> None:
    (card,) = page(open=[put_back(put_back_complete_at=None)]).tags("article")
    assert "the put-back is under way; the recovery is counted from its completion" in card.words
    assert not [one for one in card.below if "bar" in one.attributes.get("class", "").split()]
    assert " left, of " not in card.words
    whole = put_back(put_back_complete_at=at(80).isoformat(), recovery_until=at(380).isoformat())
    (card,) = page(open=[whole], now=at(140)).tags("article")
    assert "of the look at the recovery left, of" in card.words
    assert "under way" not in card.words


def test_what_was_put_back_is_said_and_nothing_is_green_before_it_is_known_to_have_helped() -> None:
    shown = page(open=[put_back(put_back_complete_at=at(80).isoformat())])
    (card,) = shown.tags("article")
    assert "Traffic was put back to research-6b5f (research:2.3.1) at 2026-03-02 12:01:10 UTC." in card.words
    assert "Whether that helps is not known yet" in card.words
    assert "t-good" not in card.attributes["class"]
    assert not [one for one in card.below if "wd-recovery" in one.attributes.get("class", "")]
    (watching,) = page(open=[a_record(0.004)]).tags("article")
    assert "put back" not in watching.words


def test_a_person_s_mark_stands_beside_the_outcome() -> None:
    mark = {"what": "missed", "by": "ana", "reason": "checkout was down", "at": at(900).isoformat()}
    (row,) = page(ended=[an_ended("w1", "passed", mark=mark)]).rows()
    assert row[1] == "✓ passed ! marked missed"
    assert "marked as missed: it was bad, by ana" in row[2]
    assert "checkout was down" in row[2]


def test_what_needs_a_person_stands_above_what_is_only_watched() -> None:
    watched = a_record(watch="watched", target="production/deployment/brand")
    nearly = a_record(0.06, 0.08, 0.08, watch="nearly", target="production/deployment/content")
    held = a_record(watch="held", phase="holding", reason="no pod of stable is ready")
    shown = page(open=[watched, nearly, held])
    assert [card.words.split()[0] for card in shown.tags("article")] == [
        "production/deployment/research",
        "production/deployment/content",
        "production/deployment/brand",
    ]
    assert "no pod of stable is ready" in shown.tags("article")[0].words


def test_of_a_hundred_open_watches_the_page_stays_small() -> None:
    many = [a_record(watch=f"w{index}", target=f"production/deployment/s{index}") for index in range(100)]
    text = status_page(Overview(many, [], WELL, at(60)), Filter())
    assert len(text.encode()) < 300_000
    shown = read(text)
    assert all(f"/watches/w{index}" in {link.attributes["href"] for link in shown.tags("a")} for index in range(100))


def test_outcomes_link_to_their_watches_and_say_why_and_whether_it_helped() -> None:
    undone = an_ended("w1", "rolled-back", recovery="recovered")
    shown = page(ended=[undone, an_ended("w2", "passed")])
    first, second = shown.rows()
    assert first[1] == "✕ rolled-back ✓ recovered"
    assert first[2] == "so it rolled-back"
    assert second[1] == "✓ passed"
    assert [link.attributes["href"] for link in shown.tags("a") if "/watches/" in link.attributes["href"]] == [
        "/watches/w1",
        "/watches/w2",
    ]


def test_filters_leave_out_the_others_and_need_no_script() -> None:
    mine, other = an_ended("mine", "passed"), an_ended("other", "held", target="staging/deployment/x", guard="tests")
    shown = page(ended=[mine, other], chosen=Filter(namespace="staging"))
    assert [row[0] for row in shown.rows()] == ["staging/deployment/x research:2.4.0"]
    choices = {one.attributes["name"]: [each.attributes["value"] for each in one.below] for one in shown.tags("select")}
    assert choices["namespace"] == ["", "production", "staging"]
    assert choices["outcome"] == ["", "held", "passed"]
    (picked,) = [one for one in shown.tags("option") if "selected" in one.attributes]
    assert picked.attributes["value"] == "staging"
    by_guard = page(ended=[mine, other], chosen=Filter.of({"guard": "tests", "unknown": "x"}))
    assert len(by_guard.rows()) == 1
    nothing = page(ended=[mine], chosen=Filter(outcome="failed"))
    assert "none of those asked for" in nothing.section("ended").words


def test_what_is_not_well_is_said_at_the_top_and_nobody_can_miss_that_nothing_acts() -> None:
    ill = Health((Fact("Prometheus", "the last query failed: timeout", "bad"), Fact("role", "leader", "good")),
                 ("Nothing acts: paused by ana until 04:00.",))  # fmt: skip
    shown = page(health=ill)
    assert "Prometheus: the last query failed" in shown.tags("header")[0].words
    assert "is well" not in shown.tags("header")[0].words
    (note,) = shown.tags("p", "note")
    assert note.words == "Nothing acts: paused by ana until 04:00."
    assert "the watchdog itself is well" in page().tags("header")[0].words


def test_where_nothing_happens_it_says_so() -> None:
    shown = page()
    assert "no release is being watched now" in shown.section("open").words
    assert "no watch has ended yet" in shown.section("ended").words


def test_a_dry_run_is_told_from_the_real_thing() -> None:
    assert "dry run" in page(dry_run=True).tags("header")[0].words
    assert "dry run" not in page().tags("header")[0].words
