"""What people are told of a watch: the headline, the timeline, the impact, the decision, what to look at next."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from adapters.web.pages.records import a_record, judged
from builders import (
    a_baseline,
    a_block,
    a_guard,
    a_latency,
    a_live,
    a_pod,
    a_ratio,
    a_rule,
    a_watch,
    at,
    counts,
    play,
    seconds,
    slow,
)
from watchdog.domain.account import account_of, headline_of
from watchdog.domain.events import BaselineMeasured, Looked, Measured
from watchdog.domain.impact import impact_of
from watchdog.domain.measurement import Buckets
from watchdog.domain.record import record_of


def put_back(**changes: Any) -> dict[str, Any]:
    """Half of 100 requests in each of eight blocks of 15 s failed; put back after the fourth, five seconds later."""
    record = record_of(judged(*[0.5] * 8))
    known = {
        "acted_at": at(62).isoformat(), "put_back_to": "research-5f6d", "put_back_complete_at": at(65).isoformat(),
        "bake_until": at(665).isoformat(), "outcome": "rolled-back", "phase": "rolled-back", "recovery": "recovered",
        "ended_at": at(300).isoformat(), "reason": "each rule is kept again",
    }  # fmt: skip
    return {**record, **known, **changes}


def notice(topic: str, title: str) -> dict[str, Any]:
    return {"id": f"w/{topic}", "title": title, "at": at(70).isoformat(), "deliveries": {}}


@pytest.mark.parametrize(
    ("outcome", "told", "headline"),
    [
        ("rolled-back", ["breach/error-rate", "held/frozen", "rolled-back", "recovered"], "rolled-back"),
        ("held", ["breach/error-rate", "held/frozen"], "held/frozen"),
        ("passed", ["switch", "passed"], "passed"),
        ("superseded", ["switch", "breach/error-rate", "superseded"], "superseded"),
        ("inconclusive", ["switch", "inconclusive"], "inconclusive"),
        ("notified", ["breach/cpu", "notified"], "notified"),
        (None, ["switch", "breach/error-rate/deciding"], "breach/error-rate/deciding"),
        (None, ["switch"], "No rule is breached so far."),
        ("passed", [], "kept all its rules"),
    ],
)
def test_the_headline_is_what_people_were_told_of_what_matters_most(
    outcome: str | None, told: list[str], headline: str
) -> None:
    record = {"outcome": outcome, "phase": outcome or "watching", "notices": [notice(topic, topic) for topic in told]}
    assert headline_of({**record, "reason": "kept all its rules" if outcome else ""}) == headline


def test_the_headline_of_what_a_brake_holds_names_the_reason_that_is_told_in_one_notice_for_all() -> None:
    breach = "research breaks error-rate: 50 % (limit > 5 %); may it be put back?"
    why = "3 rollbacks in the last 10 min: so many at once have a cause elsewhere"
    record = {"phase": "held", "outcome": "held", "notices": [notice("breach/error-rate", breach)], "reason": why}
    said = headline_of({**record, "refusal": "too-many-rollbacks"})
    assert said == f"research breaks error-rate: 50 % (limit > 5 %), but nothing was done: {why}"
    open_one = {**record, "outcome": None, "phase": "holding", "refusal": "too-many-rollbacks"}
    assert headline_of(open_one) == said
    assert headline_of({**record, "phase": "deciding", "outcome": None, "refusal": None, "reason": ""}) == breach


def test_the_record_carries_its_headline() -> None:
    record = record_of(judged(*[0.5] * 8))
    assert record["headline"] == headline_of(record) == record["notices"][0]["title"]


def test_the_timeline_is_in_the_order_of_time_and_says_how_long_after_the_switch() -> None:
    entries = account_of(put_back()).timeline
    assert [one.at for one in entries] == sorted(one.at for one in entries)
    (breach,) = [one for one in entries if one.what == "rule error-rate was breached"]
    assert breach.why == put_back()["rules"]["error-rate"]["sentence"]
    (back,) = [one for one in entries if one.what.startswith("traffic was put back to research-5f6d")]
    assert back.after == "+62 s"
    assert entries[-1].sentence == "rolled-back, recovered: each rule is kept again"


def test_a_mark_is_the_timelines_last_word() -> None:
    mark = {"what": "false-alarm", "by": "ana", "reason": "a load test", "at": at(900).isoformat()}
    account = account_of(put_back(mark=mark))
    assert account.timeline[-1].sentence == "ana marked it a false alarm: a load test"
    assert account.mark == "marked a false alarm, by ana at 2026-03-02 12:15:00 UTC: a load test"


# -- the impact ---------------------------------------------------------------------------------------------------


def test_requests_are_counted_from_the_switch_on_those_of_cold_pods_as_well() -> None:
    rules = (a_rule(a_ratio(), name="error-rate", alpha=0.001),)
    watch = a_watch(guard=a_guard(*rules, warmup=seconds(30)))
    watch, _ = play(
        watch,
        (Looked(a_live(1, pods=[a_pod(ready=0)])), 1),
        (BaselineMeasured({"error-rate": a_baseline(counts(4, 1000))}), 1.0),
        *((Measured({"error-rate": a_block(n, counts(7, 100, samples=2))}), 15.0 * n + 2) for n in range(1, 5)),
    )
    (met,) = impact_of(record_of(watch)).met
    assert (met.bad, met.total, met.until) == (28, 400, at(60))
    assert met.sentence == "28 of 400 requests failed from the switch to 12:01:00 UTC (rule error-rate)"


def test_what_acting_saved_is_reckoned_from_the_rate_at_the_breach_less_what_stable_fails_as_well() -> None:
    record = put_back()
    rule = record["rules"]["error-rate"]
    rule["baseline"] = 0.004
    impact = impact_of(record)
    window = 45.0
    assert (rule["bad"], rule["total"]) == (150.0, 300.0)
    saved = impact.saved
    assert saved is not None
    assert saved.usual == pytest.approx(0.004 * 300 / window)
    assert saved.bad == pytest.approx((150 - 1.2) / window * 600)
    assert saved.sentence.startswith("about 2,000 more requests would have failed, had it served 10 min longer, to the")
    assert "3.3 a second when rule error-rate was breached, less the 0.027 a second that stable has" in saved.sentence
    assert "It was bad for " in impact.served
    assert "until traffic was back at 12:01:05 UTC" in impact.served


@pytest.mark.parametrize(
    "changes",
    [
        {"acted_at": None, "put_back_complete_at": None, "outcome": "held"},
        {"bake_until": None},
        {"bake_until": at(60).isoformat()},
        {"breached": []},
        {"rules": {}},
    ],
)
def test_nothing_is_said_to_be_saved_where_that_cannot_be_known(changes: dict[str, Any]) -> None:
    assert impact_of(put_back(**changes)).saved is None


def test_of_slow_requests_or_hot_pods_no_number_of_failed_requests_is_made() -> None:
    record = put_back()
    record["rules"]["error-rate"].pop("met")
    impact = impact_of(record)
    assert (impact.met, impact.saved) == ((), None)
    assert all("failed" not in sentence for sentence in impact.sentences)


def slowed(*shares: float, fails: float = 0.004) -> dict[str, Any]:
    """Such a share of 100 requests in each block took between 1 and 2.5 s, `fails` of them failed; it was put back."""
    rules = (
        a_rule(a_ratio(), name="error-rate", alpha=0.0005),
        a_rule(a_latency(0.5), name="latency", alpha=0.0005),
    )
    watch = a_watch(guard=a_guard(*rules, warmup=seconds(0)))
    before = {"error-rate": a_baseline(counts(4, 1000)), "latency": a_baseline(slow(0.01, 10_000))}
    watch, _ = play(
        watch,
        (Looked(a_live(1, pods=[a_pod(ready=0)])), 1),
        (BaselineMeasured(before), 1.0),
        *(
            (
                Measured(
                    {
                        "error-rate": a_block(index, counts(100 * fails, 100, samples=2)),
                        "latency": a_block(index, replace_samples(slow(share))),
                    }
                ),
                15.0 * index + 2,
            )
            for index, share in enumerate(shares, 1)
        ),
    )
    known = {
        "acted_at": at(62).isoformat(), "put_back_complete_at": at(65).isoformat(), "bake_until": at(665).isoformat(),
        "outcome": "rolled-back", "phase": "rolled-back", "recovery": "recovered", "ended_at": at(300).isoformat(),
    }  # fmt: skip
    return {**record_of(watch), **known}


def replace_samples(reading: Buckets) -> Buckets:
    """Scraped twice in its block."""
    return Buckets({pod: replace(one, samples=2) for pod, one in reading.pods.items()})


def test_of_a_slow_release_the_slow_requests_are_told_first_and_what_acting_saved_of_them() -> None:
    record = slowed(0.4, 0.4, 0.4, 0.4, fails=0.01)
    assert record["breached"] == ["latency"]
    impact = impact_of(record)
    first, second = impact.met
    assert first.sentence == "160 of 400 requests were slow (over 1 s) from the switch to 12:01:00 UTC (rule latency)"
    assert second.sentence.startswith("4 of 400 requests failed from the switch to 12:01:00 UTC")
    rule, saved = record["rules"]["latency"], impact.saved
    assert saved is not None
    begin, end = map(datetime.fromisoformat, (rule["window_from"], rule["window_to"]))
    window = (end - begin).total_seconds()
    assert rule["met"]["in_window"] == pytest.approx(0.4 * rule["total"])
    assert saved.usual == pytest.approx(0.01 * rule["total"] / window)
    assert saved.bad == pytest.approx((0.4 - 0.01) * rule["total"] / window * 600)
    assert "more requests would have been slow, had it served 10 min longer" in saved.sentence


def test_of_a_release_that_fails_and_is_not_slow_no_slow_requests_are_told() -> None:
    record = slowed(0.0, 0.0, 0.0, 0.0, fails=0.5)
    assert record["breached"] == ["error-rate"]
    assert [one.rule for one in impact_of(record).met] == ["error-rate"]


def test_a_share_that_is_no_failure_is_not_called_one() -> None:
    record = put_back()
    record["rules"]["error-rate"]["met"]["metric"] = "cache_misses"
    assert "400 of 800 requests were bad" in impact_of(record).met[0].sentence


def test_while_it_serves_and_where_it_served_on_that_is_said() -> None:
    still = put_back(acted_at=None, put_back_complete_at=None, outcome=None, phase="holding", ended_at=None)
    assert impact_of(still).served.endswith(", and serves")
    held = put_back(acted_at=None, put_back_complete_at=None, outcome="held", phase="held")
    assert "served on when its watch ended at 12:05:00 UTC" in impact_of(held).served
    assert impact_of(a_record()).served == ""


def test_slices_are_told_where_the_record_has_them() -> None:
    sentences = ["97 % of the failures are POST /checkout", "all 3 pods alike"]
    assert account_of(put_back(slices=sentences)).hurts == tuple(sentences)
    assert account_of(put_back()).hurts == ()


@pytest.mark.parametrize("broken", [
    {}, {"rules": 7, "notices": "x", "checks": [1], "slices": 4, "changes": None},
    {"rules": {"x": {"met": {"bad": "y", "total": 3}}}, "breached": ["x"], "acted_at": "later", "mark": []},
    {"mark": {"what": "boo", "at": 3}}, {"commits": "javascript:alert(1)"},
])  # fmt: skip
def test_a_record_that_was_edited_by_hand_is_told_as_far_as_it_can_be(broken: dict[str, Any]) -> None:
    account = account_of({"watch": "w", "target": "production/deployment/x", **broken})
    assert account.commits == ""
    assert account.impact.saved is None
