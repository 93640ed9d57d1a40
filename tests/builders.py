"""Builders of the domain's values for tests: plain functions, everything has a default, keywords change it.

Times are seconds after `T0`, the switch of `a_switch()`. The story behind the defaults: Deployment `research` in
`production` went from `GOOD` to `NEW` at `T0`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from watchdog.domain.conditions import (
    AboveBaseline,
    Absolute,
    Dimension,
    GaugeMetric,
    HistogramMetric,
    Limit,
    Op,
    RateMetric,
    RatioMetric,
    ShareOfLimit,
    Statistic,
    Threshold,
    TimesBaseline,
)
from watchdog.domain.effects import Effect
from watchdog.domain.events import Event
from watchdog.domain.histograms import PodBuckets
from watchdog.domain.judge import History
from watchdog.domain.live import Container, Destination, Live, Pod, Sighting
from watchdog.domain.measurement import (
    Alert,
    Baseline,
    Block,
    Buckets,
    Counts,
    Firing,
    PodCount,
    PodValues,
    ProbeOutcome,
    ProbeResult,
    ProbeRound,
    Reading,
)
from watchdog.domain.rollout import (
    Revision,
    ServiceFlip,
    Stable,
    SwitchKind,
    Target,
    TargetKind,
    TrafficSwitch,
)
from watchdog.domain.rules import Alerts, Guard, Probe, Rule, Sign, Signs
from watchdog.domain.state import Watch, open_watch
from watchdog.domain.watch import advance

T0 = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
INTERVAL = timedelta(seconds=15)


def at(seconds: float) -> datetime:
    """So many seconds after the switch."""
    return T0 + timedelta(seconds=seconds)


def seconds(count: float) -> timedelta:
    """A duration."""
    return timedelta(seconds=count)


# -- what is released --------------------------------------------------------------------------------------------


def a_revision(template: str = "7c9d", *, workload: str = "research", tag: str = "", number: int = 0) -> Revision:
    """One pod template of a Deployment."""
    images = (f"registry.example/plasma/{workload}:{tag}",) if tag else ()
    return Revision(workload, template, uid=f"uid-{workload}-{template}", number=number, images=images)


GOOD = a_revision("5f6d", tag="1.4.0", number=6)
NEW = a_revision("7c9d", tag="1.5.0", number=7)
BLUE = a_revision("b1ue", workload="gateway-blue", tag="2.0.0")
GREEN = a_revision("9reen", workload="gateway-green", tag="2.1.0")


def a_target(name: str = "research", *, kind: TargetKind = TargetKind.DEPLOYMENT) -> Target:
    """A guarded object."""
    return Target("production", kind, name)


def a_stable(revision: Revision = GOOD, *, since: float = -7200, until: float = 0) -> Stable:
    """A good revision that served until the switch."""
    return Stable(revision, at(since), at(until))


def a_flip(service: str = "gateway", *, before: str = "blue", after: str = "green") -> ServiceFlip:
    """One Service whose selector moved from one colour to another."""
    return ServiceFlip(service, {"app": service, "colour": before}, {"app": service, "colour": after})


def a_switch(
    *, candidate: Revision = NEW, previous: Revision | None = GOOD, when: float = 0, by: str = "", **changes: Any
) -> TrafficSwitch:
    """A rollout of `research`."""
    switch = TrafficSwitch(a_target(), SwitchKind.ROLLOUT, candidate, previous, at(when), by=by)
    return replace(switch, **changes)


def a_flip_switch(*services: str, when: float = 0, **changes: Any) -> TrafficSwitch:
    """A flip of the Service `gateway` (and of those named) from blue to green."""
    names = services or ("gateway",)
    target = a_target(names[0], kind=TargetKind.SERVICE)
    flips = tuple(a_flip(name) for name in names)
    return replace(TrafficSwitch(target, SwitchKind.SELECTOR, GREEN, BLUE, at(when), flips=flips), **changes)


# -- rules -------------------------------------------------------------------------------------------------------


def a_limit(limit: float | str | Limit) -> Limit:
    """`0.05`, `"2x"`, `"+0.1"` or `"90% limit"`."""
    if isinstance(limit, str) and limit.endswith("% limit"):
        return ShareOfLimit(float(limit.removesuffix("% limit")) / 100)
    if isinstance(limit, str):
        return TimesBaseline(float(limit[:-1])) if limit.endswith("x") else AboveBaseline(float(limit))
    return Absolute(float(limit)) if isinstance(limit, int | float) else limit


def a_threshold(
    metric: RatioMetric | HistogramMetric | RateMetric | GaugeMetric,
    limit: float | str = 0.05,
    *,
    op: Op = Op.ABOVE,
    statistic: Statistic = Statistic.VALUE,
) -> Threshold:
    """`METRIC OP LIMIT`."""
    return Threshold(metric, statistic, op, a_limit(limit), text=f"{metric.name} {op} {limit}")


def a_ratio(limit: float | str = 0.05, *, op: Op = Op.ABOVE, floor: float | None = None) -> Threshold:
    """`http_error_rate > 5%`."""
    return a_threshold(RatioMetric("http_error_rate", "bad_total", "all_total", floor), limit, op=op)


def a_latency(
    limit: float | str = "2x", *, statistic: Statistic = Statistic.P95, op: Op = Op.ABOVE, floor: float | None = 0.01
) -> Threshold:
    """`p95(http_latency) > 2x baseline`."""
    return a_threshold(HistogramMetric("http_latency", "seconds_bucket", floor), limit, op=op, statistic=statistic)


def a_rate(limit: float | str = "2x", *, op: Op = Op.ABOVE, floor: float | None = 0.05) -> Threshold:
    """`cpu > 2x baseline`."""
    return a_threshold(RateMetric("cpu", "cpu_seconds_total", floor, Dimension.CORES), limit, op=op)


def a_gauge(limit: float | str = "1.5x", *, op: Op = Op.ABOVE, floor: float | None = None) -> Threshold:
    """`memory > 1.5x baseline`."""
    return a_threshold(GaugeMetric("memory", "max by (pod) (memory)", floor, Dimension.BYTES), limit, op=op)


def a_probe(*, failures: int = 3, **changes: Any) -> Probe:
    """`GET /health`, three failures in a row."""
    return replace(Probe("/health", "http", failures=failures), **changes)


def signs_of(*signs: Sign | str) -> Signs:
    """The named signs; all of them by default."""
    return Signs(tuple(Sign(sign) for sign in signs) or tuple(Sign))


def alerts_of(*names: str, **labels: str) -> Alerts:
    """Prometheus alerts by name; `CheckoutErrorsHigh` by default. Each label has one allowed value."""
    allowed = {label: (value,) for label, value in labels.items()}
    return Alerts(names or ("CheckoutErrorsHigh",), allowed)


def a_rule(
    check: Threshold | Probe | Signs | Alerts | None = None, *, name: str = "", hold: float = 0, **changes: Any
) -> Rule:
    """`error-rate`, a rule on `http_error_rate > 5%`; another check names itself."""
    check = check or a_ratio()
    names = {Probe: "health", Signs: "crash", Alerts: "alerts"}
    known = names.get(type(check)) or (
        {"http_error_rate": "error-rate", "http_latency": "latency"}.get(check.metric.name, check.metric.name)
        if isinstance(check, Threshold)
        else ""
    )
    return Rule(name or known, check, hold=seconds(hold), **changes)


def a_guard(*rules: Rule, **changes: Any) -> Guard:
    """Plasma Engine's guard; under `error-rate` alone if no rules are given."""
    guard = Guard(
        "plasma-engine",
        ("production",),
        rules or (a_rule(),),
        targets=(a_target(), a_target("gateway", kind=TargetKind.SERVICE)),
        channels=("releases", "oncall"),
    )
    return replace(guard, **changes)


