"""From replayed watches to the report's plain data."""

from watchdog.domain.conditions import Threshold
from watchdog.domain.judge.literal import baseline_value
from watchdog.domain.rules import Alerts, Budget, Guard, Probe, Rule, Signs
from watchdog.domain.state import Track
from watchdog.replay.cases import Marked
from watchdog.replay.replaying import Replayed, outcome_of
from watchdog.replay.report import PUT_BACK, Label, PathPoint, RuleReplay, SwitchReplay


def told(marked: Marked, replayed: Replayed) -> SwitchReplay:
    """One switch, as the report has it."""
    case, watch = marked.case, replayed.watch
    outcome, reason = outcome_of(replayed)
    # Under `action = "notify"` being told is all that is decided.
    noted = watch.breached_at if outcome == "notified" else None
    decided = replayed.decided_at or noted
    first = (watch.breached or watch.noted)[:1] if decided is not None else ()
    until = replayed.counted_until or replayed.ended
    return SwitchReplay(
        id=marked.id,
        target=str(case.switch.target),
        guard=case.guard.name,
        kind=str(case.course.kind if case.placebo else case.switch.kind),
        placebo=case.placebo,
        at=case.switch.at,
        at_is_bound=case.switch.at_is_bound,
        source="placebo" if case.placebo else case.serving.source,
        candidate=str(case.switch.candidate),
        stable=str(case.stable.revision) if case.stable else "",
        label=marked.label,
        label_source=marked.source,
        outcome=outcome,
        reason=reason,
        decided_at=decided,
        decided_in=None if decided is None else (decided - case.switch.at).total_seconds(),
        first_rule=first[0] if first else "",
        served_until=case.following.since if case.following else until,
        served_until_why=_why(marked),
        bad_requests=replayed.bad,
        saved_requests=replayed.saved if marked.label is not Label.GOOD else None,
        saved_bound=case.following is None or until < case.following.since,
        rules=tuple(_rule(rule, case.guard, replayed) for rule in case.guard.rules),
        notes=replayed.failures,
    )


def _why(marked: Marked) -> str:
    following, stable = marked.case.following, marked.case.stable
    if following is None:
        return "bake end"
    return PUT_BACK if stable is not None and following.revision == stable.revision else "next switch"


def _rule(rule: Rule, guard: Guard, replayed: Replayed) -> RuleReplay:
    kind, text, dimension = _described(rule)
    known = RuleReplay(rule.name, kind, text, dimension, guard.action_of(rule).value)
    track = replayed.watch.track(rule.name)
    reason = replayed.not_replayable.get(rule.name, "")
    if track is None or (reason and track.breach is None):
        return RuleReplay(
            rule.name, kind, text, dimension, known.action, not_replayable=reason or "no source", query=_query(track)
        )
    verdict = track.breach or track.verdict
    return RuleReplay(
        rule=rule.name,
        kind=kind,
        text=text,
        dimension=dimension,
        action=known.action,
        path=tuple(
            PathPoint(point.at, point.value, point.limit, point.log_evidence, point.needed, point.finding.value)
            for point in track.path
        ),
        breached_at=track.breach.at if track.breach else None,
        sentence=verdict.sentence if verdict else "",
        finding=verdict.finding.value if verdict else "no-data",
        baseline=_baseline(track),
        query=_query(track),
    )


def _baseline(track: Track) -> float | None:
    threshold = track.threshold
    return None if threshold is None else baseline_value(track.rule, threshold, track.baseline)


def _query(track: Track | None) -> str:
    verdict = None if track is None else track.breach or track.verdict
    return verdict.evidence.query if verdict is not None else ""


def _described(rule: Rule) -> tuple[str, str, str]:
    """What kind of rule it is, as people wrote it, and what its numbers are."""
    match rule.check:
        case Threshold() as threshold:
            return "threshold", threshold.text, threshold.dimension.value
        case Budget(threshold):
            return "budget", threshold.text, threshold.dimension.value
        case Probe(path=path, failures=failures):
            return "probe", f"GET {path} fails {failures} times", "plain"
        case Signs(signs):
            return "signs", ", ".join(signs), "plain"
        case Alerts(names):
            return "alerts", ", ".join(names), "plain"
