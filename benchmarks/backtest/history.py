"""Writes a plan's metrics as OpenMetrics text, day by day, and has promtool make blocks of them."""

import math
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from benchmarks.backtest.plan import NAMESPACE, REPLICAS, Fault, Plan, Pod
from six_rules import six_rules
from watchdog.rulebook.presets import BUCKETS

RATE = 10.0  # requests per second and pod
ERRORS = 0.004
SLOWNESS = 3.0
BOUNDS = BUCKETS["fastapi"]
KUBE_STATE_EVERY = 2  # scrapes: kube-state-metrics are scraped half as often
EXPORTED = timedelta(minutes=11)  # how long after a switch the watchdog exported its probes

RULES = f"""\
version = 1

[guards.services]
namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash"]
channels   = ["releases"]

{six_rules()}
[channels.releases]
url = "{{{{ secret.SLACK_URL }}}}"
"""
"""The six rules that the history is made for."""


@dataclass
class _Counted:
    """How far a pod's counters are."""

    pod: Pod
    chance: random.Random
    at: float
    total: float = 0.0
    bad: float = 0.0
    cpu: float = 0.0


def build(
    plan: Plan, directory: Path, *, told: Callable[[str], None] = lambda _: None, kube_state: bool = True
) -> None:
    """The blocks, in `directory`/data. `kube_state=False` leaves kube-state-metrics out."""
    counted: dict[str, _Counted] = {}
    begin = plan.begin
    day = 0
    while begin < plan.end:
        end = min(plan.end, begin + timedelta(days=1))
        path = directory / "samples.txt"
        with path.open("w") as file:
            _write(plan, counted, begin, end, file, kube_state=kube_state)
        blocks(path, directory / "data")
        begin, day = end, day + 1
        told(f"day {day} of {plan.days:g}")


def blocks(path: Path, data: Path) -> None:
    """Have promtool make blocks of a file of OpenMetrics text, and remove it."""
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=54h"]
    subprocess.run([*command, path.name, str(data)], cwd=path.parent, check=True, capture_output=True, timeout=600)
    path.unlink()


def _write(
    plan: Plan, counted: dict[str, _Counted], begin: datetime, end: datetime, file: TextIO, *, kube_state: bool
) -> None:
    outages = [(one.timestamp(), other.timestamp()) for one, other in plan.outages()]
    first, last = begin.timestamp(), end.timestamp()
    for pod in plan.pods:
        if pod.created.timestamp() >= last or (pod.ended is not None and pod.ended.timestamp() < first - 60.0):
            continue
        state = counted.setdefault(pod.name, _Counted(pod, random.Random(pod.name), pod.ready.timestamp()))
        _application(plan, state, first, last, outages, file)
        if kube_state:
            _kube_pod(plan, pod, first, last, file)
    if kube_state:
        _kube_sets(plan, first, last, file)
    _probes(plan, first, last, file)
    file.write("# EOF\n")


def _times(begin: float, end: float, every: float) -> Iterator[float]:
    at = math.ceil(begin / every) * every
    while at < end:
        yield at
        at += every


def _application(
    plan: Plan,
    state: _Counted,
    first: float,
    last: float,
    outages: list[tuple[float, float]],
    file: TextIO,
) -> None:
    """The pod's own metrics and cAdvisor's of it."""
    pod, write, chance = state.pod, file.write, state.chance
    labels = f'namespace="{NAMESPACE}",pod="{pod.name}"'
    good = f'http_requests_total{{handler="/",method="GET",status="2xx",{labels}}}'
    bad = f'http_requests_total{{handler="/",method="GET",status="5xx",{labels}}}'
    bucket = "http_request_duration_highr_seconds_bucket"
    bounds = [(f'{bucket}{{le="{b:g}",{labels}}}', _below(b), _below(b / SLOWNESS)) for b in BOUNDS]
    every = f'{bucket}{{le="+Inf",{labels}}}'
    cpu = f'container_cpu_usage_seconds_total{{container="app",{labels}}}'
    memory = f'container_memory_working_set_bytes{{container="app",{labels}}}'
    ready, switched = pod.ready.timestamp(), pod.switched.timestamp()
    ended = last if pod.ended is None else min(last, pod.ended.timestamp())
    slow = pod.fault is Fault.SLOW
    for at in _times(max(first, ready), ended, plan.scrape):
        seconds = max(0.0, at - state.at)
        state.at = at
        requests = max(0.0, round(chance.gauss(RATE * seconds, math.sqrt(RATE * seconds * 3.0))))
        share = _share(pod.fault, at - switched)
        if any(begin <= at < end for begin, end in outages):
            share = 0.3
        failed = min(requests, float(sum(chance.random() < share for _ in range(int(requests)))))
        state.total += requests
        state.bad += failed
        state.cpu += seconds * 0.2 * (3.0 if pod.fault is Fault.CPU else 1.0) * chance.uniform(0.9, 1.1)
        used = 200 * 2**20 * (2.0 if pod.fault is Fault.MEMORY else 1.0) * chance.uniform(0.98, 1.02)
        stamp = f" {at:.3f}\n"
        lines = [f"{good} {state.total - state.bad:.0f}{stamp}"]
        if state.bad:
            lines.append(f"{bad} {state.bad:.0f}{stamp}")
        lines += [f"{name} {int(state.total * (late if slow else soon))}{stamp}" for name, soon, late in bounds]
        lines += [f"{every} {state.total:.0f}{stamp}", f"{cpu} {state.cpu:.3f}{stamp}", f"{memory} {used:.0f}{stamp}"]
        write("".join(lines))


