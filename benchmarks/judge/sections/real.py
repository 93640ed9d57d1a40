"""Real traffic: clean stretches of three measured systems, and their faults."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.judge import traces
from benchmarks.judge.contestants import CALIBRATED, MAIN, OURS, Contestant, contestants
from benchmarks.judge.page import Section, percent
from benchmarks.judge.running import outcome_of, parallel
from benchmarks.judge.runs import Release
from benchmarks.judge.scoring import Outcomes, false_rollbacks, joined, median, misses
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.trace_files import place
from benchmarks.judge.weighing import Weighed, tuned

TRACES = ("nezha", "petshop", "delag")
_SHARDS = 8

Shard = tuple[Path, str, int, bool, int, int]  # root, trace, half, good, which, at most so many of each kind
Found = Mapping[tuple[str, int, bool, str], Outcomes]  # by trace, half, good, policy


def play(sizes: Sizes, processes: int) -> Found | None:
    """What every policy does on the traces; None where they are not here."""
    root = place()
    if root is None:
        return None
    shards: list[Shard] = [
        (root, trace, half, good, which, sizes.traces)
        for trace in TRACES
        for half in (0, 1)
        for good in (True, False)
        for which in range(_SHARDS)
        if good or trace != "petshop"
    ]
    parts: dict[tuple[str, int, bool, str], list[Outcomes]] = {}
    for shard, outcomes in zip(shards, parallel(_judged, shards, processes), strict=True):
        for name, outcome in outcomes.items():
            parts.setdefault((*shard[1:4], name), []).append(outcome)
    return {key: joined(each) for key, each in parts.items()}


def _judged(shard: Shard) -> dict[str, Outcomes]:
    root, trace, half, good, which, most = shard
    played: Iterable[Release] = (traces.clean if good else traces.bad)(root, trace, half)
    return outcome_of(islice(islice(played, most), which, None, _SHARDS), contestants("traces"))


def told(found: Found | None, sizes: Sizes) -> Section:
    """The section."""
    section = Section("Real traffic")
    promise = "On the real traces: fewer false rollbacks than the best competitor that misses no more faults."
    if found is None:
        section.say("Skipped: the traces are not beside this repository.")
        section.claim(promise, None, "The traces are not here.")
        return section
    section.say(
        "A row of a trace (one minute of Nezha, five of PetShop) is played as one scrape of 15 s, so times are counted in "
        "rows; `traces.py` says what is read off and what is left out. Settings are tuned on every second service, and "
        "reported on the others. Neighbouring deploys share half of their rows, so the intervals are too narrow. "
        "The calibrated watchdog has looked at what the service did in the rows before its baseline, as far as there are any."
    )
    field = contestants("traces")
    tuning, reported = ({each.name: _weighed(found, each, half, TRACES) for each in field} for half in (0, 1))
    best = tuned({name: each for name, each in tuning.items() if each.contestant.peer != OURS}, tuning[MAIN].false)
    chosen = {each.contestant.name for each in best.values()}
    shown = [each for each in field if each.kind != "grid" or each.name in chosen]
    section.table(
        ["policy", "nezha: false", "petshop: false", "delag: false", "nezha: misses", "rows", "delag: misses", "rows"],
        [
            [
                each.name + (" (best-tuned)" if each.name in chosen else ""),
                *(percent(false_rollbacks([found[trace, 1, True, each.name]])) for trace in TRACES),
                *(cell for trace in ("nezha", "delag") for cell in _bad(found[trace, 1, False, each.name])),
            ]
            for each in shown
        ],
    )
    ours = reported[CALIBRATED]
    rivals = [
        reported[each.name]
        for each in shown
        if each.peer != OURS and reported[each.name].missed.value <= ours.missed.value
    ]
    _promise(section, promise, ours, rivals)
    return section


def _promise(section: Section, promise: str, ours: Weighed, rivals: Sequence[Weighed]) -> None:
    if not rivals:
        section.claim(
            promise, True, f"The watchdog: {percent(ours.false_rollbacks)}; every competitor misses more faults."
        )
        return
    best = min(rivals, key=lambda each: (each.false, each.cost))
    section.claim(
        promise,
        ours.false < best.false,
        f"The watchdog, calibrated: {percent(ours.false_rollbacks)}; {best.contestant.name}: {percent(best.false_rollbacks)}.",
    )


def _weighed(found: Found, each: Contestant, half: int, names: Sequence[str]) -> Weighed:
    good = tuple(found[trace, half, True, each.name] for trace in names)
    bad = tuple(found[trace, half, False, each.name] for trace in names if trace != "petshop")
    return Weighed(each, good, bad)


def _bad(outcomes: Outcomes) -> list[str]:
    rows = median(np.ceil(outcomes.took / 15.0))
    return [percent(misses([outcomes])), "–" if np.isinf(rows.value) else f"{rows.value:.0f}"]
