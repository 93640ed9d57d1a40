"""`make bench-scale`: what guarding 1 to 3,000 open watches costs, beside the same asked as peers ask it."""

import argparse
import json
import signal
import sys
from pathlib import Path

from benchmarks.scale.measuring import Wish, measured

RESULTS = Path(__file__).parents[1] / "results"
NUMBERS = (1, 10, 100, 300, 1000, 3000)
_QUICK = (1, 10, 50)


def say(what: str) -> None:
    """What is going on, for who waits."""
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what is wished, keep it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, action="append", help="this number of watches alone (may be repeated)")
    parser.add_argument("--interval", type=float, default=15.0)
    parser.add_argument("--steady", type=int, default=6)
    parser.add_argument("--peers", type=int, default=3, help="intervals in which the same is asked as peers ask it")
    parser.add_argument("--singles", type=int, default=20, help="targets that tip alone")
    parser.add_argument("--profile", type=Path, help="draw what the CPU goes to (.svg; needs py-spy)")
    parser.add_argument("--print", action="store_true", help="print the result, keep nothing")
    wish = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # with all that it started
    for number in wish.n or NUMBERS:
        given = {name: getattr(wish, name) for name in ("interval", "steady", "peers", "singles", "profile")}
        result = measured(Wish(number, **given), say)
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
