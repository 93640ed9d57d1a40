"""`check --live`: whether traffic and buckets let a rule reach a verdict within the bake."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builders import at
from survey.scenes import checked, line_of, of
from town import GOOD, NAMESPACE, OWN, RULES, Town, tell
from watchdog.adapters.kubernetes.documents import RECORD
from watchdog.domain.judge.calibration import calibration_key
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.memory import Memory
from watchdog.domain.record import document_of
from watchdog.domain.rollout import Revision, Target
from watchdog.rulebook import read_rules
from watchdog.simulator.traffic import Latency
from watchdog.survey.findings import Finding, Kind, Level

RESEARCH = Target.parse("production/deployment/research")


def found(rules: str = RULES, remembered: Mapping[str, Any] | None = None, **behaviour: Any) -> list[Finding]:
    findings: list[Finding] = []

    def furnish(here: Town) -> None:
        here.behaviours["research:v1"] = replace(GOOD, **behaviour)
        here.furnish("research")
        if remembered is not None:
            metadata = {"name": f"rollback-watchdog-targets-{NAMESPACE}", "labels": {RECORD: "targets"}}
            here.cluster.create("configmaps", OWN, {"metadata": metadata, "data": dict(remembered)})

    async def look(here: Town) -> None:
        findings.extend(await checked(here, rules))

    tell(look, furnish, rules=rules, start=False)
    return findings


def test_thin_traffic_is_told_with_the_time_a_fault_would_take_to_prove() -> None:
    findings = found(requests_per_second=0.3)
    thin = [one for one in of(Kind.THIN_TRAFFIC, findings) if "error-rate" in one.message]
    assert len(thin) == 1, findings
    errors = thin[0]
    assert errors.level is Level.WARNING
    assert errors.line == line_of('when = "http_error_rate > 5%"')
    told = re.fullmatch(
        r"rule error-rate: at (?P<rate>0\.\d+) requests/s a fault of 10 % \(twice the limit\) "
        r"takes about (?P<minutes>\d+) min to prove \((?P<requests>\d+) requests; harmless is up to "
        r"(?P<level>[\d.]+) %, by what its pods did in the last 30 min\); bake is 10 min",
        errors.message,
    )
    assert told is not None, errors.message
    assert 0.25 < float(told["rate"]) < 0.35
    assert 10 < int(told["minutes"]) < 90
    assert int(told["minutes"]) - 1 <= int(told["requests"]) / float(told["rate"]) / 60 <= int(told["minutes"]) + 1
    assert 1.5 <= float(told["level"]) <= 4.5


def test_a_time_of_seconds_is_not_rounded_up_to_a_minute_where_the_bake_is_shorter() -> None:
    rules = RULES.replace('channels   = ["releases", "oncall"]', 'channels = ["releases", "oncall"]\nbake = "70s"')
    (errors,) = (
        one for one in of(Kind.THIN_TRAFFIC, found(rules, requests_per_second=2.5)) if "error-rate" in one.message
    )
    told = re.search(r"takes about (?P<seconds>\d+) s to prove .* bake is 70 s", errors.message)
    assert told is not None, errors.message
    assert 70 < int(told["seconds"]) < 120


def test_traffic_is_thin_only_for_a_bake_that_is_too_short_for_it() -> None:
    longer = RULES.replace('channels   = ["releases", "oncall"]', 'channels = ["releases", "oncall"]\nbake = "6h"')
    assert of(Kind.THIN_TRAFFIC, found(longer, requests_per_second=0.3)) == []
    assert of(Kind.THIN_TRAFFIC, found(requests_per_second=5)) == []


def test_no_request_at_all_is_told_apart_from_no_series() -> None:
    findings = found(requests_per_second=0.0)
    # The counter by status exists from the first request on; the histogram is there from the start.
    (thin,) = of(Kind.THIN_TRAFFIC, findings)
    assert thin.message == "rule latency had no request to judge in the last 30 min"
    (blind,) = of(Kind.BLIND_RULE, findings)
    assert "there is no metric http_requests_total" in blind.message


def test_a_rule_without_evidence_still_waits_for_its_requests() -> None:
    plain = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5%"\nconfidence = "off"')
    plain = plain.replace('confidence = "off"', 'min_requests = 900\nconfidence = "off"')
    (finding,) = (
        one for one in of(Kind.THIN_TRAFFIC, found(plain, requests_per_second=0.5)) if "error-rate" in one.message
    )
    assert "its 900 requests take about" in finding.message


COARSE = (
    RULES
    + """
[metrics.http_latency]
kind = "histogram"
buckets = 'http_request_duration_seconds_bucket{namespace="{{ namespace }}", pod=~"{{ pods }}"}'
"""
)


def test_buckets_are_measured_where_they_are_and_found_too_coarse() -> None:
    (finding,) = of(Kind.COARSE_BUCKETS, found(COARSE, latency=Latency(0.02, 0.05)))
    assert finding.level is Level.WARNING
    assert finding.line == line_of("buckets = ", COARSE)
    assert "is judged at the bucket 500 ms, the next there is" in finding.message


def test_a_limit_beyond_the_last_bucket_can_never_be_proven() -> None:
    rules = COARSE.replace("p95(http_latency) > 2x baseline", "p95(http_latency) > 5s")
    (finding,) = of(Kind.COARSE_BUCKETS, found(rules))
    assert finding.level is Level.ERROR
    assert "cannot be proven: the buckets end below its limit of 5 s" in finding.message


def test_habits_that_reach_beyond_the_cap_are_told() -> None:
    guard = read_rules(RULES).guards[0]
    rule = next(rule for rule in guard.rules if rule.name == "error-rate")
    learnt = Calibration(at(0), windows=50, reached=44.0, requests=300.0)
    memory = Memory(RESEARCH, Revision("research", "abc"), at(0), calibrations={calibration_key(rule, guard): learnt})

    remembered = {"deployment.research": json.dumps(document_of(memory))}
    (finding,) = of(Kind.CAPPED_HABITS, found(remembered=remembered))
    assert finding.targets == (str(RESEARCH),)
    assert finding.line == line_of('when = "http_error_rate > 5%"')
    harmless = {"deployment.research": json.dumps(document_of(memory)).replace("44.0", "1.0")}
    assert of(Kind.CAPPED_HABITS, found(remembered=harmless)) == []


def test_the_worst_time_to_safety_is_told_and_above_15_minutes_warned_of() -> None:
    (told,) = of(Kind.TIME_TO_SAFETY, found())
    assert told.level is Level.NOTE
    assert "bake 10 min, interval 15 s, scrape " in told.message
    assert "rollout " in told.message
    longer = RULES.replace('channels   = ["releases", "oncall"]', 'channels = ["releases", "oncall"]\nbake = "15m"')
    (warned,) = of(Kind.TIME_TO_SAFETY, found(longer))
    assert warned.level is Level.WARNING
    assert warned.remedy == "a bad release should be gone within 15 min; shorten the bake"
    assert warned.line == line_of('bake = "15m"', longer)


def test_a_guard_that_only_tells_brings_nobody_to_safety() -> None:
    rules = RULES.replace('channels   = ["releases", "oncall"]', 'channels = ["releases", "oncall"]\naction = "notify"')
    assert of(Kind.TIME_TO_SAFETY, found(rules)) == []