# -- what is measured --------------------------------------------------------------------------------------------


def counts(bad: float, total: float, *, pod: str = "research-a", samples: int = 1) -> Counts:
    """Bad and all requests of one pod in one block."""
    return Counts({pod: PodCount(bad, total, samples)})


def counts_of(pods: Mapping[str, tuple[float, float]], *, samples: int = 1) -> Counts:
    """Bad and all requests of several pods."""
    return Counts({pod: PodCount(bad, total, samples) for pod, (bad, total) in pods.items()})


def buckets(
    per_bound: Mapping[float, float], *, time: float | None = None, pod: str = "research-a", samples: int = 1
) -> Buckets:
    """A cumulative histogram of one pod; the count at `inf` is the total."""
    bounds = tuple(sorted(per_bound.items()))
    total = bounds[-1][1] if bounds else 0.0
    return Buckets({pod: PodBuckets.of(bounds, total, total * 0.1 if time is None else time, samples)})


def slow(share: float, total: float = 100, *, pod: str = "research-a") -> Buckets:
    """A histogram where `share` of the requests took between 1 and 2.5 s, the others up to 100 ms."""
    fast = total * (1 - share)
    return buckets({0.05: fast / 2, 0.1: fast, 1.0: fast, 2.5: total, float("inf"): total}, pod=pod)


