"""Plays worlds against policies, in as many processes as are given; the answer does not depend on how many."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

import numpy as np

from benchmarks.judge.contestants import Contestant, contestants
from benchmarks.judge.runs import Decision, Release
from benchmarks.judge.scoring import GRACE, Outcomes, joined
from benchmarks.judge.worlds import World, release

_AT_ONCE = 25

Piece = TypeVar("Piece")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Task:
    """Runs `first` to `first + runs` of one world, each judged by every policy of the named field."""

    world: World
    field: str
    runs: int
    history: bool = False
    first: int = 0


Played = Mapping[tuple[str, str], Outcomes]
"""What came of it, by the names of world and policy."""


def play(tasks: Sequence[Task], processes: int) -> Played:
    """All tasks' outcomes."""
    pieces = [piece for task in tasks for piece in _pieces(task)]
    found: dict[tuple[str, str], list[Outcomes]] = {}
    for piece, outcomes in zip(pieces, parallel(_played, pieces, processes), strict=True):
        for name, outcome in outcomes.items():
            found.setdefault((piece.world.name, name), []).append(outcome)
    return {key: joined(parts) for key, parts in found.items()}


def outcome_of(releases: Iterable[Release], policies: Sequence[Contestant]) -> dict[str, Outcomes]:
    """What each policy does with each release of one world."""
    at: dict[str, list[float]] = {each.name: [] for each in policies}
    failed: dict[str, list[float]] = {each.name: [] for each in policies}
    held: dict[str, list[bool]] = {each.name: [] for each in policies}
    rps, fault_at = 1.0, None
    for each in releases:
        rps, fault_at = float(each.facts["rps"]), each.fault_at
        failing = np.concatenate(([0.0], np.cumsum(each.failing)))
        for policy in policies:
            decision = policy.policy(each)
            when = _within(decision, each)
            until = each.bake if when is None else when
            at[policy.name].append(math.nan if when is None else when)
            failed[policy.name].append(float(failing[min(math.ceil(until), failing.size - 1)]))
            held[policy.name].append(decision.at is None and decision.why.startswith("shared-cause"))
    return {
        name: Outcomes(np.array(at[name]), np.array(failed[name]), np.array(held[name], dtype=bool), rps, fault_at)
        for name in at
    }


def _within(decision: Decision, played: Release) -> float | None:
    return decision.at if decision.at is not None and decision.at <= played.bake + GRACE else None


def _pieces(task: Task) -> Iterator[Task]:
    for start in range(task.first, task.first + task.runs, _AT_ONCE):
        runs = min(_AT_ONCE, task.first + task.runs - start)
        yield Task(task.world, task.field, runs, task.history, start)


def parallel(work: Callable[[Piece], Result], pieces: Sequence[Piece], processes: int) -> Iterator[Result]:
    """What the work makes of each piece, in their order."""
    if processes == 1:
        yield from map(work, pieces)
        return
    # A fresh interpreter inherits neither threads nor state, so a run cannot depend on what came before it.
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(work, pieces, chunksize=2)


def _played(task: Task) -> dict[str, Outcomes]:
    seeds = range(task.first, task.first + task.runs)
    return outcome_of((release(task.world, seed, history=task.history) for seed in seeds), contestants(task.field))
