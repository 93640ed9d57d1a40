"""Reads ../shared/traces: what three measured systems did, minute by minute or request by request.

The traces may be absent; then there is nothing, and the report says so.
"""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.judge.runs import Floats

# Beside the repository, or beside the folder of its working trees.
_PLACES = tuple(Path(__file__).resolve().parents[up] / "shared" / "traces" for up in (3, 4))


def place() -> Path | None:
    """Where the traces are, if they are here."""
    return next((found for found in _PLACES if found.is_dir()), None)


@dataclass(frozen=True, slots=True)
class Service:
    """One service over a stretch of time, a row each minute (or five): what came since the row before.

    `latencies` has the quantiles in `quantiles`, a row each; NaN where nothing was measured.
    """

    name: str
    at: Floats
    requests: Floats
    errors: Floats | None
    quantiles: tuple[float, ...]
    latencies: Floats


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was injected into a service at a moment (Unix seconds)."""

    at: float
    service: str
    kind: str


@cache
def nezha(root: Path) -> tuple[Mapping[str, Service], Sequence[Injected]]:
    """Nezha's Online Boutique on one day: a pod a service, a row a minute, and the moments of its faults."""
    folder = root / "nezha-2022-08-22"
    services = {}
    for path in sorted(folder.glob("*_metric.csv.gz")):
        rows = _in_order(_rows(path))
        at = np.array([float(row["TimeStamp"]) for row in rows])
        rate = np.array([_number(row["PodWorkload(Ops)"]) for row in rows])
        latencies = np.array([[_number(row[f"PodServerLatencyP{q}(s)"]) for q in (90, 95, 99)] for row in rows])
        name = path.name.split("-")[0]
        services[name] = Service(name, at, np.round(np.nan_to_num(rate) * 60.0), None, (0.9, 0.95, 0.99), latencies)
    faults = json.loads((folder / "faults.json").read_text())
    injected = [
        Injected(float(each["inject_timestamp"]), each["inject_pod"].split("-")[0], each["inject_type"])
        for hour in faults.values()
        for each in hour
    ]
    return services, sorted(injected, key=lambda each: each.at)


@cache
def petshop(root: Path) -> Mapping[str, Service]:
    """PetShop on two quiet days, under high and low traffic: a row each five minutes."""
    services = {}
    for path in sorted((root / "petshop").glob("*-noissue.csv.gz")):
        with gzip.open(path, "rt", newline="") as file:
            names, metrics, statistics, *rows = list(csv.reader(file))
        values = np.array([[_number(cell) for cell in row] for row in rows if row[0] != "unix_timestamp"])
        column = {key: index for index, key in enumerate(zip(names, metrics, statistics, strict=True))}
        for name in dict.fromkeys(names[1:]):
            requests = np.nan_to_num(values[:, column[name, "requests", "Sum"]])
            available = np.nan_to_num(values[:, column[name, "availability", "Average"]], nan=100.0)
            latencies = values[:, [column[name, "latency", q] for q in ("p50", "p90", "p95", "p99")]]
            full = f"{path.name.split('_')[0]} {name}"
            errors = np.round(requests * (1.0 - available / 100.0))
            services[full] = Service(full, values[:, 0], requests, errors, (0.5, 0.9, 0.95, 0.99), latencies)
    return services


@cache
def delag(root: Path) -> tuple[tuple[Floats, Floats], ...]:
    """Delag's e-shopper: of each file the latencies of single requests (ms), and their kind (0: normal; 1, 2: slow)."""
    files = []
    for path in sorted((root / "delag").glob("*.csv.gz")):
        rows = _rows(path)
        files.append(
            (np.array([float(row["Latency"]) for row in rows]), np.array([float(row["anomaly"]) for row in rows]))
        )
    return tuple(files)


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def _in_order(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """One file of Nezha holds some stretches twice, and not in their order."""
    kept: list[dict[str, str]] = []
    for row in sorted(rows, key=lambda row: float(row["TimeStamp"])):
        if not kept or float(row["TimeStamp"]) - float(kept[-1]["TimeStamp"]) > 30.0:
            kept.append(row)
    return kept


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
