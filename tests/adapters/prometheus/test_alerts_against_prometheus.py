"""Alerts over a real Prometheus with a real alerting rule: the query is right, and so is what is read out of it."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from builders import GOOD, NEW, a_guard, a_switch, a_watch, alerts_of
from builders import a_rule as rule_on
from simulator.prometheus.breaking import configuration, target
from simulator.prometheus.real import needs_prometheus, prometheus
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.alerts import moments_of, past_of, place_of
from watchdog.domain.judge import Finding, Verdict, judge
from watchdog.domain.judge.history import History
from watchdog.domain.measurement import Alert, Firing
from watchdog.domain.rollout import Stable
from watchdog.domain.rules import Alerts
from watchdog.domain.state import Watch
from watchdog.engine.alerting import AlertTracker
from watchdog.engine.sampling import Sampler

pytestmark = [needs_prometheus, pytest.mark.prometheus]

SECOND = timedelta(seconds=1)
# Names hold what regular expressions and PromQL strings would take for their own.
NAME = 'Checkout.Errors "High" \\ (100 %)'
RULES = f"""
groups:
  - name: shop
    interval: 1s
    rules:
      - alert: '{NAME}'
        expr: sum by (namespace, deployment) (broken) > 0
        for: 2s
        labels: {{ severity: critical, region: 'e"u' }}
      - alert: CheckoutXErrors
        expr: sum by (namespace, deployment) (broken) > 0
      - alert: OfNobody
        expr: sum by (namespace) (broken) > 0
"""


def watched_from(at: datetime) -> Watch:
    switch = a_switch(at=at)
    return a_watch(switch=switch, stable=Stable(GOOD, at - timedelta(hours=1), at), guard=a_guard(interval=SECOND))


async def verdicts(sampler: Sampler, alerts: Alerts, switch: datetime, end: datetime) -> tuple[Verdict, list[Alert]]:
    """The last verdict of a watch that began at `switch` and has blocks of a second up to `end`; and its alerts."""
    watch = watched_from(switch)
    tracker = AlertTracker(alerts, place_of(watch), moments_of(watch), past_of(watch))
    count = int((end - switch) / SECOND)
    spans = [(n, switch + (n - 1) * SECOND, switch + n * SECOND) for n in range(1, count + 1)]
    history = History(SECOND)
    for block in await sampler.blocks(tracker, spans):
        assert isinstance(block.reading, Firing), block
        history = history.with_block(block, None)
    last = history.blocks[-1].reading
    assert isinstance(last, Firing)
    return judge(rule_on(alerts), history, None, end), list(last.alerts)


async def test_an_alerting_rule_that_begins_to_fire_is_told_from_one_that_fires_already(tmp_path: Path) -> None:
    broken, clock = threading.Event(), SystemClock()
    ours = Alerts((NAME,), {"severity": ("critical",)}, {"region": 'e"u'})
    (tmp_path / "rules.yml").write_text(RULES)
    with (
        target(broken) as address,
        prometheus(configuration(address, namespace="production", deployment=NEW.workload), tmp_path) as running,
    ):
        live = LivePrometheus(running.url)
        sampler = Sampler(live, clock, settle=1.1)

        async def until(state: str | None) -> datetime:
            for _ in range(300):
                rows = running.data("/api/v1/query", query='ALERTS{severity="critical"}')["result"]
                if [row["metric"]["alertstate"] for row in rows] == ([state] if state else []):
                    return clock.now()
                await clock.sleep(0.1)
            pytest.fail(f"never {state}")

        while running.data("/api/v1/query", query="broken")["result"] == []:
            await clock.sleep(0.1)
        switch = clock.now()
        await clock.sleep(1.5)
        broken.set()
        pending = await until("pending")
        firing = await until("firing") + 2 * SECOND

        verdict, (alert,) = await verdicts(sampler, ours, switch, firing)
        assert verdict.finding is Finding.BREACH, verdict.sentence
        assert (alert.name, alert.labels) == (NAME, {"severity": "critical", "region": 'e"u'})
        assert switch < alert.active_since <= pending + SECOND
        assert alert.firing_since is not None
        assert alert.firing_since - alert.active_since >= SECOND

        # The same, for a release that came while the condition held already.
        verdict, (alert,) = await verdicts(sampler, ours, pending, firing)
        assert verdict.finding is Finding.PASS, verdict.sentence
        assert alert.active_since == pending
        verdict, (alert,) = await verdicts(sampler, ours, firing - SECOND, firing)
        assert (verdict.finding, alert.fired_before) == (Finding.PASS, firing - SECOND)

        # Of nobody, of others, of another cluster, with another label, of another name that a pattern would match.
        for others in (
            Alerts(("OfNobody",)),
            Alerts((NAME,), matchers={"region": "us"}),
            Alerts((NAME,), {"severity": ("page",)}),
            alerts_of("Checkout.Errors"),
        ):
            verdict, found = await verdicts(sampler, others, switch, firing)
            assert (verdict.finding, found) == (Finding.PASS, [])

        broken.clear()
        ended = await until(None) + SECOND
        verdict, found = await verdicts(sampler, ours, switch, ended)
        assert (verdict.finding, found) == (Finding.PASS, [])
        await sampler.close()
        await live.close()
