"""One measurement in a process of its own, so that it takes nothing with it if it fails.

python -m benchmarks.scale.alone KIND 'WISH AS JSON'
Its last line on standard output is the result: {"result": ..., "failure": null or what it was}.
"""

import json
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from benchmarks.scale.bench import Wish
from benchmarks.scale.measuring import measured
from benchmarks.scale.rivals.contest import Entry, contest
from benchmarks.scale.shards import Sharding, sharded


def say(what: str) -> None:
    """What is going on, for who waits."""
    print(what, file=sys.stderr, flush=True)


def done(kind: str, wish: dict[str, Any], result: dict[str, Any]) -> None:
    """The measurement of that kind; fills in `result` as it comes to know it."""
    match kind:
        case "watches":
            profile = wish.pop("profile", None)
            measured(Wish(**wish, profile=Path(profile) if profile else None), say, result)
        case "shards":
            result |= sharded(Sharding(**wish), say)
        case "rivals":
            result |= contest(Entry(**wish), say)
        case _:
            raise ValueError(kind)


def main() -> None:
    """Measure and tell."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # with all that it started
    result: dict[str, Any] = {}
    failure = None
    try:
        done(sys.argv[1], json.loads(sys.argv[2]), result)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, with what was measured until then
        traceback.print_exc()
        failure = f"{type(error).__name__}: {error}".splitlines()[0]
    print(json.dumps({"result": result, "failure": failure}), flush=True)


if __name__ == "__main__":
    main()
