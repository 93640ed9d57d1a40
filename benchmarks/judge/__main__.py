"""`python -m benchmarks.judge`: play everything, write benchmarks/results/judge.md and its pictures."""

import argparse
import sys
from pathlib import Path

from benchmarks.judge.report import report, weighted_report, write
from benchmarks.judge.sizes import FULL, QUICK

_RESULTS = Path(__file__).resolve().parents[1] / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="bench-judge", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, under a minute; prints unless --to is given")
    parser.add_argument("--weighted", action="store_true", help="weighted delivery alone: judge-weighted.md")
    parser.add_argument("--to", type=Path, help="folder to write to (default: benchmarks/results)")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    if asked.weighted:
        weighted = weighted_report(QUICK if asked.quick else FULL, asked.processes, _told)
        (asked.to or _RESULTS).mkdir(parents=True, exist_ok=True)
        ((asked.to or _RESULTS) / "judge-weighted.md").write_text(weighted)
        return 0
    page, pictures = report(QUICK if asked.quick else FULL, asked.processes, _told)
    folder = asked.to or (None if asked.quick else _RESULTS)
    if folder is None:
        sys.stdout.write(page)
    else:
        write(folder, page, pictures)
        _told(f"written: {folder / 'judge.md'}")
    return 0


def _told(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    sys.exit(main())
