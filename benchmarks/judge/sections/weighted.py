"""Weighted delivery: 5, 25 and 100 % of the traffic in one bake, against the analyses that steer canaries."""

import numpy as np

from benchmarks.judge.atlas import AT_ONCE, broken, bursting
from benchmarks.judge.contestants import MAIN, OURS, Contestant, contestants
from benchmarks.judge.page import Section, brief, percent, seconds
from benchmarks.judge.running import Played, Task
from benchmarks.judge.scoring import Outcomes, false_rollbacks, median, ratio
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.worlds import World

STEPS = ((0.0, 0.05), (200.0, 0.25), (400.0, 1.0))
RATES = (1, 10, 100)
CANARIES = ("Flagger", "Argo Rollouts")
"""The peers whose analyses steer weights."""


def worlds(rps: int) -> tuple[World, World]:
    """Steady traffic, and a burst of 45 s in each ten minutes."""
    return (
        World(name=f"weighted: steady, {rps} rps", rps=rps, steps=STEPS),
        World(name=f"weighted: bursts 45 s of 8 %, {rps} rps", rps=rps, steps=STEPS, weather=bursting(45.0, 0.08)),
    )


def tasks(sizes: Sizes) -> list[Task]:
    """Good releases, and such as are bad from the first step on."""
    every = [world for rps in RATES for world in worlds(rps)]
    good = [Task(world, "main", sizes.weighted_good) for world in every]
    return good + [Task(broken(world, fault), "main", sizes.weighted_bad) for world in every for fault in AT_ONCE]


def told(played: Played, sizes: Sizes) -> Section:
    """The section."""
    section = Section("Weighted delivery")
    section.say(
        "The candidate gets 5 % of the traffic at once, 25 % after 200 s and all of it after 400 s; stable serves the rest in "
        "the same moments. The watchdog judges all steps as one watch, the candidate's pods against twice what stable's show "
        f"beside them. {sizes.weighted_good} good releases in steady traffic and as many in bursty traffic for each rate, "
        f"{sizes.weighted_bad} bad ones each with every fault. Failed requests are those of candidate and stable together, until "
        "the decision."
    )
    for rps in RATES:
        _rate(section, played, rps)
    return section


def _rate(section: Section, played: Played, rps: int) -> None:
    field = [each for each in contestants("main") if each.peer in (OURS, *CANARIES)]
    wrong = {each.name: false_rollbacks([played[world.name, each.name] for world in worlds(rps)]) for each in field}
    section.say(f"**{rps} requests per second** (x: how many times the watchdog's failed requests)")
    rows, cheaper, rivals = [], [], 0
    for each in field:
        rival = each.peer != OURS and wrong[each.name].value <= wrong[MAIN].value
        rivals += rival
        cells = [each.name, percent(wrong[each.name])]
        for fault in AT_ONCE:
            cost = _cost(_bad(played, each, rps, fault))
            times = ratio(cost, _cost(_bad(played, None, rps, fault)))
            took = median(np.concatenate([one.took for one in _bad(played, each, rps, fault)]))
            cells.append(f"{seconds(took)}; {brief(float(cost.mean()))}; x{brief(times.value)}")
            if rival and times.value < 1.0:
                cheaper.append(f"{each.name}, {fault}: x{brief(times.value)} ({brief(times.low)}–{brief(times.high)})")
        rows.append(cells)
    section.table(["policy", "false rollbacks", *(f"{fault}: median time; failed; x" for fault in AT_ONCE)], rows)
    section.claim(
        f"Steps of 5, 25 and 100 % at {rps} requests per second: fewer failed requests than any canary analysis of Flagger's "
        "or Argo's in a default or documented setting with no more false rollbacks.",
        not cheaper if rivals else None,
        "; ".join(cheaper)
        or (f"{rivals} settings are wrong no more often; each costs more." if rivals else "None is wrong as seldom."),
    )


def _bad(played: Played, each: Contestant | None, rps: int, fault: str) -> list[Outcomes]:
    name = MAIN if each is None else each.name
    return [played[broken(world, fault).name, name] for world in worlds(rps)]


def _cost(outcomes: list[Outcomes]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.concatenate([one.failed for one in outcomes])
