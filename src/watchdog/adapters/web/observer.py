"""What the engine reports, as metrics; and each final record as one log line, for the audit trail."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from sys import intern
from typing import Any

from watchdog.adapters.web.metrics import Metrics
from watchdog.domain.effects import PutBackAnswer, PutBackDone
from watchdog.domain.judge import Verdict
from watchdog.domain.record import record_of
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.state import Watch

log = logging.getLogger(__name__)


class MetricsObserver:
    """Turns what the engine reports into metrics, and final records into log lines for the audit trail."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._rounds: dict[tuple[str, str], datetime] = {}
        self.on_step: Callable[[Watch], None] = lambda _watch: None
        self.on_news: Callable[[], None] = lambda: None
        self.on_end: Callable[[Mapping[str, Any]], None] = lambda _record: None
        self.on_delivery: Callable[[str, str], None] = lambda _channel, _result: None

    def stepped(self, watch: Watch) -> None:
        if not watch.phase.terminal:
            self._tell_probes(watch)
        self.on_step(watch)
        self.on_news()

    def _tell_probes(self, watch: Watch) -> None:
        """Prometheus cannot probe again what is past: a backtest replays probe rules from these."""
        target = intern(str(watch.switch.target))
        for track in watch.tracks:
            probes, rule = track.history.probes, track.rule.name
            # Before an expected answer was had, no failure says nothing; it must not look like an answer.
            if probes is None or self._rounds.get((target, rule)) == probes.at:
                continue
            if not probes.armed and not any(streak.failures for streak in probes.streaks):
                continue
            self._rounds[target, rule] = probes.at
            pods = {
                streak.pod: (streak.failures, streak.since.timestamp() if streak.since else 0.0)
                for streak in probes.streaks
            }
            self._metrics.probed(target, rule, probes.at.timestamp(), pods)

    def switch_seen(self, kind: SwitchKind) -> None:
        self._metrics.switch_seen(kind.value)

    def watches_open(self, count: int) -> None:
        self._metrics.watches_open(count)

    def judged(self, target: Target, verdict: Verdict) -> None:
        name = str(target)
        self._metrics.rule_value(name, verdict.rule, verdict.evidence.value)
        self._metrics.rule_verdict(name, verdict.rule, verdict.finding.value)

    def acted(self, watch: Watch, answer: PutBackAnswer, *, scaling: bool) -> None:
        if scaling:
            return
        name = type(answer).__name__.removeprefix("PutBack").lower()
        self._metrics.rollback(watch.switch.kind.value, name, watch.id)
        if isinstance(answer, PutBackDone) and watch.breached_at is not None:
            self._metrics.breach_to_action(max(0.0, (answer.at - watch.breached_at).total_seconds()))

    def ended(self, watch: Watch, now: datetime) -> None:
        self._metrics.outcome(watch.phase.value)
        self._metrics.forget(str(watch.switch.target))
        self._rounds = {key: at for key, at in self._rounds.items() if key[0] != str(watch.switch.target)}
        whole = record_of(watch)
        self.on_end(whole)
        record = {key: value for key, value in whole.items() if key != "state"}
        courses = ("path", "recovery", "stable")
        record["rules"] = {
            name: {key: value for key, value in rule.items() if key not in courses}
            for name, rule in whole["rules"].items()
        }
        log.info("record", extra={"facts": record})
        self.on_news()

    def delivery(self, channel: str, result: str) -> None:
        self._metrics.notification(channel, result)
        self.on_delivery(channel, result)
        self.on_news()

    def unguarded(self, target: Target, marks: tuple[str, ...]) -> None:
        self._metrics.unguarded(str(target), *marks)
