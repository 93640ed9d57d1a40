"""What a record tells beside its verdicts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import (
    a_baseline,
    a_block,
    a_gauge,
    a_guard,
    a_live,
    a_pod,
    a_probe,
    a_ratio,
    a_rule,
    a_watch,
    alerts_of,
    at,
    counts,
    play,
    seconds,
    signs_of,
    values,
)
from watchdog.domain.events import BaselineMeasured, Looked, Measured
from watchdog.domain.record import record_of
from watchdog.domain.rules import Action, Budget, Rule
from watchdog.domain.story import COURSE_KEPT, text_of


def test_rules_read_as_rules_toml_has_them() -> None:
    texts = [
        text_of(a_rule(a_ratio(0.05), hold=60)),
        text_of(a_rule(a_probe(failures=2))),
        text_of(a_rule(signs_of("crash-loop", "image-pull"))),
        text_of(a_rule(alerts_of("CheckoutErrorsHigh"))),
        text_of(Rule("budget", Budget(a_ratio(0.001), timedelta(days=30), 0.02))),
    ]
    assert texts == [
        "http_error_rate > 0.05, for 60 s",
        "GET /health on port http each 5 s, 2 failures in a row",
        "any of crash-loop, image-pull",
        "any of the alerts CheckoutErrorsHigh",
        "spends more than 2 % of the error budget of 30 d",
    ]


def test_the_record_has_the_setting_and_the_moments() -> None:
    guard = a_guard(a_rule(), warmup=seconds(0))
    watch = replace(a_watch(guard=guard), bake_from=at(5), breached_at=at(20), breached=("error-rate",))
    record = record_of(watch)
    assert record["tempo"]["bake"] == guard.bake.total_seconds()
    assert record["bake_until"] == (at(5) + guard.bake).isoformat()
    assert record["breached_at"] == at(20).isoformat()
    assert record["may_act"] is True
    assert record["images"]["candidate"] == list(watch.switch.candidate.images)


def measured(rule: Rule, baseline: object, reading: object) -> dict[str, object]:
    watch = a_watch(guard=a_guard(rule, warmup=seconds(0)))
    watch, _ = play(
        watch,
        (Looked(a_live(1, pods=[a_pod(ready=0)])), 1),
        (BaselineMeasured({rule.name: baseline}), 1.0),  # type: ignore[dict-item]
        (Measured({rule.name: a_block(1, reading)}), 17),  # type: ignore[arg-type]
    )
    shown: dict[str, object] = record_of(watch)["rules"][rule.name]
    return shown


def test_the_past_of_stable_is_kept_with_its_bursts_and_within_bounds() -> None:
    blocks = tuple((50.0 if index == 77 else 0.0, 100.0) for index in range(10 * COURSE_KEPT))
    baseline = replace(a_baseline(counts(50, 120_000)), blocks=blocks)
    stable = measured(a_rule(alpha=0.001), baseline, counts(0, 100, samples=2))["stable"]
    assert isinstance(stable, dict)
    course = [value for _, value in stable["course"]]
    assert len(course) <= COURSE_KEPT
    assert max(course) == 0.5
    assert stable["band"] == [0.0, 0.0]
    assert stable["course"][-1][0] == baseline.end.isoformat()


def test_gaps_of_a_gauges_past_stay_gaps() -> None:
    rule = a_rule(a_gauge())
    course = (1.0, None, 3.0)
    baseline = replace(a_baseline(values(2.0)), course=course, step=15.0)
    stable = measured(rule, baseline, values(1.0))["stable"]
    assert isinstance(stable, dict)
    assert [value for _, value in stable["course"]] == [1.0, None, 3.0]


def test_a_rule_that_measured_nothing_still_says_how_it_reads() -> None:
    record = record_of(a_watch())
    rule = record["rules"]["error-rate"]
    assert rule["finding"] == "no-data"
    assert rule["text"] == "http_error_rate > 0.05"
    assert (rule["stable"], rule["recovery"]) == (None, [])


@pytest.mark.parametrize(
    ("guard", "rule", "said"),
    [
        (Action.ROLLBACK, None, "rollback"),
        (Action.ROLLBACK, Action.NOTIFY, "notify"),
        (Action.NOTIFY, Action.ROLLBACK, "notify"),
        (Action.ABORT, Action.ROLLBACK, "abort"),
    ],
)
def test_what_a_breach_leads_to_is_told_as_it_will_be(guard: Action, rule: Action | None, said: str) -> None:
    judged = replace(a_rule(), action=rule)
    record = record_of(a_watch(guard=replace(a_guard(judged), action=guard)))
    assert record["rules"][judged.name]["action"] == said