def values(pods: Mapping[str, float] | float) -> PodValues:
    """One number per pod, or of one pod."""
    return PodValues(pods if isinstance(pods, Mapping) else {"research-a": pods})


def an_alert(
    name: str = "CheckoutErrorsHigh", *, active: float = 30, firing: float | None = 60, **changes: Any
) -> Alert:
    """An alert that became active and began to fire so long after the switch; `firing=None` for a pending one."""
    alert = Alert(name, {"severity": "critical"}, at(active), None if firing is None else at(firing))
    return replace(alert, **changes)


def firing(*alerts: Alert, put_back: float | None = None) -> Firing:
    """The alerts that were active at a block's end."""
    return Firing(alerts, T0, None if put_back is None else at(put_back))


def a_block(index: int, reading: Reading, *, interval: timedelta = INTERVAL, start: datetime = T0) -> Block:
    """Block `index` of the grid that begins at `start`."""
    return Block(index, start + (index - 1) * interval, start + index * interval, reading, "a query")


def blocks(
    *readings: Reading, interval: timedelta = INTERVAL, start: datetime = T0, first: int = 1
) -> tuple[Block, ...]:
    """Blocks in a row, the first one `first`."""
    return tuple(a_block(first + n, reading, interval=interval, start=start) for n, reading in enumerate(readings))


def a_history(*readings: Reading, interval: timedelta = INTERVAL) -> History:
    """The history of a threshold's rule."""
    history = History(interval)
    for block in blocks(*readings, interval=interval):
        history = history.with_block(block, None)
    return history


def a_baseline(reading: Reading, *, since: float = -1800) -> Baseline:
    """What stable measured in the half hour before the switch."""
    return Baseline(at(since), T0, reading, "a baseline query")


def a_round(
    when: float,
    candidate: Mapping[str, ProbeOutcome] | Iterable[ProbeResult],
    *,
    stable: ProbeOutcome | None = None,
    peers: Iterable[ProbeOutcome] = (),
) -> ProbeRound:
    """One round of probes, by pod."""
    if isinstance(candidate, Mapping):
        candidate = tuple(ProbeResult(pod, outcome, str(outcome)) for pod, outcome in candidate.items())
    others = () if stable is None else (ProbeResult("old-a", stable, str(stable)),)
    beside = tuple(ProbeResult(f"peer-{n}", outcome, str(outcome)) for n, outcome in enumerate(peers))
    return ProbeRound(at(when), tuple(candidate), others, beside)


# -- the cluster -------------------------------------------------------------------------------------------------


