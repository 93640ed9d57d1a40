"""`check --live`: which rules measure nothing of which target, and what was probably meant."""

import pytest

from survey.scenes import checked, line_of, of, problems
from town import NAMESPACE, PART_OF, RULES, Town, tell
from watchdog.survey.findings import Finding, Kind, Level

SPELT_OUT = """
[metrics.http_error_rate]
kind = "ratio"
bad = '{bad}'
total = '{total}'
"""
PODS = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'
GOOD_BAD, GOOD_TOTAL = f'http_requests_total{{{PODS}, status=~"5.."}}', f"http_requests_total{{{PODS}}}"


def spelt_out(bad: str = GOOD_BAD, total: str = GOOD_TOTAL) -> str:
    return RULES + SPELT_OUT.format(bad=bad, total=total)


def blind(rules: str, furnish: tuple[str, ...] = ("research", "brand")) -> list[Finding]:
    found: list[Finding] = []

    async def look(here: Town) -> None:
        found.extend(of(Kind.BLIND_RULE, await checked(here, rules)))

    tell(look, lambda here: here.furnish(*furnish), rules=rules, start=False)
    return found


def test_rules_that_measure_everything_leave_nothing_to_say() -> None:
    async def look(here: Town) -> None:
        findings = await checked(here)
        assert problems(findings) == []
        assert [finding.kind for finding in findings] == [Kind.TIME_TO_SAFETY]

    tell(look, start=False)


def test_a_misspelt_metric_is_named_with_the_nearest_real_one_on_its_line() -> None:
    rules = spelt_out(bad=f'http_request_total{{{PODS}, status=~"5.."}}', total=f"http_request_total{{{PODS}}}")
    (finding,) = blind(rules)
    assert finding.level is Level.ERROR
    assert finding.text == (
        "production/deployment/brand, production/deployment/research: rule error-rate is blind: "
        "there is no metric http_request_total; did you mean http_requests_total?"
    )
    assert finding.line == line_of("total = 'http_request_total", rules)


def test_a_metric_of_the_presets_is_blamed_on_the_rule() -> None:
    rules = RULES.replace('preset = "fastapi"', 'preset = "linkerd"')
    findings = blind(rules)
    assert {finding.line for finding in findings} == {line_of('when = "http_error', rules), line_of("p95(", rules)}
    assert any("there is no metric response_total" in finding.text for finding in findings)


@pytest.mark.parametrize(
    ("total", "says", "remedy"),
    [
        (
            'http_requests_total{namespace="{{ namespace }}", pod_name=~"{{ pods }}"}',
            "http_requests_total has no label pod_name",
            "did you mean pod?",
        ),
        (
            'http_requests_total{name_space="{{ namespace }}", pod=~"{{ pods }}"}',
            "http_requests_total has no label name_space",
            "did you mean namespace?",
        ),
        (
            'http_requests_total{namespace="productoin", pod=~"{{ pods }}"}',
            'no series of http_requests_total has namespace="productoin" (namespace is production)',
            'did you mean namespace="production"?',
        ),
        (
            'http_requests_total{namespace="{{ namespace }}", pod=~"canary-{{ pods }}"}',
            "no series of http_requests_total has a pod of",
            "",
        ),
    ],
    ids=["pod label", "label", "value", "no such pods"],
)
def test_a_matcher_that_finds_nothing_is_named(total: str, says: str, remedy: str) -> None:
    findings = blind(spelt_out(bad=total, total=total))
    assert findings
    assert all(says in finding.text and finding.remedy == remedy for finding in findings)
    assert {target for finding in findings for target in finding.targets} == {
        "production/deployment/brand",
        "production/deployment/research",
    }


