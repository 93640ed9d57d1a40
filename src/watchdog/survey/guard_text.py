"""The text of one guard: what was found of its targets and why it is set so, as comments, and the table itself."""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.text import in_words
from watchdog.rulebook.durations import duration_text
from watchdog.survey import toml_text as toml
from watchdog.survey.grouping import GuardPlan, names_of
from watchdog.survey.hearing import Heard
from watchdog.survey.latencies import Latency
from watchdog.survey.spellings import dialects
from watchdog.survey.tempo import LIMIT, Tempo

_CHANNELS = ("releases", "oncall")
_NEAR = 5


def guard_text(plan: GuardPlan, away: str) -> list[str]:
    """The lines of a guard; `away` says why Prometheus could not be asked, if it could not."""
    return [*_what_it_guards(plan, away), *_table(plan), *_metrics(plan), ""]


def _what_it_guards(plan: GuardPlan, away: str) -> Iterator[str]:
    first = plan.members[0]
    yield from toml.comment(_dialect(plan, away))
    for member, choice in zip(plan.members, plan.choices, strict=True):
        traffic = "not asked about" if away else _traffic(member, choice.tempo)
        yield from toml.comment(f"{member.guardable.place}: {traffic}", bullet="- ")
        for note in (*member.guardable.notes, *member.guardable.probes.notes, *member.notes):
            yield from toml.comment(note, bullet="  ")
    yield from _latency_comment(first)
    yield from _scrape_comment(plan)
    missing = [name for name, there in (("CPU", first.cpu), ("memory", first.memory)) if not there]
    if missing and not away:
        yield from toml.comment(f"No rule for {in_words(missing)}: cAdvisor's metrics of these pods were not found.")
    if not first.guardable.probes.probes:
        yield from toml.comment("No probe: the pods name no health endpoint that the watchdog could ask.")


def _dialect(plan: GuardPlan, away: str) -> str:
    first, who = plan.members[0], names_of(plan.members)
    if away:
        return f"{who}: probes and signs only, since Prometheus could not be asked."
    if first.spelling is None:
        said = f"{who}: no rule on requests, since no preset speaks of those of these pods."
        if first.mute:
            said += f" Requests are counted as {in_words(first.mute)} does, but no label tells which failed."
        if first.near:
            said += f" Of their metrics these look like requests: {in_words(first.near[:_NEAR])}. If one tells bad from"
            said += f" good, write it out under [guards.{plan.name}.metrics.http_error_rate], and add a rule on it."
        return said
    spelling = first.spelling
    counter = next(one.counter.name for one in dialects() if one.preset == spelling.preset)
    verb = "speaks" if len(plan.members) == 1 else "speak"
    said = f"{who} {verb} {spelling.preset} ({counter})"
    if spelling.renamed:
        said += ", spelt otherwise here: " + in_words([f"{other} for {label}" for label, other in spelling.renamed])
    said += "."
    if not spelling.by_pod:
        said += " It counts by Service and knows no pods: during a rolling update both revisions are mixed."
    if first.also:
        said += f" {in_words(first.also)} would do as well."
    return said


def _traffic(heard: Heard, tempo: Tempo) -> str:
    if heard.spelling is None:
        return "no requests are known"
    rate = _rate(heard.per_second)
    over = "hour" if heard.over == timedelta(hours=1) else span(heard.over)
    said = f"{heard.series} series; {rate} in the last {over}"
    if heard.per_second <= 0:
        return f"{said}, so nothing can be proven of it"
    said += f", {number(heard.error_share, Dimension.RATIO)} failed"
    p95 = heard.latency.p95 if heard.latency else None
    if p95 is not None:
        said += f", p95 about {number(p95, Dimension.SECONDS)}"
    fault = number(tempo.fault, Dimension.RATIO)
    if tempo.proof is None:
        return f"{said}; a fault of {fault} is never proven"
    article = "an" if fault.startswith("8") else "a"
    return f"{said}; {article} {fault} fault is proven in about {span(tempo.proof)}"


def _rate(per_second: float) -> str:
    if per_second <= 0:
        return "no requests"
    if per_second < 1:
        return f"{number(per_second * 60, Dimension.PLAIN)} requests/min"
    return f"{number(per_second, Dimension.PLAIN)} requests/s"


def _latency_comment(heard: Heard) -> Iterator[str]:
    latency, spelling = heard.latency, heard.spelling
    if spelling is None:
        return
    if latency is None:
        yield from toml.comment("No rule for latency: there is no histogram of theirs.")
    elif spelling.buckets is not None:
        before = heard.preset_latency
        why = "is not there" if before is None else f"is too coarse ({_bounds(before)})"
        said = f"The preset's histogram {why}; {spelling.buckets[0]} is finer ({_bounds(latency)})."
        yield from toml.comment(said)
    elif not latency.fine:
        then = "so the mean is judged instead" if latency.has_sum else "and there is no mean: no rule for latency"
        said = f"Buckets too coarse for a quantile: of {heard.guardable.target.name} {_coarse(latency)}, {then}."
        said += " Give the histogram a bucket there."
        yield from toml.comment(said)


