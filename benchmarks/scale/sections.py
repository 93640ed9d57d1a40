"""The sections of the page that stand beside the watches on the simulator: the real control plane, the rivals, shards."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.scale.tables import Column, Run, each, plain, row_table, within

_QUERIES, _REQUESTS = "queries per interval", "API requests per interval"
_PROMETHEUS, _SERVER = "Prometheus CPU s per interval", "API server CPU s per interval"
_WITHOUT = "without it"


def on_the_plane(
    runs: Sequence[Run], columns: Sequence[Column], times: Callable[[Sequence[Run]], list[str]]
) -> list[str]:
    """The same watches on real Kubernetes programs."""
    if not runs:
        return []
    more: Sequence[Column] = (
        ("queries an interval", plain(_QUERIES, ".0f")),
        ("API requests an interval", plain(_REQUESTS, ".0f")),
        ("loop lag p99, ms", within("p99", "steady")),
    )
    return [
        "## On a real control plane",
        "",
        '`make bench-scale ARGS="--plane"`: kube-apiserver, etcd, the controller manager, the scheduler and kwok in the place of the simulated API',
        "server, on the same cores. Requests and patches are those of the API server's audit log.",
        "",
        *row_table([(f"{run['targets']:,}", run) for run in runs], "watches", (*more, *columns)),
        "",
        *times(runs),
    ]


def _extra(name: str) -> Callable[[Run], str]:
    """What was used more with the guard than without it, a second of CPU an interval."""
    return lambda run: f"{max(0.0, run[name] - run[f'{name}, {_WITHOUT}']):.2f}"


_RIVALS: Sequence[Column] = (
    ("at work", plain("at work")),
    ("queries an interval", plain(_QUERIES, ".0f")),
    ("Prometheus's CPU, s", _extra(_PROMETHEUS)),
    ("API requests an interval", plain(_REQUESTS, ",.0f")),
    ("API server's and etcd's CPU, s", _extra(_SERVER)),
    ("its CPU, % of a core", plain("CPU % of a core", ".1f")),
    ("MiB", plain("MiB", ".0f")),
    ("idle, MiB", plain("idle MiB", ".0f")),
    ("load before, after", lambda run: f"{run['load before']}, {run['load after']}"),
)


def rivals(section: Mapping[str, Mapping[str, Run]]) -> list[str]:
    """Each guard alone, on the same number of targets."""
    if not section:
        return []
    rows = [
        (f"{int(number):,} | {guard}", run)
        for number, guards in sorted(section.items(), key=lambda item: int(item[0]))
        for guard, run in guards.items()
    ]
    return [
        "## Beside the real Flagger and Argo Rollouts",
        "",
        '`make bench-scale ARGS="--rivals"`: the real controllers, one after the other, each on a real control plane of its own with the same pods, the',
        "same scrapes and one analysis a target, none of which fails: Flagger 1.36.1 (Blue/Green without a mesh), Argo Rollouts 1.10.1 (blue-green, analysis after the",
        "promotion), each with one metric (errors); the watchdog with that one rule, and with six. All in intervals of 15 s; no channels. CPU of Prometheus and of the API server is",
        "what they used more than after the guard was ended. Five more targets are there that are not released.",
        "",
        *row_table(rows, "targets | guard", _RIVALS),
    ]


_SHARDS: Sequence[Column] = (
    ("switching", plain("switching")),
    ("watches", each("watches")),
    ("queries an interval", each(_QUERIES, ".0f")),
    ("CPU, % of a core", each("CPU % of a core", ".1f")),
    ("idle, MiB", each("idle MiB", ".0f")),
    ("watching, MiB", each("MiB", ".0f")),
    ("CPU until all lead, s", each("CPU s until all lead", ".0f")),
    ("until all lead, s", plain("seconds until all lead", ".0f")),
    ("lists a namespace and kind", plain("lists a namespace and kind", "g")),
    ("leads lost", plain("leads lost", "g")),
    ("watches of the one that was killed", plain("watches of the one that was killed")),
    ("led again after, s", plain("seconds until its shard is led", ".1f")),
    ("all open again after, s", plain("seconds until its watches are open", ".1f")),
    ("queries failed", plain("query failures", "g")),
)


def shards(runs: Sequence[Run]) -> list[str]:
    """Several processes; figures of each, divided by commas."""
    if not runs:
        return []
    return [
        "## Several processes",
        "",
        '`make bench-scale ARGS="--shards"`: `WATCHDOG_SHARDS=4` and four processes over one simulated API server; figures of each process. A share of the targets switches; then the',
        "process with the most watches is killed. Pods of targets that neither switch nor are compared with have no metrics here: nobody asks for them.",
        "",
        *row_table([(f"{run['targets']:,}", run) for run in runs], "targets", _SHARDS),
    ]


def when_and_where(kept: Mapping[str, Any]) -> list[str]:
    """Each measurement's source, machine, load and length."""
    told = list(_measurements(kept))
    if not told:
        return []
    columns: Sequence[Column] = (
        ("when (UTC)", lambda run: run["at"][:16].replace("T", " ")),
        ("commit", plain("commit", "")),
        ("machine", plain("machine", "")),
        ("load before, after", lambda run: f"{run['load before']}, {run['load after']}"),
        ("minutes", lambda run: f"{run['took'] / 60:.1f}"),
    )
    minutes = sum(run.get("took", 0) for _, run in told) / 60
    return [
        "## When and where",
        "",
        f"{minutes:.0f} minutes in all. The load is that of the minute before and of the last minute. A commit with a plus had changes that were not committed.",
        "",
        *row_table(told, "", columns),
    ]


def _measurements(kept: Mapping[str, Any]) -> list[tuple[str, Run]]:
    found = [(f"{int(number):,} watches", run) for number, run in kept.get("runs", {}).items()]
    found += [(f"{int(number):,} watches, older", run) for number, run in kept.get("aged", {}).items()]
    found += [(f"{int(number):,} on the plane", run) for number, run in kept.get("plane", {}).items()]
    for number, guards in kept.get("rivals", {}).items():
        found += [(f"{guard}, {int(number):,}", run) for guard, run in guards.items()]
    return found + [(f"shards, {int(number):,}", run) for number, run in kept.get("shards", {}).items()]


def failures(failed: Mapping[str, Run]) -> list[str]:
    """What was tried and has no result, or an older one."""
    if not failed:
        return []
    return [
        "## What failed",
        "",
        *(
            f"- {name}, {run['at'][:16].replace('T', ' ')}, {run['commit']}: {run['failure']}"
            for name, run in failed.items()
        ),
    ]
