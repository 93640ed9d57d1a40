"""The judge: `judge(rule, history, baseline, now) -> Verdict`. It compares numbers and nothing else.

A condition is judged in `thresholds`: the rule as written is `literal`, the evidence `weighing` and `betting`, what it
is held against `harmless`. Error budgets live in `budgets`, the watchdog's own probes in `probes`, the pods' signs in
`signs`, Prometheus's alerts in `alerts`.
"""

from datetime import datetime

from watchdog.domain.conditions import Threshold
from watchdog.domain.judge.alerts import judge_alerts
from watchdog.domain.judge.budgets import judge_budget
from watchdog.domain.judge.history import History
from watchdog.domain.judge.probes import judge_probes
from watchdog.domain.judge.signs import judge_signs
from watchdog.domain.judge.thresholds import judge_threshold
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict
from watchdog.domain.judge.weighing import until
from watchdog.domain.measurement import Baseline
from watchdog.domain.rules import Alerts, Budget, Probe, Rule, Signs

__all__ = ["Evidence", "Finding", "History", "Verdict", "judge"]


def judge(rule: Rule, history: History, baseline: Baseline | None, now: datetime) -> Verdict:
    """What `rule` says now of what was measured so far.

    Total and pure: the same arguments give the same verdict. `baseline` is None while it was not measured yet.
    Nothing that lies after `now` is looked at.
    """
    history = until(rule, history, baseline, now)
    match rule.check:
        case Threshold() as threshold:
            return judge_threshold(rule, threshold, history, baseline, now)
        case Budget() as budget:
            return judge_budget(rule, budget, history, baseline, now)
        case Probe() as probe:
            return judge_probes(rule, probe, history, now)
        case Signs() as signs:
            return judge_signs(rule, signs, history, now)
        case Alerts() as alerts:
            return judge_alerts(rule, alerts, history, now)