def _coarse(latency: Latency) -> str:
    harmless = latency.harmless
    assert harmless is not None
    assert harmless.bound is not None
    limit = number(harmless.asked, Dimension.SECONDS)
    if math.isinf(harmless.bound):
        return f"2x baseline would be about {limit}, and they end at {number(max(latency.bounds), Dimension.SECONDS)}"
    return f"2x baseline would be about {limit}, and the next bucket is {number(harmless.bound, Dimension.SECONDS)}"


def _bounds(latency: Latency) -> str:
    shown = [number(bound, Dimension.SECONDS) for bound in latency.bounds]
    return f"buckets {', '.join(shown)}" if len(shown) <= 6 else f"{len(shown)} buckets up to {shown[-1]}"


def _scrape_comment(plan: GuardPlan) -> Iterator[str]:
    tempo = plan.choices[0].tempo
    scrapes = [one.scrape for one in plan.members if one.scrape is not None]
    if scrapes:
        yield from toml.comment(f"Scraped each {max(scrapes):g} s: one block of evidence each {span(tempo.interval)}.")
    if plan.members[0].spelling is None:
        return
    if tempo.thin:
        said = "Too few requests for a verdict within an hour: the probes and signs decide, and the rest where it can."
        yield from toml.comment(said)
    elif tempo.bake > timedelta(minutes=10):
        yield from toml.comment("Thin traffic, so the bake is longer than usual: a fault must have time to be proven.")
    if tempo.limit != LIMIT:
        yield from toml.comment("Stable itself fails so often that a limit of 5 % would leave no room.")


def _table(plan: GuardPlan) -> Iterator[str]:
    tempo = plan.choices[0].tempo
    yield f"[guards.{toml.key(plan.name)}]"
    if plan.selector is not None:
        yield f"namespaces = {toml.array([plan.namespace])}"
        yield f"selector   = {toml.text(plan.selector)}  # what gets this label later is guarded as well"
    else:
        if len(plan.members) > 1:
            yield from toml.comment("Named one by one: no label is theirs alone.")
        yield f"targets    = {toml.array(str(one.guardable.target) for one in plan.members)}"
    if plan.members[0].preset is not None:
        yield f"preset     = {toml.text(plan.members[0].preset)}"
    elif any(name in ("cpu", "memory") for name in plan.rules):
        yield f"preset     = {toml.text(dialects()[0].preset)}  # for cpu and memory, which come with every preset"
    yield f"rules      = {toml.array(plan.rules)}"
    yield f"interval   = {toml.text(duration_text(tempo.interval))}"
    yield f"bake       = {toml.text(duration_text(tempo.bake))}"
    yield from _action(plan)
    yield f"# channels = {toml.array(_CHANNELS)}  # see the end of the file"


def _action(plan: GuardPlan) -> Iterator[str]:
    owned: dict[str, list[str]] = {}
    owners = [(one.guardable.owner, one.guardable.target.name) for one in plan.members]
    for owner, name in owners:
        if owner is not None:
            owned.setdefault(f"{owner.name} owns %s: {owner.meaning}.", []).append(name)
    yield 'action     = "rollback"'
    for said, names in owned.items():
        yield from toml.comment(said.replace("%s", ", ".join(names)))
    if any(owner is not None and owner.heals for owner, _ in owners):
        yield from toml.comment(
            'What it heals is held, with the commands that would roll back; "suspend" would suspend it and put back.'
        )
        yield 'gitops     = "hold"'


def _metrics(plan: GuardPlan) -> Iterator[str]:
    """What the preset does not find is written out."""
    spelling = plan.members[0].spelling
    if spelling is None:
        return
    if spelling.own_error_rate:
        metric = spelling.error_rate
        yield from _metric(plan, "http_error_rate", {"kind": "ratio", "bad": metric.bad, "total": metric.total})
    if spelling.own_latency and any(name.startswith("latency") for name in plan.rules):
        latency = spelling.latency
        table = {"kind": "histogram", "buckets": latency.buckets}
        yield from _metric(plan, "http_latency", table if latency.scale == 1 else table | {"unit": "milliseconds"})


def _metric(plan: GuardPlan, name: str, table: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield f"[guards.{toml.key(plan.name)}.metrics.{name}]"
    width = max(map(len, table))
    for one, value in table.items():
        yield f"{one:<{width}} = {toml.text(value)}"