def a_pod(
    name: str = "research-a",
    *,
    created: float = 0,
    ready: float | None = 0,
    unready: float | None = None,
    restarts: int = 0,
    waiting: str | None = None,
    oom: float | None = None,
    unschedulable: float | None = None,
    containers: tuple[Container, ...] | None = None,
    **changes: Any,
) -> Pod:
    """A pod with one container `app`; `ready=None` for one that is not ready."""
    app = Container("app", restarts, waiting, None if oom is None else at(oom))
    pod = Pod(
        name,
        f"uid-{name}",
        at(created),
        ready_since=None if ready is None else at(ready),
        unready_since=None if unready is None else at(unready),
        unschedulable_since=None if unschedulable is None else at(unschedulable),
        containers=(app,) if containers is None else containers,
    )
    return replace(pod, **changes)


def some_pods(count: int, *, first: int = 0, **changes: Any) -> tuple[Pod, ...]:
    """So many pods, alike."""
    return tuple(a_pod(f"research-{n:03}", **changes) for n in range(first, first + count))


def a_destination(revision: Revision = GOOD, **changes: Any) -> Destination:
    """A place to go back to that can serve."""
    return replace(Destination(revision, exists=True, replicas=1, ready_pods=1), **changes)


def a_live(
    when: float = 0,
    *,
    switch: TrafficSwitch | None = None,
    pods: Iterable[Pod] = (a_pod(),),
    stable_pods: Iterable[Pod] = (),
    destination: Destination | str | None = "as usual",
    fresh: bool = False,
    moved: Iterable[str] = (),
    **changes: Any,
) -> Live:
    """The target as it is; `moved` names the Services of a flip that no longer select the candidate."""
    switch = switch or a_switch()
    previous = switch.previous or GOOD
    live = Live(
        target=switch.target,
        at=at(when),
        version=1,
        exists=True,
        uid=f"uid-{switch.target.name}",
        resource_version="100",
        serving=switch.candidate,
        candidate_pods=tuple(pods),
        stable_pods=tuple(stable_pods),
        completed_at=at(min(when, 0)),
        destination=(a_destination(previous) if fresh else None) if isinstance(destination, str) else destination,
        services={
            flip.service: (f"uid-{flip.service}", "100", flip.service not in tuple(moved)) for flip in switch.flips
        },
        fresh=fresh,
    )
    return replace(live, **changes)


def a_sighting(
    serving: Revision | None = NEW, *, since: float = 0, kind: SwitchKind = SwitchKind.ROLLOUT, **changes: Any
) -> Sighting:
    """What serves `research` now; with `kind=SELECTOR` what the Service `gateway` selects."""
    flipped = kind is SwitchKind.SELECTOR
    sighting = Sighting(
        target=a_target("gateway", kind=TargetKind.SERVICE) if flipped else a_target(),
        kind=kind,
        uid="uid-target",
        labels={},
        annotations={},
        serving=serving,
        since=at(since),
        selector={"colour": serving.workload} if flipped and serving else {},
    )
    return replace(sighting, **changes)


# -- watches -----------------------------------------------------------------------------------------------------


def a_watch(
    *rules: Rule,
    switch: TrafficSwitch | None = None,
    guard: Guard | None = None,
    stable: Stable | str | None = "as usual",
    notify_only: str = "",
    **changes: Any,
) -> Watch:
    """A watch that has just opened, without warm-up unless its guard says so."""
    switch = switch or a_switch()
    guard = guard or a_guard(*rules, warmup=timedelta(0))
    known = a_stable(switch.previous or GOOD) if isinstance(stable, str) else stable
    return replace(open_watch(switch, guard, known, notify_only=notify_only, now=switch.at), **changes)


def play(watch: Watch, *events: tuple[Event, float]) -> tuple[Watch, tuple[Effect, ...]]:
    """Advance through events, each with its time; the watch after them, and all effects."""
    effects: list[Effect] = []
    for event, when in events:
        step = advance(watch, event, at(when))
        watch = step.watch
        effects += step.effects
    return watch, tuple(effects)
