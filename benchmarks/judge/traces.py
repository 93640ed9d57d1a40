"""Real traffic as releases: what was measured, played as scrapes of a counter.

- **A row is a scrape.** Nezha has a row a minute, PetShop one each five minutes: nothing is known of what happened within
  one, so nothing is made up. A row is played as one scrape of 15 s (time runs 4 or 20 times as fast), since a scrape is
  what the policies' settings reckon in: baseline and bake are 120 and 40 rows.
- **Latency is judged as a share**, `p95 > 2x baseline` as "more than 5 % slower than twice the p95 before the switch".
  From a row's quantiles the share of slower requests is read off a line through them (logarithms of share and latency).
- **A clean deploy** is a moment without a switch: what comes after it is judged against what was before it. The moments lie
  20 rows apart, so neighbours share half of their bake.
- **A bad release** of Nezha is a pod from the moment in which its CPU was starved (`cpu_contention`, `cpu_consumed`: for
  four to six minutes); the other faults do not show in the latency of the pod that has them, and are left out.
- **Delag** has requests without times: they come at 10 per second in the file's order. Clean: those that are labelled normal.
  Bad: the whole file (a fifth slow), one kind of slow ones among the normal ones, or slow ones alone; limit 1.1x baseline.

Services alternate between the half that is tuned on and the half that is reported.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.runs import Floats, Release, Scrapes
from benchmarks.judge.trace_files import Service, delag, nezha, petshop

_SCRAPE = 15.0
_BASELINE_ROWS, _BAKE_ROWS, _STRIDE = 120, 40, 20
_LEAST_BASELINE = 40  # rows that a baseline must have: two PetShop days are short
_LEAST_REQUESTS = 20.0  # per row, on average: fewer are no traffic that a rule of 20 requests is made for
_AFFECTED = 20 * 60.0  # seconds after a fault's injection in which nothing counts as clean
_SLOW_FAULTS = ("cpu_contention", "cpu_consumed")
_RPS = 10.0
_DELAG_TIMES = 1.1


def clean(root: Path, trace: str, half: int) -> Iterator[Release]:
    """Pseudo-deploys in which nothing was wrong, of every second service (`half` 0: to tune on, 1: to report)."""
    if trace == "delag":
        yield from _delag(root, half, "clean")
        return
    services, faults = nezha(root) if trace == "nezha" else (petshop(root), ())
    for service in _half(services, half):
        if service.requests.mean() < _LEAST_REQUESTS and trace == "petshop":
            continue
        quiet = np.ones(service.at.size, dtype=bool)
        for fault in faults:
            quiet &= ~((service.at >= fault.at - 60.0) & (service.at < fault.at + _AFFECTED))
        for row in range(_LEAST_BASELINE, service.at.size - _BAKE_ROWS, _STRIDE):
            begin = max(0, row - _BASELINE_ROWS)
            if not quiet[begin : row + _BAKE_ROWS].all():
                continue
            yield from _kinds(service, trace, row, fault_at=None)


def bad(root: Path, trace: str, half: int) -> Iterator[Release]:
    """Releases that were bad: Nezha's faults, Delag's slow requests."""
    if trace == "delag":
        for kind in ("as it is", "kind 1 among normal ones", "kind 2 among normal ones", "slow alone"):
            yield from _delag(root, half, kind)
    elif trace == "nezha":
        services, faults = nezha(root)
        for service in _half(services, half):
            for fault in faults:
                row = int(np.searchsorted(service.at, fault.at))
                if fault.service == service.name and fault.kind in _SLOW_FAULTS and row + 8 < service.at.size:
                    yield from _kinds(service, trace, row, fault_at=0.0)


def _half(services: Mapping[str, Service], half: int) -> list[Service]:
    return [service for index, service in enumerate(services.values()) if index % 2 == half]


def _kinds(service: Service, trace: str, row: int, fault_at: float | None) -> Iterator[Release]:
    """The release as its latency rule sees it, and as its error rule does where errors were measured."""
    slow = _slow(service, row)
    if slow is not None:
        yield _release(service, f"{trace}: latency", row, slow, fault_at)
    # Components that fail always, or nearly, are no baseline for anything.
    if service.errors is not None and service.errors.sum() < 0.03 * service.requests.sum():
        yield _release(service, f"{trace}: errors", row, service.errors, fault_at)


def _slow(service: Service, row: int) -> Floats | None:
    """Requests of each row slower than twice the p95 before the switch."""
    before = slice(max(0, row - _BASELINE_ROWS), row)
    p95 = service.latencies[before, service.quantiles.index(0.95)]
    if not np.isfinite(p95).any():
        return None
    limit = 2.0 * float(np.nanmedian(p95))
    bad = np.zeros(service.at.size)
    for each in range(before.start, min(row + _BAKE_ROWS + 3, service.at.size)):
        bad[each] = np.round(service.requests[each] * _share_above(limit, service.quantiles, service.latencies[each]))
    return bad


def _share_above(limit: float, quantiles: tuple[float, ...], latencies: Floats) -> float:
    """Which share of requests was slower: a line through the quantiles, and on beyond them, in logarithms."""
    known = np.isfinite(latencies) & (latencies > 0.0)
    if not known.any() or limit <= 0.0:
        return 0.0
    tail = np.log(1.0 - np.array(quantiles)[known])
    where = np.maximum.accumulate(np.log(latencies[known]))
    at = float(np.log(limit))
    if tail.size == 1 or where[-1] - where[0] < 1e-9:
        return float(np.exp(tail[0])) if at < where[0] else 0.0
    if at > where[-1]:
        slope = (tail[-1] - tail[-2]) / max(where[-1] - where[-2], 1e-3)
        return float(np.exp(tail[-1] + slope * (at - where[-1])))
    if at < where[0]:
        slope = (tail[1] - tail[0]) / max(where[1] - where[0], 1e-3)
        return float(np.exp(min(0.0, tail[0] + slope * (at - where[0]))))
    return float(np.exp(np.interp(at, where + np.arange(where.size) * 1e-12, tail)))


def _release(service: Service, world: str, row: int, bad: Floats, fault_at: float | None) -> Release:
    """Rows as scrapes: those before the switch of the old pod, those after it of a newborn one."""
    step = float(np.median(np.diff(service.at)))
    at = np.round((service.at - service.at[row] + step / 2) / step * _SCRAPE, 3)
    begin, end = max(0, row - _BASELINE_ROWS), min(row + _BAKE_ROWS + 3, service.at.size)
    requests, failed = service.requests, np.minimum(bad, service.requests)
    bake = _BAKE_ROWS * _SCRAPE
    failing = np.zeros(int(bake) + 60)
    inside = (at >= 0.0) & (at < failing.size)
    np.add.at(failing, at[inside].astype(int), failed[inside])
    return Release(
        world=world,
        seed=row,
        candidate=(_pod("new", 0.0, at[row:end], requests[row:end], failed[row:end]),),
        stable=(_pod("old", -np.inf, at[begin:row], requests[begin:row], failed[begin:row]),),
        bake=bake,
        scrape_interval=_SCRAPE,
        fault_at=fault_at,
        failing=failing,
        history=_past(requests, failed, begin),
        facts={"rps": max(float(requests[row:end].mean()) / _SCRAPE, 1e-3), "service": service.name},
    )


def _past(requests: Floats, failed: Floats, begin: int) -> tuple[tuple[Scrapes, ...], ...]:
    """What the service did before the baseline: a baseline and as many bakes as there are rows, again and again."""
    length = _BASELINE_ROWS + 3 * _BAKE_ROWS
    chunks = []
    for start in range(0, begin - _BASELINE_ROWS - _BAKE_ROWS, 2 * _BAKE_ROWS):
        rows = slice(start, min(start + length, begin))
        at = (np.arange(rows.stop - rows.start) + 0.5) * _SCRAPE
        chunks.append((_pod("old", -np.inf, at, requests[rows], failed[rows]),))
    return tuple(chunks)


def _pod(name: str, born: float, at: NDArray[np.floating], requests: Floats, failed: Floats) -> Scrapes:
    return Scrapes(name, born, at.astype(np.float64), np.cumsum(requests), np.cumsum(failed))


def _delag(root: Path, half: int, kind: str) -> Iterator[Release]:
    for number, (latencies, labels) in enumerate(delag(root)):
        if number % 2 != half:
            continue
        normal = latencies[labels == 0]
        limit = _DELAG_TIMES * float(np.percentile(normal, 95))
        after = {
            "clean": normal,
            "as it is": latencies,
            "kind 1 among normal ones": latencies[labels != 2],
            "kind 2 among normal ones": latencies[labels != 1],
            "slow alone": latencies[labels != 0],
        }[kind]
        for seed in range(50 if kind == "clean" else 10):
            rng = np.random.default_rng(np.random.SeedSequence([number, seed, len(kind)]))
            yield _requests(rng, normal > limit, after > limit, seed, None if kind == "clean" else 0.0)


def _requests(
    rng: np.random.Generator, before: NDArray[np.bool_], after: NDArray[np.bool_], seed: int, fault_at: float | None
) -> Release:
    """Requests in the file's order, from a place in it that the seed chooses."""
    pods = []
    failing = np.zeros(0)
    for name, slow, start, end in (("old", before, -1800.0, 0.0), ("new", after, 0.0, 660.0)):
        arrived = rng.poisson(_RPS, int(end - start))
        place = (int(rng.integers(slow.size)) + np.arange(arrived.sum())) % slow.size
        second = np.repeat(np.arange(arrived.size), arrived)
        failing = np.bincount(second, slow[place].astype(float), arrived.size).astype(np.float64)
        at = np.round(np.arange(start + rng.uniform() * _SCRAPE, end, _SCRAPE), 3)
        seen = np.floor(at - start).astype(int)
        total, bad = (np.concatenate(([0.0], np.cumsum(each))) for each in (arrived, failing))
        pods.append(Scrapes(name, 0.0 if start == 0.0 else -np.inf, at, total[seen], bad[seen]))
    return Release(
        world="delag: latency",
        seed=seed,
        candidate=(pods[1],),
        stable=(pods[0],),
        bake=600.0,
        scrape_interval=_SCRAPE,
        fault_at=fault_at,
        failing=failing,
        facts={"rps": _RPS},
    )
