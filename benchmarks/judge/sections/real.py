"""Real traffic: clean stretches of three measured systems, and their faults."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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


_PROMISE = (
    "On the real traces, each policy in its one setting for all worlds: fewer false rollbacks than any competitor that "
    "misses no more faults."
)
_TUNED_HERE = "On the real traces, also against settings that were tuned on them (on the services not reported): fewer false rollbacks."


def told(found: Found | None, sizes: Sizes, best_tuned: Collection[str]) -> Section:
    """The section. `best_tuned` are the settings that the peers were given on the mixture's tuning set."""
    section = Section("Real traffic")
    if found is None:
        section.say("Skipped: the traces are not beside this repository.")
        section.claim(_PROMISE, None, "The traces are not here.")
        return section
    section.say(
        "A row of a trace (one minute of Nezha, five of PetShop) is played as one scrape of 15 s, so times are counted in "
        "rows; `traces.py` says what is read off and what is left out. A peer's best-tuned setting is the one of the mixture "
        "above; one that is tuned on the traces was chosen on every second service, and all are reported on the others. "
        "Neighbouring deploys share half of their rows, so the intervals are too narrow. "
        "The calibrated watchdog has looked at what the service did in the rows before its baseline, as far as there are any."
    )
    field = contestants("traces")
    tuning, reported = ({each.name: _weighed(found, each, half, TRACES) for each in field} for half in (0, 1))
    here = tuned({name: each for name, each in tuning.items() if each.contestant.peer != OURS}, tuning[MAIN].false)
    tuned_here = {each.contestant.name for each in here.values()}
    shown = [each for each in field if each.kind != "grid" or each.name in tuned_here or each.name in best_tuned]
    section.table(
        ["policy", "nezha: false", "petshop: false", "delag: false", "nezha: misses", "rows", "delag: misses", "rows"],
        [
            [
                each.name
                + (" (best-tuned)" if each.name in best_tuned else "")
                + (" (tuned on the traces)" if each.name in tuned_here else ""),
                *(percent(false_rollbacks([found[trace, 1, True, each.name]])) for trace in TRACES),
                *(cell for trace in ("nezha", "delag") for cell in _bad(found[trace, 1, False, each.name])),
            ]
            for each in shown
        ],
    )
    peers = [each for each in shown if each.peer != OURS]
    _promise(section, _PROMISE, reported, [each for each in peers if each.kind != "grid" or each.name in best_tuned])
    _promise(section, _TUNED_HERE, reported, [each for each in peers if each.name in tuned_here])
    return section


def _promise(section: Section, promise: str, reported: Mapping[str, Weighed], peers: Sequence[Contestant]) -> None:
    ours = reported[CALIBRATED]
    rivals = [reported[each.name] for each in peers if reported[each.name].missed.value <= ours.missed.value]
    told = f"The watchdog, calibrated: {percent(ours.false_rollbacks)}; "
    if not rivals:
        section.claim(promise, True, told + "every competitor misses more faults.")
        return
    best = min(rivals, key=lambda each: (each.false, each.cost))
    section.claim(promise, ours.false < best.false, told + f"{best.contestant.name}: {percent(best.false_rollbacks)}.")


def _weighed(found: Found, each: Contestant, half: int, names: Sequence[str]) -> Weighed:
    good = tuple(found[trace, half, True, each.name] for trace in names)
    bad = tuple(found[trace, half, False, each.name] for trace in names if trace != "petshop")
    return Weighed(each, good, bad)


def _bad(outcomes: Outcomes) -> list[str]:
    rows = median(np.ceil(outcomes.took / 15.0))
    return [percent(misses([outcomes])), "–" if np.isinf(rows.value) else f"{rows.value:.0f}"]
