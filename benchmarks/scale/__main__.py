"""`make bench-scale`: what guarding 1 to 3,000 open watches costs, beside the same asked as peers ask it."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale.alone import say
from benchmarks.scale.bench import Wish
from benchmarks.scale.bytecode import compiled
from benchmarks.scale.cold import cold_paths
from benchmarks.scale.keeping import Kept, same_sources, stamp
from benchmarks.scale.memory import held as held_by
from benchmarks.scale.quick import held
from benchmarks.scale.rivals.contest import GUARDS
from benchmarks.scale.tasks import Task, carried_out
from e2e.controlplane.build import ensure
from e2e.controlplane.controllers import ensure_controllers

NUMBERS = (1, 10, 100, 300, 1000, 3000)
_FAST_NUMBERS = (1, 100, 300, 1000)
_FAST: Mapping[str, Any] = {"steady": 4, "peers": 2, "warm": 1, "singles": 10, "per_second": 20.0, "settle": 2}
_OWN = ("interval", "steady", "peers", "warm", "singles", "per_second", "settle")
_PLANE = 300
_RIVALS = (60, 150)


def main() -> None:
    """Measure what is wished, keep it, and write the pages."""
    wish = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # with all that it started
    compiled()
    if wish.quick:
        sys.exit("\n".join(held(say)) or None)
    if wish.memory is not None:
        for number in wish.n or (100,):
            print(json.dumps(held_by(Wish(number, **_given(wish, *_OWN)), wish.memory, say), indent=1))
        return
    kept = Kept()
    if wish.cold:
        cold = cold_paths()
        print(json.dumps(cold, indent=2))
        kept.keep_cold(cold)
    elif wish.page:
        kept.write()
    else:
        sys.exit(_measure(kept, list(_tasks(wish)), resume=wish.resume, keeping=not wish.print))


def _measure(kept: Kept, tasks: list[Task], *, resume: bool, keeping: bool) -> str | None:
    """All of them, one after the other; which failed, if any."""
    failures, started = [], time.monotonic()
    for number, task in enumerate(tasks, 1):
        if resume and kept.has(task, same_sources):
            say(f"{task.name}: measured already")
            continue
        say(f"{task.name} ({number} of {len(tasks)}, {(time.monotonic() - started) / 60:.0f} minutes so far)")
        began = time.monotonic()
        outcome = carried_out(task)
        print(json.dumps(outcome.result, indent=2), flush=True)
        if outcome.failure is not None:
            failures.append(f"{task.name}: {outcome.failure}")
            say(f"failed: {failures[-1]}")
        if keeping:
            kept.keep(task, outcome, stamp(began, time.monotonic()))
    say(f"done in {(time.monotonic() - started) / 60:.0f} minutes")
    return "\n".join(failures) or None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, action="append", help="this number of watches alone (may be repeated)")
    parser.add_argument("--resume", action="store_true", help="leave out what is measured already of the same sources")
    parser.add_argument(
        "--fast", action="store_true", help="1, 100, 300 and 1,000 watches, fewer intervals: 20 minutes"
    )
    parser.add_argument(
        "--plane", action="store_true", help=f"a real control plane instead, {_PLANE} watches (needs Go)"
    )
    parser.add_argument(
        "--rivals",
        action="store_true",
        help="the real Flagger and Argo Rollouts and the watchdog, each alone (needs Go)",
    )
    parser.add_argument("--shards", action="store_true", help="four processes, 10,000 targets of which 2 %% switch")
    parser.add_argument("--quick", action="store_true", help="few watches, 3 s intervals: holds counts, never times")
    parser.add_argument("--cold", action="store_true", help="how long the verbs take to begin")
    parser.add_argument("--memory", type=int, metavar="LOOKS", help="what --n watches hold, by whom; keeps nothing")
    parser.add_argument("--page", action="store_true", help="write the page of what is kept, measure nothing")
    parser.add_argument("--print", action="store_true", help="print the results, keep nothing")
    detail = parser.add_argument_group("in detail")
    detail.add_argument("--interval", type=float, help="seconds of an interval and a scrape (15)")
    detail.add_argument("--steady", type=int, help="quiet intervals (6)")
    detail.add_argument("--peers", type=int, help="intervals in which the same is asked as peers ask it (3)")
    detail.add_argument("--warm", type=int, help="intervals before the peers ask, thrice (2)")
    detail.add_argument("--singles", type=int, help="targets that tip alone (20)")
    detail.add_argument("--per-second", type=float, help="releases a second, while they begin (10)")
    detail.add_argument("--settle", type=int, help="intervals after the last release, before the calm is measured (3)")
    detail.add_argument("--aged", action="store_true", help="keep it beside, as what a larger number is compared with")
    detail.add_argument("--share", type=float, help="of the targets of --shards that switch (0.02)")
    detail.add_argument("--profile", type=Path, help="only draw what the CPU goes to while all is calm (.svg)")
    return parser


def _given(wish: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(wish, name)) is not None}


def _tasks(wish: argparse.Namespace) -> Iterator[Task]:
    if wish.plane or wish.rivals or wish.shards:
        if wish.plane:
            yield from _on_the_plane(wish.n, _given(wish, "interval", "steady", "singles"))
        if wish.rivals:
            yield from _of_rivals(wish.n, _given(wish, "interval", "steady"))
        if wish.shards:
            for targets in wish.n or (10_000,):
                more = _given(wish, "interval", "steady", "share")
                yield Task("shards", {"targets": targets, **more}, ("shards", str(targets)), within=3600)
        return
    own = _given(wish, *_OWN)
    for number in wish.n or (_FAST_NUMBERS if wish.fast else NUMBERS):
        settings = {"targets": number, **(_FAST if wish.fast else {}), **own}
        if wish.profile:
            settings["profile"] = str(wish.profile.absolute())
        yield Task("watches", settings, ("aged" if wish.aged else "runs", str(number)), within=1800 + number)


def _on_the_plane(numbers: list[int] | None, more: Mapping[str, Any]) -> Iterator[Task]:
    _built()
    for number in numbers or (_PLANE,):
        settings = {"targets": number, "plane": True, "peers": 0, "warm": 1, "per_second": 3.0, **more}
        yield Task("watches", settings, ("plane", str(number)), within=3600, in_netns=True)


def _of_rivals(numbers: list[int] | None, more: Mapping[str, Any]) -> Iterator[Task]:
    _built(rivals=True)
    for number in numbers or _RIVALS:
        for guard in GUARDS:
            settings = {"guard": guard, "targets": number, **more}
            yield Task("rivals", settings, ("rivals", str(number), guard), within=2400, in_netns=True)


def _built(*, rivals: bool = False) -> None:
    """Before anything is measured, and outside of the network namespace, in which there is no network."""
    ensure()
    if rivals:
        ensure_controllers()


if __name__ == "__main__":
    main()
