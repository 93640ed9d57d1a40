"""`make bench-scale`: what guarding 1 to 3,000 open watches costs, beside the same asked as peers ask it."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.scale.cold import cold_paths
from benchmarks.scale.measuring import Wish, measured
from benchmarks.scale.memory import held as held_by
from benchmarks.scale.page import page, picture
from benchmarks.scale.quick import held

RESULTS = Path(__file__).parents[1] / "results"
KEPT = RESULTS / "scale.json"
NUMBERS = (1, 10, 100, 300, 1000, 3000)


def say(what: str) -> None:
    """What is going on, for who waits."""
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what is wished, keep it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, action="append", help="this number of watches alone (may be repeated)")
    parser.add_argument("--resume", action="store_true", help="leave out numbers that are measured already")
    parser.add_argument("--quick", action="store_true", help="few watches, 5 s intervals: holds counts, never times")
    parser.add_argument("--cold", action="store_true", help="how long the verbs take to begin")
    parser.add_argument("--memory", type=int, metavar="LOOKS", help="what --n watches hold, by whom; keeps nothing")
    parser.add_argument("--page", action="store_true", help="write the page of what is kept, measure nothing")
    parser.add_argument("--interval", type=float, default=15.0)
    parser.add_argument("--steady", type=int, default=6)
    parser.add_argument("--peers", type=int, default=3, help="intervals in which the same is asked as peers ask it")
    parser.add_argument("--warm", type=int, default=2, help="intervals before the peers ask, thrice")
    parser.add_argument("--singles", type=int, default=20, help="targets that tip alone")
    parser.add_argument("--profile", type=Path, help="only draw what the CPU goes to while all is calm (.svg)")
    parser.add_argument("--print", action="store_true", help="print the result, keep nothing")
    wish = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # with all that it started
    if wish.quick:
        sys.exit("\n".join(held(say)) or None)
    given = {name: getattr(wish, name) for name in ("interval", "steady", "peers", "warm", "singles", "profile")}
    if wish.memory is not None:
        for number in wish.n or (100,):
            print(json.dumps(held_by(Wish(number, **given), wish.memory, say), indent=1))
        return
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"runs": {}}
    if wish.cold:
        kept["cold"] = cold_paths()
        print(json.dumps(kept["cold"], indent=2))
    elif not wish.page:
        for number in wish.n or NUMBERS:
            if wish.resume and str(number) in kept["runs"]:
                continue
            result = measured(Wish(number, **given), say)
            print(json.dumps(result, indent=2))
            kept["runs"][str(number)] = {**result, "at": _stamp(), "machine": _machine()}
            if not wish.print:
                _keep(kept)
    if not wish.print:
        _keep(kept)


def _keep(kept: dict[str, Any]) -> None:
    """After each number, so that what was measured is not lost with what comes after it."""
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    runs = sorted(kept["runs"].values(), key=lambda run: int(run["targets"]))
    if runs:
        machines = "; ".join(sorted({f"{run['at'][:10]}, {run['machine']}" for run in runs}))
        (RESULTS / "scale.md").write_text(page(runs, machines, kept.get("cold")))
        (RESULTS / "scale.svg").write_text(picture(runs))


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _machine() -> str:
    told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=False)
    version = (told.stdout or told.stderr).split("\n")[0].split(" (")[0].replace("prometheus, version", "Prometheus")
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {version}"


if __name__ == "__main__":
    main()
