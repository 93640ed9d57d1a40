"""`check --live` where the cluster or Prometheus is away or odd: one clear line each, and the rest is still told."""

from datetime import timedelta

import pytest

from survey.scenes import checked, of
from town import RULES, Town, tell
from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.prometheus_faults import Hang, Reset, Status, Warned
from watchdog.simulator.tsdb import Tsdb
from watchdog.survey.findings import Finding, Kind, Level

PAGE = "<html><body>Sign in</body></html>"


def looked(findings: tuple[Finding, ...]) -> list[str]:
    """What was said of Prometheus, with what the cluster alone told."""
    assert of(Kind.TIME_TO_SAFETY, findings), "the cluster's part is told all the same"
    assert of(Kind.BLIND_RULE, findings) == []
    away = of(Kind.NO_PROMETHEUS, findings)
    assert {finding.level for finding in away} <= {Level.ERROR}
    return [finding.text for finding in away]


def test_a_prometheus_that_is_away_is_one_line() -> None:
    async def look(here: Town) -> None:
        await here.prometheus.go_down()
        (line,) = looked(await checked(here))
        assert line.startswith("Prometheus does not answer (unreachable): ")

    tell(look, start=False)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            Status(200, PAGE, "text/html"),
            "(garbled): HTTP 200 with HTML, and no answer of the Prometheus API: is it a proxy",
        ),
        (Status(502, PAGE, "text/html"), "(unavailable): HTTP 502"),
        (Status(401, "{}", "application/json"), "(refused): HTTP 401; a request without credentials was not accepted"),
        (Reset(), "(unreachable): "),
        (Hang(), "(timeout): no whole answer within 10 s"),
        (Warned(("a store is away",), 0.5), "(partial): warning: a store is away"),
    ],
    ids=["html", "bad gateway", "unauthorised", "reset", "hang", "partial"],
)
def test_a_prometheus_that_answers_wrongly_is_one_line(fault: object, says: str) -> None:
    async def look(here: Town) -> None:
        here.prometheus.faults.until_cleared(fault)  # type: ignore[arg-type]
        (line,) = looked(await checked(here))
        assert says in line

    tell(look, start=False)


def test_a_prometheus_that_fails_halfway_keeps_what_was_found() -> None:
    async def look(here: Town) -> None:
        here.prometheus.faults.until_cleared(Status(503, "", "text/plain"), only=lambda query: "memory" in query)
        findings = await checked(here, RULES.replace('port = "http"', 'port = "web"'))
        (away,) = of(Kind.NO_PROMETHEUS, findings)
        assert away.targets == ("production/deployment/brand", "production/deployment/research")
        assert "(unavailable)" in away.message

    tell(look, start=False)


def test_many_targets_of_which_nothing_is_told_are_not_all_asked() -> None:
    names = [f"service-{number}" for number in range(12)]

    async def look(here: Town) -> None:
        unavailable = Status(503, "", "text/plain")
        here.prometheus.faults.until_cleared(unavailable, only=lambda query: "http_requests_total" in query)
        findings = of(Kind.NO_PROMETHEUS, await checked(here))
        assert [len(finding.targets) for finding in findings] == [8, 4]
        assert findings[1].message == "not looked at, since Prometheus answered too little"

    tell(look, lambda here: here.furnish(*names, replicas=1), start=False)


def test_an_empty_prometheus_is_one_line() -> None:
    async def look(here: Town) -> None:
        here.prometheus.tsdb.replace(Tsdb())
        (line,) = looked(await checked(here))
        assert line.startswith("Prometheus holds no series of the last hour, so every rule is blind")

    tell(look, start=False, scrape_interval=3600.0)


@pytest.mark.parametrize(
    ("skew", "level", "says"),
    [
        (timedelta(seconds=1), None, ""),
        (timedelta(seconds=20), Level.WARNING, "Prometheus's clock is 20 s ahead of this machine's"),
        (timedelta(minutes=-10), Level.ERROR, "Prometheus's clock is 600 s behind this machine's"),
    ],
)
def test_clocks_that_differ_are_told_and_the_right_moments_asked(
    skew: timedelta, level: Level | None, says: str
) -> None:
    async def look(here: Town) -> None:
        findings = await checked(here, clock=SimulatedClock(here.clock.now() - skew))
        told = [(finding.level, finding.message) for finding in of(Kind.CLOCK_SKEW, findings)]
        assert told == ([(level, says)] if level else [])
        assert of(Kind.BLIND_RULE, findings) == []

    tell(look, start=False)


def test_a_cluster_that_is_away_leaves_the_names_to_check() -> None:
    rules = RULES + (
        "\n[metrics.http_latency]\nkind = 'histogram'\n"
        "buckets = 'http_request_duration_higr_seconds_bucket{pod=~\"{{ pods }}\"}'\n"
    )

    async def look(here: Town) -> None:
        kubeconfig = here.folder / "nowhere"
        text = here.cluster.kubeconfig(here.folder / "here").read_text()
        kubeconfig.write_text(text.replace(here.cluster.url, "http://127.0.0.1:1"))
        findings = await checked(here, rules, kubeconfig=kubeconfig)
        (cluster,) = of(Kind.NO_CLUSTER, findings)
        assert cluster.message.startswith("the cluster does not answer: ")
        (blind,) = of(Kind.BLIND_RULE, findings)
        assert blind.targets == ()
        assert blind.remedy == "did you mean http_request_duration_highr_seconds_bucket?"
        assert of(Kind.GUARDS_NOTHING, findings) == []

    tell(look, rules=rules, start=False)


def test_a_prometheus_that_is_not_named_is_one_line() -> None:
    async def look(here: Town) -> None:
        (line,) = looked(await checked(here, prometheus_url=None))
        assert line == "WATCHDOG_PROMETHEUS_URL is not set; write the URL of Prometheus"

    tell(look, start=False)