def test_an_errors_series_may_be_absent_but_not_by_a_label_that_nothing_has() -> None:
    assert blind(spelt_out(bad=f'http_requests_total{{{PODS}, status="599"}}')) == []
    rules = spelt_out(bad=f'http_requests_total{{{PODS}, stats=~"5.."}}')
    (finding,) = blind(rules)
    assert finding.level is Level.ERROR
    assert finding.message.startswith("rule error-rate sees no bad request: http_requests_total has no label stats")
    assert finding.remedy == "did you mean status?"
    assert finding.line == line_of("bad = ", rules)
    # A counter of its own may come with the first error.
    (finding,) = blind(spelt_out(bad=f"http_errors_total{{{PODS}}}"))
    assert finding.level is Level.WARNING
    assert finding.message == "rule error-rate sees no bad request: there is no metric http_errors_total"


def test_a_rule_that_is_not_required_is_only_warned_of() -> None:
    rules = spelt_out(total=f"http_request_total{{{PODS}}}").replace(
        'when = "http_error_rate > 5%"', 'when = "http_error_rate > 5%"\nrequired = false'
    )
    assert [finding.level for finding in blind(rules)] == [Level.WARNING]


def test_a_gauge_with_two_values_a_pod_is_blind_and_says_how_to_aggregate() -> None:
    rules = RULES + (f"\n[metrics.memory]\nkind = 'gauge'\nfloor = 1\nquery = 'http_requests_total{{{PODS}}}'\n")
    (finding,) = blind(rules, ("research",))
    assert "more than one sample for pod" in finding.text
    assert "aggregate with max by (pod)" in finding.text
    assert finding.line == line_of("query = ", rules)


def test_a_probe_of_a_port_that_nobody_declares_is_blind() -> None:
    rules = RULES.replace('port = "http"', 'port = "metrics"')
    (finding,) = blind(rules, ("research",))
    assert "no container of research declares the port metrics" in finding.text
    assert finding.remedy.startswith("declared are ")
    assert finding.line == line_of("probe = ", rules)


def test_a_share_of_a_limit_that_no_container_has_is_blind() -> None:
    rules = RULES.replace('when = "memory > 1.5x baseline"', 'when = "memory > 90% limit"')
    found: list[Finding] = []

    def furnish(here: Town) -> None:
        here.furnish("research")
        limits = "/spec/template/spec/containers/0/resources"
        here.cluster.patch("deployments", NAMESPACE, "research", [{"op": "remove", "path": limits}])

    async def look(here: Town) -> None:
        found.extend(of(Kind.BLIND_RULE, await checked(here, rules)))

    tell(look, furnish, start=False)
    (finding,) = found
    assert finding.text == (
        "production/deployment/research: rule memory is blind: a container of research has no memory limit; "
        "set one for each container"
    )


def test_a_metric_that_was_renamed_halfway_has_series_but_no_samples() -> None:
    async def look(here: Town) -> None:
        await here.prometheus.go_down()
        await here.sleep(45 * 60)
        await here.prometheus.come_back()
        findings = of(Kind.BLIND_RULE, await checked(here))
        assert findings
        assert all("has series, but no sample of the last minutes" in finding.text for finding in findings)

    # Scrapes begin again only at the next turn of the scraper.
    tell(look, lambda here: here.furnish("research"), start=False, scrape_interval=3600.0)


def test_what_is_scaled_to_zero_is_not_called_blind() -> None:
    rules = RULES

    async def look(here: Town) -> None:
        assert of(Kind.BLIND_RULE, await checked(here, rules)) == []

    tell(look, lambda here: here.furnish("research", replicas=0), start=False)


def test_a_deployment_and_its_service_are_measured_and_told_once() -> None:
    def furnish(here: Town) -> None:
        here.cluster.deploy(NAMESPACE, "research", "research:v1", replicas=2, labels=PART_OF)
        here.cluster.service(NAMESPACE, "research", labels=PART_OF)

    async def look(here: Town) -> None:
        findings = of(Kind.BLIND_RULE, await checked(here, RULES.replace('preset = "fastapi"', 'preset = "express"')))
        (finding,) = findings
        assert finding.targets == ("production/deployment/research",)
        assert "http_request_duration_seconds_count has no label status_code" in finding.message

    tell(look, furnish, start=False)