def _below(bound: float) -> float:
    """The share of requests of a good release that take no longer: a log-normal with a median of 50 ms."""
    return 0.5 * (1.0 + math.erf(math.log(bound / 0.05) / (0.7 * math.sqrt(2.0)))) if bound > 0 else 0.0


def _share(fault: Fault, age: float) -> float:
    match fault:
        case Fault.ERRORS:
            return 0.08
        case Fault.MANY_ERRORS:
            return 0.3
        case Fault.FEW_ERRORS:
            return 0.03
        case Fault.LATE_ERRORS if age > 150.0:
            return 0.15
        case _:
            return ERRORS


def _kube_pod(plan: Plan, pod: Pod, first: float, last: float, file: TextIO) -> None:
    """What kube-state-metrics tell of a pod. It goes on for a moment after it was told to end."""
    labels = f'namespace="{NAMESPACE}",pod="{pod.name}"'
    created, ready, switched = pod.created.timestamp(), pod.ready.timestamp(), pod.switched.timestamp()
    told_to_end = math.inf if pod.ended is None else pod.ended.timestamp()
    gone = told_to_end + 30.0
    for at in _times(max(first, created), min(last, gone), plan.scrape * KUBE_STATE_EVERY):
        stamp = f" {at:.3f}\n"
        crashing = pod.fault is Fault.CRASH and at - switched > 120.0
        is_ready = ready <= at < told_to_end and not crashing
        lines = [
            f"kube_pod_created{{{labels}}} {created:.0f}{stamp}",
            f'kube_pod_status_ready{{condition="true",{labels}}} {int(is_ready)}{stamp}',
            f'kube_pod_container_status_restarts_total{{container="app",{labels}}} {4 if crashing else 0}{stamp}',
        ]
        if ready <= at and not crashing:
            lines.append(f"kube_pod_status_ready_time{{{labels}}} {ready:.0f}{stamp}")
        if at >= told_to_end:
            lines.append(f"kube_pod_deletion_timestamp{{{labels}}} {told_to_end:.0f}{stamp}")
        if crashing:
            reason = 'container="app",reason="CrashLoopBackOff"'
            lines.append(f"kube_pod_container_status_waiting_reason{{{reason},{labels}}} 1{stamp}")
        file.writelines(lines)


def _kube_sets(plan: Plan, first: float, last: float, file: TextIO) -> None:
    """What they tell of ReplicaSets and Deployments."""
    place = f'namespace="{NAMESPACE}"'
    sets: dict[tuple[str, str], list[Pod]] = {}
    for pod in plan.pods:
        sets.setdefault((pod.service, pod.template), []).append(pod)
    for (service, template), pods in sets.items():
        owner = f'{place},replicaset="{service}-{template}"'
        made = min(pod.created.timestamp() for pod in pods)
        for at in _times(max(first, made), min(last, made + 3 * 86400.0), plan.scrape * KUBE_STATE_EVERY):
            wanted = sum(1 for pod in pods if pod.created.timestamp() <= at < _until(pod))
            stamp = f" {at:.3f}\n"
            kind = f'{owner},owner_kind="Deployment",owner_name="{service}"'
            file.write(f"kube_replicaset_owner{{{kind}}} 1{stamp}")
            file.write(f"kube_replicaset_spec_replicas{{{owner}}} {wanted}{stamp}")
    for service in plan.names:
        labels = f'{place},deployment="{service}",label_app_kubernetes_io_part_of="plasma-engine"'
        for at in _times(first, last, plan.scrape * KUBE_STATE_EVERY):
            stamp = f" {at:.3f}\n"
            file.write(f"kube_deployment_labels{{{labels}}} 1{stamp}")
            file.write(f'kube_deployment_spec_replicas{{{place},deployment="{service}"}} {REPLICAS}{stamp}')


def _until(pod: Pod) -> float:
    return math.inf if pod.ended is None else pod.ended.timestamp()


def _probes(plan: Plan, first: float, last: float, file: TextIO) -> None:
    """What the watchdog exported while it watched: a round each five seconds, of the candidate's ready pods."""
    for release in plan.releases:
        begin = release.at.timestamp()
        if begin >= last or begin + EXPORTED.total_seconds() < first:
            continue
        rule = f'rule="health",target="{release.target}"'
        pods = [pod for pod in plan.pods if pod.service == release.service and pod.template == release.template]
        failing = begin + 120.0 if release.fault is Fault.HEALTH else math.inf
        for at in _times(max(first, begin + 20.0), min(last, begin + EXPORTED.total_seconds()), plan.scrape):
            round_at = begin + 5.0 * math.floor((at - begin) / 5.0)
            stamp = f" {at:.3f}\n"
            file.write(f"watchdog_probe_round_timestamp_seconds{{{rule}}} {round_at:.3f}{stamp}")
            for pod in pods:
                failures = max(0, math.floor((round_at - failing) / 5.0) + 1) if round_at >= failing else 0
                since = failing if failures else 0.0
                labels = f'pod="{pod.name}",{rule}'
                file.write(f"watchdog_probe_failures{{{labels}}} {failures}{stamp}")
                file.write(f"watchdog_probe_failing_since_timestamp_seconds{{{labels}}} {since:.3f}{stamp}")
