"""Made-up worlds for the bench: a `World` says how traffic, errors, pods and Prometheus behave, `release` plays it once.

The same world and seed give the same release to the last digit, whatever else was played before. Times are seconds since
the switch. Errors have three sources, any of which makes a request fail: what always fails (`base`, overdispersed,
drifting, in bursts), what a young pod fails while it warms up, and the release's fault.
"""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.judge.runs import Floats, Release, Scrapes
from benchmarks.judge.scraping import scraped
from benchmarks.judge.traffic import Outage, Weather, errors_anyway, rates

BASELINE = 1800.0
"""Seconds before the switch that are scraped of stable, and of each peer."""

BAKE = 600.0
_BEFORE, _AFTER = 1890.0, 90.0
_COLD_FOR = 120.0
_CHUNKS, _CHUNK = 13, 4200.0
_TARGET, _PEER, _PAST = 0, 100, 1000  # where each stream of randomness begins


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a release: `level` of the requests that it touches fail.

    It begins `delay` seconds after the switch and takes `growing` seconds to reach its level. It touches the given share
    of the `pods` (at least one); with `wave`, only an endpoint that is called for `wave` seconds in every minute.
    """

    level: float
    delay: float = 0.0
    growing: float = 0.0
    pods: float = 1.0
    wave: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How one target's traffic and its releases behave.

    `rps` requests per second are shared by `pods` pods. `cold`: the share of a newborn pod's requests that fails at its
    first moment; it falls to nothing in two minutes. `rolling`: seconds from one pod's replacement to the next (0: all
    at once). `steps`: from when on the candidate gets which part of the traffic, all of which is stable's until then (none:
    it gets all of it at once, or as pods are replaced). `doubled_at`: when traffic doubles and, half a minute later, the pods (0: never). `late_errors`: the errors'
    series does not exist before the first error. `away`: when Prometheus does not answer; `blind`: nor scrapes. `outage` hits target and peers alike, each
    peer at most its `lag` later. `poisoned`: the history holds one long outage.
    """

    name: str
    rps: float = 10.0
    pods: int = 1
    weather: Weather = Weather()
    cold: float = 0.0
    fault: Fault | None = None
    rolling: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    doubled_at: float = 0.0
    scrape: float = 15.0
    jitter: float = 0.0
    missed: float = 0.0
    late_errors: bool = False
    away: tuple[tuple[float, float], ...] = ()
    blind: bool = True
    peers: int = 0
    peer_rps: float = 10.0
    peer_weather: Weather = Weather()
    outage: Outage | None = None
    poisoned: bool = False
    limit: float = 0.05


def release(world: World, seed: int, *, history: bool = False) -> Release:
    """One switch in this world. The history is as long as a week's quiet windows together, so it is made on demand."""
    rng = _stream(world, seed, _TARGET)
    seconds = np.arange(-_BEFORE, BAKE + _AFTER)
    begins = rng.uniform(60.0, 300.0) if world.outage else 0.0
    anyway = errors_anyway(rng, world.weather, world.rps, seconds, world.outage, begins)
    arriving = rates(world.weather, rng, world.rps, seconds)
    if world.doubled_at:
        arriving = arriving * (1.0 + np.clip((seconds - world.doubled_at) / 60.0, 0.0, 1.0))
    candidate, failing = _candidate(world, rng, seconds, anyway, arriving)
    stable, beside = _stable(world, rng, seconds, anyway, arriving)
    return Release(
        world=world.name,
        seed=seed,
        candidate=candidate,
        stable=stable,
        bake=BAKE,
        scrape_interval=world.scrape,
        fault_at=world.fault.delay if world.fault else None,
        failing=failing + beside,
        limit=world.limit,
        peers=tuple(_peer(world, seed, index, begins) for index in range(world.peers)),
        history=quiet_past(world, seed) if history else (),
        outages=world.away,
        facts={"rps": world.rps, "pods": float(world.pods), **({"outage_at": begins} if world.outage else {})},
    )


def quiet_past(world: World, seed: int) -> tuple[tuple[Scrapes, ...], ...]:
    """Stretches of 70 minutes of the past week without a switch, on time axes of their own."""
    kept = []
    for index in range(_CHUNKS):
        rng = _stream(world, seed, _PAST + index)
        seconds = np.arange(0.0, _CHUNK)
        poison = Outage(0.3, 180.0) if world.poisoned and index == 0 else None
        begins = rng.uniform(600.0, 3600.0) if poison else 0.0
        anyway = errors_anyway(rng, world.weather, world.rps, seconds, poison, begins)
        arriving = rates(world.weather, rng, world.rps, seconds) / world.pods
        kept.append(
            tuple(
                scraped(
                    rng, f"old-{pod}", -np.inf, (0.0, _CHUNK), 0.0, _counted(rng, arriving, anyway), _steady(world)
                )[0]
                for pod in range(world.pods)
            )
        )
    return tuple(kept)


