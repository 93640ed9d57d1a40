"""`make bench-scale`: what guarding 1 to 3,000 open watches costs, beside the same asked as peers ask it."""

import argparse
import json
import sys
from dataclasses import replace
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
    parser.add_argument("--print", action="store_true", help="print the result, keep nothing")
    wish = parser.parse_args()
    for number in wish.n or NUMBERS:
        result = measured(replace(Wish(number), interval=wish.interval, steady=wish.steady), say)
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
