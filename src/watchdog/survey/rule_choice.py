"""Which rules fit a target, as tables of rules.toml: what it can be judged by, and nothing it would be blind to."""

import re
from dataclasses import dataclass

from watchdog.domain.rules import Sign
from watchdog.survey import toml_text as toml
from watchdog.survey.hearing import Heard
from watchdog.survey.latencies import CONDITION
from watchdog.survey.pod_probes import PodProbe
from watchdog.survey.tempo import LIMIT, Tempo, tempo_of

MEAN_CONDITION = "avg(http_latency) > 2x baseline"
_SIGNS = (Sign.CRASH_LOOP, Sign.IMAGE_PULL, Sign.OOM_KILLED, Sign.PROGRESS_DEADLINE, Sign.NOT_READY)


@dataclass(frozen=True, slots=True)
class RuleTable:
    """A table `[rules.NAME]`; `name` is what it would like to be called."""

    name: str
    lines: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The rules of a target, in the order in which people read them, and its tempo."""

    rules: tuple[RuleTable, ...]
    tempo: Tempo


def choice_of(heard: Heard) -> Choice:
    """What fits."""
    latency = _latency_condition(heard)
    tempo = tempo_of(heard, weighed=1 + (latency == CONDITION))
    rules = [_probe(probe) for probe in heard.guardable.probes.probes]
    if heard.spelling is not None:
        rules.append(_errors(tempo))
    if latency is not None:
        rules.append(_latency(latency, tempo))
    if heard.cpu:
        rules.append(RuleTable("cpu", ('when = "cpu > 2x baseline"', 'for  = "1m"')))
    if heard.memory:
        rules.append(RuleTable("memory", ('when = "memory > 1.5x baseline"', 'for  = "1m"')))
    rules.append(RuleTable("signs", (f"signs = {toml.array(_SIGNS)}",), "What Kubernetes itself says of the pods."))
    return Choice(tuple(rules), tempo)


def _latency_condition(heard: Heard) -> str | None:
    """A quantile where the buckets are fine enough, a mean where they are not, nothing where there is no histogram."""
    if heard.latency is None:
        return None
    if heard.latency.fine:
        return CONDITION
    return MEAN_CONDITION if heard.latency.has_sum else None


def _errors(tempo: Tempo) -> RuleTable:
    lines = (f'when = "http_error_rate > {tempo.limit * 100:g}%"',)
    name = "errors" if tempo.limit == LIMIT else f"errors-above-{tempo.limit * 100:g}"
    if not tempo.thin:
        return RuleTable(name, lines)
    why = "Too few requests to prove much: judged where they come, and a watch passes without it."
    return RuleTable(f"{name}-if-any", (*lines, f"min_requests = {tempo.min_requests}", "required = false"), why)


def _latency(condition: str, tempo: Tempo) -> RuleTable:
    lines: tuple[str, ...] = (f'when = "{condition}"',)
    name, why = "latency", ""
    if condition == MEAN_CONDITION:
        name, lines = "latency-mean", (*lines, 'for  = "1m"')
        why = "A mean needs no buckets, and has no evidence but time: it must hold for a minute."
    if tempo.thin:
        name, lines = f"{name}-if-any", (*lines, f"min_requests = {tempo.min_requests}", "required = false")
    return RuleTable(name, lines, why)


def _probe(probe: PodProbe) -> RuleTable:
    table: dict[str, str | int | dict[str, str]] = {"path": probe.path, "port": probe.port}
    if probe.scheme != "http":
        table["scheme"] = probe.scheme
    table |= {"every": "5s", "timeout": f"{probe.timeout}s"}
    if probe.headers:
        table["headers"] = dict(probe.headers)
    slug = re.sub(r"[^A-Za-z0-9]+", "-", probe.path).strip("-").lower()[:40]
    why = f"The pods' own {' and '.join(probe.of)} probe."
    return RuleTable(slug or "root", (f"probe = {toml.inline(table)}", "failures = 3"), why)
