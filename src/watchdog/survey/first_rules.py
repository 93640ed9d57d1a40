"""The first rules.toml: everything that was found, as a file that `watchdog check` takes as it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchdog.rulebook import read_rules
from watchdog.survey import toml_text as toml
from watchdog.survey.cluster import Cluster
from watchdog.survey.grouping import FilePlan, GuardPlan, plan_of
from watchdog.survey.guard_text import guard_text
from watchdog.survey.guardables import Survey
from watchdog.survey.hearing import Hearing

_MOST = 12  # names in one sentence

_CHANNELS = """\
# Nobody is told yet. A channel is an Apprise URL or a PagerDuty key. Secrets never stand in this file: they are files
# of WATCHDOG_SECRETS_DIR, or variables WATCHDOG_SECRET_NAME. Remove the "#" here and before each guard's channels:
#
# [channels.releases]
# url = "{{ secret.SLACK_URL }}"
# on  = ["switch", "passed", "breach", "rolled-back", "recovered", "not-recovered", "held", "failed", "notified"]
#
# [channels.oncall]
# pagerduty = { routing_key = "{{ secret.PAGERDUTY_KEY }}" }
# on        = ["rolled-back", "not-recovered", "held", "failed"]
"""


@dataclass(frozen=True, slots=True)
class FirstRules:
    """A file to be written: its text, how much it guards, and what could not be found, a line each."""

    text: str
    guards: int
    targets: int
    unfound: tuple[str, ...] = ()


def first_rules(cluster: Cluster, survey: Survey, hearing: Hearing, at: datetime) -> FirstRules:
    """Write it. Raises `RulesError` where `check` would refuse it, which is a mistake of this module."""
    plan = plan_of(hearing.heard, survey.objects)
    lines = [
        *_head(cluster, survey, hearing, at),
        "",
        "version = 1",
        "",
        *(line for guard in plan.guards for line in guard_text(guard, hearing.away)),
        *_rules(plan),
        *_callers(plan.guards),
    ]
    text = "\n".join(line.rstrip() for line in lines) + "\n" + _CHANNELS
    read_rules(text)
    return FirstRules(text, len(plan.guards), len(hearing.heard), tuple(_unfound(cluster, hearing)))


def _head(cluster: Cluster, survey: Survey, hearing: Hearing, at: datetime) -> Iterator[str]:
    yield from toml.comment(
        f"First rules, written by `watchdog init` on {at:%Y-%m-%d at %H:%M} UTC from what it found. Each guard says "
        "what was found and why it is set so. Read it as a policy, and change what you know better."
    )
    yield from toml.comment("Next: `watchdog check --live`, then `watchdog dry-run`. docs/rules.md explains every key.")
    yield "#"
    yield from toml.comment(f"Looked at: {_some(list(cluster.namespaces))}.")
    if cluster.left_out:
        left_out = _some(list(cluster.left_out))
        yield from toml.comment(f"Left out as the cluster's own, unless named with --namespace: {left_out}.")
    for namespace, why in cluster.refused.items():
        yield from toml.comment(f"Not looked at: {namespace}, which may not be read ({why}).")
    for one in survey.passed_over[:_MOST]:
        yield from toml.comment(f"Passed over: {one}.")
    if len(survey.passed_over) > _MOST:
        yield from toml.comment(f"Passed over: {len(survey.passed_over) - _MOST} more.")
    yield "#"
    if hearing.away:
        yield from toml.comment(f"{hearing.away}. So there are probes and signs only.")
        return
    yield from toml.comment("Metric dialects that were tried on what Prometheus has now:")
    for tried in hearing.tried:
        name, counter = tried.dialect.preset, tried.dialect.counter
        speakers = [one.guardable.target.name for one in hearing.heard if name in (one.preset, *one.also)]
        if tried.failed:
            said = f"could not be asked for: {tried.failed}"
        elif not tried.series:
            said = f"no series of {counter}"
        else:
            said = f"{tried.series} series of {counter}; " + (
                f"spoken by {_some(speakers)}" if speakers else "none of them of a target here"
            )
        yield from toml.comment(f"{name}: {said}", bullet="- ")


def _rules(plan: FilePlan) -> Iterator[str]:
    for name, rule in plan.rules.items():
        if rule.why:
            yield from toml.comment(rule.why)
        yield f"[rules.{toml.key(name)}]"
        yield from rule.lines
        yield ""


def _callers(guards: Sequence[GuardPlan]) -> Iterator[str]:
    """Who calls whom is nowhere to be read; only an example can be given."""
    guard = max(guards, key=lambda one: len(one.members))
    if len(guard.members) < 3:
        return
    callee, caller = (one.guardable.target for one in guard.members[:2])
    yield from toml.comment(
        "Who calls whom cannot be seen from here. A bad release takes along those that call it, which then looks like "
        "a cause that both share: name the callers, and they never excuse it. For example:"
    )
    yield f"# [guards.{toml.key(guard.name)}.callers]"
    yield f"# {toml.text(str(callee))} = {toml.array([str(caller)])}"
    yield ""


def _unfound(cluster: Cluster, hearing: Hearing) -> Iterator[str]:
    for namespace, why in cluster.refused.items():
        yield f"namespace {namespace} may not be read: {why}"
    for namespace, contents in cluster.namespaces.items():
        if cluster.chosen and not contents.deployments:
            yield f"namespace {namespace} has no Deployment"
    if hearing.away:
        yield f"{hearing.away}; the guards have probes and signs only"
        return
    for tried in hearing.tried:
        if tried.failed:
            yield f"{tried.dialect.counter} was not asked for: {tried.failed}"
    for one in hearing.heard:
        yield from (f"{one.guardable.target}: {note}" for note in one.notes)
        if one.spelling is None:
            yield f"no preset speaks of the requests of {one.guardable.target}: its guard has no rule on them"
        elif one.per_second <= 0:
            yield f"{one.guardable.target} had no requests lately"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST])
    return shown + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
