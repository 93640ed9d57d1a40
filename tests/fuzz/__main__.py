"""`python -m fuzz MINUTES`: the fuzz tests over and over, each time from another seed, until the time is over.

Prints the command that repeats what failed.
"""

import os
import sys

import pytest

from watchdog.adapters.clock import SystemClock

EXAMPLES = "500"  # a round: Hypothesis itself keeps something of each, and the bound in memory is for all of it


def main(minutes: float, first: int) -> int:
    """The exit code: 0 where nothing failed."""
    clock = SystemClock()
    end = clock.monotonic() + 60 * minutes
    examples = os.environ.setdefault("WATCHDOG_FUZZ_EXAMPLES", EXAMPLES)
    seed = first
    while clock.monotonic() < end:
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "3600", f"--hypothesis-seed={seed}"]
        code = pytest.main([*options, "tests/fuzz"])
        if code != 0:
            print(f"again: WATCHDOG_FUZZ_EXAMPLES={examples} pytest tests/fuzz --hypothesis-seed={seed}")
            return int(code)
        seed += 1
    print(f"{seed - first} rounds of {examples} examples a test from seed {first}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
