"""Health probes: failures in a row, on enough pods."""

from datetime import datetime

from watchdog.domain.judge.history import History, Probes, Streak
from watchdog.domain.judge.shares import enough_pods
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict, span
from watchdog.domain.rules import Probe, Rule


def probes_hold(probe: Probe, probes: Probes) -> bool:
    """Whether enough pods failed often enough in a row."""
    return enough_pods(len(_failing(probe, probes)), len(probes.streaks))


def _failing(probe: Probe, probes: Probes) -> list[Streak]:
    return [streak for streak in probes.streaks if streak.failures >= probe.failures]


def judge_probes(rule: Rule, probe: Probe, history: History, now: datetime) -> Verdict:
    """The verdict after the last round."""
    probes = history.probes
    if probes is None or not probes.streaks:
        return Verdict(rule.name, Finding.NO_DATA, now, "no pod was probed yet")
    failing, most = _failing(probe, probes), max([streak.failures for streak in probes.streaks])
    evidence = Evidence(
        value=float(most),
        limit=float(probe.failures),
        since=history.held_since,
        pods=len(probes.streaks),
        pods_over=len(failing),
        query=probes.url or f"GET {probe.scheme}://POD:{probe.port}{probe.path}",
    )
    if enough_pods(len(failing), len(probes.streaks)):
        worst = max(failing, key=lambda streak: streak.failures)
        sentence = (
            f"{len(failing)} of {len(probes.streaks)} pods failed GET {probe.path} at least {probe.failures} times "
            f"in a row ({worst.pod}: {worst.detail})"
        )
        held = now - history.held_since if history.held_since else now - now
        if held < rule.hold:
            sentence += f", for {span(held)} of {span(rule.hold)}"
            return Verdict(rule.name, Finding.UNDECIDED, now, sentence, literal=True, evidence=evidence)
        return Verdict(rule.name, Finding.BREACH, now, sentence, literal=True, evidence=evidence)
    if probes.ignored:
        return Verdict(rule.name, Finding.NO_DATA, now, f"GET {probe.path}: {probes.ignored}", evidence=evidence)
    if most:
        sentence = f"GET {probe.path} failed, not yet {probe.failures} times in a row on enough pods"
        return Verdict(rule.name, Finding.UNDECIDED, now, sentence, evidence=evidence)
    if not probes.armed:
        return Verdict(rule.name, Finding.NO_DATA, now, f"GET {probe.path} was never answered", evidence=evidence)
    return Verdict(rule.name, Finding.PASS, now, f"GET {probe.path} is answered as expected", evidence=evidence)
