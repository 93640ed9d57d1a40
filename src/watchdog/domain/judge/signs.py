"""What Kubernetes itself says: crash loops, image pulls, OOM kills, missed deadlines, pods that are not ready."""

from datetime import datetime, timedelta

from watchdog.domain.judge.history import History
from watchdog.domain.judge.pods import Pods
from watchdog.domain.judge.shares import enough_pods
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict, no_pods, span
from watchdog.domain.rules import Rule, Sign, Signs

NONE_READY = timedelta(seconds=30)
_SAYS = {
    Sign.CRASH_LOOP: "crash loop",
    Sign.IMAGE_PULL: "image cannot be pulled",
    Sign.OOM_KILLED: "killed for lack of memory",
    Sign.NOT_READY: "no longer ready",
    Sign.UNSCHEDULABLE: "cannot be scheduled",
}


def showing(signs: Signs, pods: Pods, now: datetime) -> tuple[Sign, str, int] | None:
    """The first sign that shows on enough pods, its sentence, and on how many pods."""
    if Sign.PROGRESS_DEADLINE in signs.signs and pods.deadline_exceeded:
        why = f": {no_pods(pods.blocked)}" if pods.blocked else ""
        return Sign.PROGRESS_DEADLINE, f"the rollout missed its progress deadline{why}", 0
    if Sign.NOT_READY in signs.signs and pods.none_ready_since and now - pods.none_ready_since >= NONE_READY:
        silent = span(now - pods.none_ready_since)
        return Sign.NOT_READY, f"total outage: no pod has been ready for {silent}", len(pods.pods)
    ill = [pod for pod in pods.pods if pod.since]
    for sign in signs.signs if ill else ():
        if sign is Sign.PROGRESS_DEADLINE:
            continue
        with_it = [pod for pod in ill if pod.shows(sign, now)]
        if enough_pods(len(with_it), len(pods.pods)):
            names = ", ".join(pod.name for pod in with_it[:3]) + (", ..." if len(with_it) > 3 else "")
            return sign, f"{_SAYS[sign]}: {len(with_it)} of {len(pods.pods)} pods ({names})", len(with_it)
    return None


def judge_signs(rule: Rule, signs: Signs, history: History, now: datetime) -> Verdict:
    """The verdict after the last look at the pods."""
    pods = history.pods
    if pods is None:
        return Verdict(rule.name, Finding.NO_DATA, now, "the pods were not looked at yet")
    shown = showing(signs, pods, now)
    if shown is None:
        sentence = f"none of {', '.join(signs.signs)} on {len(pods.pods)} pods"
        return Verdict(rule.name, Finding.PASS, now, sentence, evidence=Evidence(pods=len(pods.pods)))
    sign, sentence, count = shown
    evidence = Evidence(
        since=history.held_since, pods=len(pods.pods), pods_over=count, query=f"pods of the revision: {sign}"
    )
    held = now - history.held_since if history.held_since else timedelta(0)
    if held < rule.hold:
        waiting = f"{sentence}, for {span(held)} of {span(rule.hold)}"
        return Verdict(rule.name, Finding.UNDECIDED, now, waiting, literal=True, evidence=evidence)
    outage = sentence.startswith("total outage")
    return Verdict(rule.name, Finding.BREACH, now, sentence, literal=True, outage=outage, evidence=evidence)
