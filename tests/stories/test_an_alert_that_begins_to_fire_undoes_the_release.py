"""Alerts that people have in Prometheus already, through real HTTP: what begins to fire after a release undoes it."""

from collections.abc import Callable
from datetime import timedelta

from town import RULES, Town, tell
from watchdog.simulator.alerting import AlertingRule
from watchdog.simulator.prometheus_faults import Status
from watchdog.simulator.promql import InstantVector, query_instant
from watchdog.simulator.traffic import Course
from watchdog.simulator.tsdb import milliseconds

ALERTS = RULES.replace(
    'rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash"]', 'rules      = ["alerts"]'
).replace(
    "[metrics]",
    """
[rules.alerts]
alerts = ["QueueFull"]
labels = { severity = "critical" }

[metrics]""",
)
FULL = Course.step(0, 500, after=60)
WAITING = 'label_replace(queue_depth{{pod=~"{of}.*"}}, "deployment", "$1", "pod", "(.*)-[^-]+-[^-]+")'


def queue_full(by: str = "deployment", *, of: str = "", severity: str = "critical", hold: float = 30) -> AlertingRule:
    """More than 100 orders wait, for a while: an alert for each of what it is aggregated by."""
    expr = f"max by (namespace, {by}) ({WAITING.format(of=of)}) > 100"
    return AlertingRule("QueueFull", expr, timedelta(seconds=hold), {"severity": severity})


def with_rules(*rules: AlertingRule) -> Callable[[Town], None]:
    def furnish(town: Town) -> None:
        town.furnish("research", "brand")
        town.prometheus.alerting.rules.extend(rules)

    return furnish


def test_an_alert_that_begins_to_fire_undoes_the_release_and_its_end_is_its_recovery() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", queue_depth=FULL)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        rule = record["rules"]["alerts"]
        assert rule["finding"] == "breach"
        assert rule["sentence"].startswith('alert QueueFull {severity="critical"} began to fire ')
        assert rule["sentence"].endswith(" after the switch")
        assert rule["query"] == 'ALERTS{alertname=~"QueueFull"}'
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "rolled-back", "recovered"]
        (told,) = [notice for notice, _ in town.channels["oncall"].told]
        assert 'alerts: alert QueueFull {severity="critical"} began to fire' in told.title

    tell(story, with_rules(queue_full()), rules=ALERTS)


def test_one_that_bears_the_name_of_the_pod_is_the_candidates_own() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", queue_depth=FULL)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        assert "after the switch, on research-" in record["rules"]["alerts"]["sentence"]

    tell(story, with_rules(queue_full("pod")), rules=ALERTS)


def test_an_alert_that_fired_already_undoes_nothing() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v1", queue_depth=Course(500))
        town.behaves("research:v2", queue_depth=Course(500))
        await town.sleep(120)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed", record["reason"]
        assert "fired before the switch already" in record["rules"]["alerts"]["sentence"]
        assert town.acts() == []

    tell(story, with_rules(queue_full()), rules=ALERTS)


def test_an_alert_whose_condition_held_at_the_switch_undoes_nothing() -> None:
    async def story(town: Town) -> None:
        town.prometheus.alerting.rules.append(queue_full(hold=120))
        await town.sleep(45)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed", record["reason"]
        assert "its condition held before the switch already" in record["rules"]["alerts"]["sentence"]
        assert town.acts() == []

    def furnish(town: Town) -> None:
        for image in ("research:v1", "research:v2"):
            town.behaves(image, queue_depth=Course(500))
        town.furnish("research")

    tell(story, furnish, rules=ALERTS)


def test_alerts_of_others_undo_nothing() -> None:
    """Of another Deployment, of the whole namespace, of a lesser severity: none is the release's."""

    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed", record["reason"]
        assert record["rules"]["alerts"]["sentence"] == "no alert QueueFull fires on the target"
        assert town.acts() == []
        assert firing(town) == {("critical", "brand"), ("critical", "everything"), ("warning", "research")}

    def furnish(town: Town) -> None:
        # A good hour lies behind; from now on there is trouble everywhere.
        town.behaves("brand:v1", queue_depth=Course.step(0, 500, after=3720))
        town.behaves("research:v2", queue_depth=FULL)
        whole = AlertingRule("QueueFull", "max by (namespace) (queue_depth) > 100", labels={"severity": "critical"})
        with_rules(queue_full(of="brand"), whole, queue_full(of="research", severity="warning"))(town)

    tell(story, furnish, rules=ALERTS)


def firing(town: Town) -> set[tuple[str, str]]:
    """The severity of each alert that fires now, and what it is about."""
    answer = query_instant(town.prometheus.tsdb, 'ALERTS{alertstate="firing"}', milliseconds(town.clock.now()))
    assert isinstance(answer, InstantVector)
    rows = [dict(labels) for labels, _ in answer.samples]
    return {(row["severity"], row.get("deployment", "everything")) for row in rows}


def test_prometheus_that_does_not_answer_is_no_alert() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", queue_depth=FULL)
        town.prometheus.faults.until_cleared(Status.unprocessable(), only=lambda query: query.startswith("ALERTS"))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "inconclusive", record["reason"]
        assert record["rules"]["alerts"]["finding"] == "no-data"
        assert town.acts() == []

    tell(story, with_rules(queue_full()), rules=ALERTS)


def test_a_watchdog_that_was_away_sees_what_began_meanwhile() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", queue_depth=FULL)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.kill()
        await town.sleep(240)
        await town.start(wait=False)
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        assert town.acts() == ["deployments/research"]

    tell(story, with_rules(queue_full()), rules=ALERTS)


def test_an_alert_that_ends_late_leaves_the_recovery_unknown() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", queue_depth=FULL)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "unknown"), record["reason"]
        assert "was active before the put-back and has not ended yet" in record["reason"]

    slow = "max by (namespace, deployment) (label_replace(max_over_time(queue_depth[15m]), " + (
        '"deployment", "$1", "pod", "(.*)-[^-]+-[^-]+")) > 100'
    )
    tell(story, with_rules(AlertingRule("QueueFull", slow, labels={"severity": "critical"})), rules=ALERTS)
