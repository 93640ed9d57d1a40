"""Prometheus's alerts: has one of them begun to fire on the candidate since the switch?

The alert's own expression and its `for` are the evidence: once it fires, nothing is waited for. What did not begin
after the switch is not the release's: an alert whose condition held at the switch already (firing, or pending), until
it was seen to have ended; and, for the whole watch, one that fired while stable served in the baseline stretch.
"""

from collections.abc import Sequence
from datetime import datetime

from watchdog.domain.judge.history import History
from watchdog.domain.judge.literal import absence
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict, span
from watchdog.domain.measurement import Alert, Firing, NoData, QueryFailed
from watchdog.domain.rules import Alerts, Rule

_LABELS_SHOWN = 4
_LONGEST_VALUE = 60


def judge_alerts(rule: Rule, alerts: Alerts, history: History, now: datetime) -> Verdict:
    """The verdict at the newest block that ended by `now`."""
    newest = next((block for block in reversed(history.blocks) if block.end <= now), None)
    if newest is None:
        return Verdict(rule.name, Finding.NO_DATA, now, "Prometheus was not asked for its alerts yet")
    at, reading = newest.end, newest.reading
    if isinstance(reading, NoData | QueryFailed):
        return Verdict(rule.name, Finding.NO_DATA, at, absence(reading), evidence=Evidence(query=newest.query))
    if not isinstance(reading, Firing):
        return Verdict(rule.name, Finding.NO_DATA, at, "what was measured tells of no alerts")
    fresh = [alert for alert in reading.alerts if _is_fresh(alert, reading)]
    fires = [alert for alert in fresh if alert.firing_since is not None]
    if fires:
        return _breach(rule, fires, reading, at, newest.query)
    lingering = [alert for alert in reading.alerts if _lingers(alert, reading)]
    if lingering or fresh:
        undecided = (
            f"{_called(lingering[0])} was active before the put-back and has not ended yet"
            if lingering
            else f"{_called(fresh[0])} is pending since {_after(fresh[0].active_since, reading)}"
        )
        return Verdict(rule.name, Finding.UNDECIDED, at, undecided, evidence=Evidence(query=newest.query))
    return Verdict(rule.name, Finding.PASS, at, _quiet(alerts, reading), evidence=Evidence(query=newest.query))


def _is_fresh(alert: Alert, reading: Firing) -> bool:
    """Whether it became active after the switch (in recovery: after the put-back), and is no habit of stable's."""
    return alert.fired_before is None and alert.active_since > (reading.put_back or reading.switch)


def _lingers(alert: Alert, reading: Firing) -> bool:
    """Whether the release set it off: it ends only once what it looks back on has gone by."""
    return reading.put_back is not None and alert.fired_before is None and alert.active_since > reading.switch


def _breach(rule: Rule, alerts: Sequence[Alert], reading: Firing, at: datetime, query: str) -> Verdict:
    first = min(alerts, key=lambda alert: (alert.firing_since or at, alert.name))
    since = first.firing_since or at
    sentence = f"{_called(first)} began to fire {_after(since, reading)}"
    pods = {pod for alert in alerts for pod in alert.pods}
    if pods:
        names = ", ".join(sorted(pods)[:3]) + (", ..." if len(pods) > 3 else "")
        sentence += f", on {names}"
    others = [_called(alert) for alert in alerts if alert is not first]
    if others:
        sentence += f"; so did {', '.join(others[:2])}" + (f" and {len(others) - 2} more" if len(others) > 2 else "")
    evidence = Evidence(since=since, pods=len(pods), pods_over=len(pods), query=query)
    return Verdict(rule.name, Finding.BREACH, at, sentence, literal=True, evidence=evidence)


def _quiet(alerts: Alerts, reading: Firing) -> str:
    """Why nothing is wrong: nothing fires, or what fires is no news."""
    firing = [alert for alert in reading.alerts if alert.firing_since is not None]
    if not firing:
        return f"no alert {' or '.join(alerts.names)} fires on the target"
    before = firing[0].fired_before
    if before is None:
        return f"{_called(firing[0])} fires, and its condition held before the switch already"
    return f"{_called(firing[0])} fires, and fired before the switch already, at {before:%H:%M:%S} UTC"


def _called(alert: Alert) -> str:
    """Its name and labels: `alert CheckoutErrorsHigh {severity="critical"}`."""
    shown = [f'{label}="{_cut(value)}"' for label, value in sorted(alert.labels.items())[:_LABELS_SHOWN]]
    more = ", ..." if len(alert.labels) > _LABELS_SHOWN else ""
    return f"alert {alert.name}" + (f" {{{', '.join(shown)}{more}}}" if shown else "")


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 3]}..."


def _after(moment: datetime, reading: Firing) -> str:
    if reading.put_back is not None:
        return f"{span(moment - reading.put_back)} after the put-back"
    return f"{span(moment - reading.switch)} after the switch"