def _candidate(
    world: World, rng: np.random.Generator, seconds: Floats, anyway: Floats, arriving: Floats
) -> tuple[tuple[Scrapes, ...], Floats]:
    """The new pods' scrapes, and what they failed in each second since the switch."""
    births = [index * world.rolling for index in range(world.pods)]
    if world.doubled_at:
        births += [world.doubled_at + 30.0] * world.pods
    bad_pods = max(1, round(world.fault.pods * len(births))) if world.fault else 0
    since = seconds >= 0.0
    now, anyway, arriving = seconds[since], anyway[since], arriving[since]
    share = _share(births, now, world.pods) * _part(world, now)
    pods, failing = [], np.zeros(now.size)
    for index, born in enumerate(births):
        rate = np.where(now >= born, arriving * share, 0.0)
        fine = 1.0 - anyway
        if world.cold:
            fine = fine * (1.0 - world.cold * np.clip(1.0 - (now - born) / _COLD_FOR, 0.0, 1.0) * (now >= born))
        if world.fault and index < bad_pods:
            fine = fine * (1.0 - _fault_at(world.fault, now))
        counts = _counted(rng, rate, 1.0 - fine)
        pod, bad = scraped(rng, f"new-{index}", born, (born, BAKE + _AFTER), 0.0, counts, world)
        pods.append(pod)
        failing += bad
    return tuple(pods), failing


def _share(births: list[float], now: Floats, wanted: int) -> Floats:
    """Which part of the traffic each living pod of the candidate takes; old pods take the rest of a rolling update."""
    living = np.sum([now >= born for born in births], axis=0)
    part: Floats = 1.0 / np.maximum(living, wanted)
    return part


def _part(world: World, now: Floats) -> Floats:
    """Which part of the traffic the candidate has been given."""
    part = np.ones(now.size) if not world.steps else np.zeros(now.size)
    for begins, share in world.steps:
        part = np.where(now >= begins, share, part)
    return part


def _stable(
    world: World, rng: np.random.Generator, seconds: Floats, anyway: Floats, arriving: Floats
) -> tuple[tuple[Scrapes, ...], Floats]:
    """The old pods' scrapes, each until its successor is there, and what they failed since the switch."""
    pods, failing = [], np.zeros(int(np.sum(seconds >= 0.0)))
    for index in range(world.pods):
        gone = BAKE + _AFTER if world.steps else index * world.rolling
        until = seconds < gone
        left = 1.0 - _part(world, seconds[until]) * (seconds[until] >= 0.0) if world.steps else 1.0
        counts = _counted(rng, arriving[until] * left / world.pods, anyway[until])
        pod, bad = scraped(rng, f"old-{index}", -np.inf, (-_BEFORE, gone), -_BEFORE, counts, world)
        pods.append(pod)
        since = bad[int(_BEFORE) :]
        failing[: since.size] += since
    return tuple(pods), failing


def _peer(world: World, seed: int, index: int, begins: float) -> tuple[Scrapes, ...]:
    """A target that did not switch: one pod, with weather of its own and its part in a shared outage."""
    rng = _stream(world, seed, _PEER + index)
    seconds = np.arange(-_BEFORE, BAKE + _AFTER)
    late = begins + (rng.uniform(0.0, world.outage.lag) if world.outage else 0.0)
    anyway = errors_anyway(rng, world.peer_weather, world.peer_rps, seconds, world.outage, late)
    counts = _counted(rng, rates(world.peer_weather, rng, world.peer_rps, seconds), anyway)
    pod, _ = scraped(rng, f"peer-{index}", -np.inf, (-_BEFORE, BAKE + _AFTER), -_BEFORE, counts, world)
    return (pod,)


def _fault_at(fault: Fault, now: Floats) -> Floats:
    grown = np.clip((now - fault.delay) / fault.growing, 0.0, 1.0) if fault.growing else np.ones(now.size)
    called = (now % 60.0 < fault.wave) if fault.wave else np.ones(now.size, dtype=bool)
    return np.where((now >= fault.delay) & called, fault.level * grown, 0.0)


def _counted(rng: np.random.Generator, rate: Floats, chance: Floats) -> tuple[Floats, Floats]:
    """Requests and failed ones in each second."""
    arrived = rng.poisson(rate)
    return arrived.astype(float), rng.binomial(arrived, chance).astype(float)


def _steady(world: World) -> World:
    """The same target as its history shows it: nothing was missed."""
    return replace(world, away=(), jitter=0.0, missed=0.0)


def _stream(world: World, seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([zlib.crc32(world.name.encode()), seed, stream]))
