"""`python -m benchmarks.judge.peers`: how well the models reproduce the recorded runs, as a table for the report."""

import sys
from collections.abc import Sequence

from benchmarks.judge.peers.recordings import NAMES, Comparison, Recording, compared, place, recordings, untold


def table(held: Sequence[Recording]) -> list[str]:
    """Markdown: one row per recorded setting, then each recording that was not reproduced with what differed."""
    missed: list[str] = []
    rows = []
    for setting, name in NAMES.items():
        told = [compared(each) for each in held if each.setting == setting]
        drawn = [compared(untold(each)) for each in held if each.setting == setting]
        if told:
            rows.append(_row(name, told, drawn))
        missed += [f"- {explained(each)}" for each in told if not each.reproduced]
        missed += [f"- first check drawn: {explained(each)}" for each in drawn if not each.reproduced]
    return [
        "| setting | recorded runs | reproduced | with the first check drawn | seconds apart: median, largest |",
        "|---|---|---|---|---|",
        *rows,
        "",
        *(missed or ["Every recording is reproduced: the same ending, to within one interval."]),
    ]


def explained(comparison: Comparison) -> str:
    """What differs between a recording and its model, and the answers from which it came."""
    recording, ending = comparison.recording, comparison.ending
    answers = ", ".join(f"{value} at {at:.0f} s" for at, value in recording.answers[-4:])
    late = "" if comparison.late is None else f" {comparison.late:+.1f} s"
    return (
        f"{recording.name}: recorded {recording.outcome} at {recording.at:.1f} s, modelled {ending.outcome}{late} "
        f"({ending.why}); last recorded answers: {answers}"
    )


def _row(name: str, told: Sequence[Comparison], drawn: Sequence[Comparison]) -> str:
    off = sorted(abs(each.late) for each in told if each.late is not None)
    apart = f"{off[len(off) // 2]:.2f}, {off[-1]:.1f}" if off else "-"
    return f"| {name} | {len(told)} | {_share(told)} | {_share(drawn)} | {apart} |"


def _share(held: Sequence[Comparison]) -> str:
    reproduced = sum(each.reproduced for each in held)
    return f"{reproduced} ({100 * reproduced / len(held):.1f} %)"


def main() -> int:
    folder = place()
    if folder is None:
        print("The recordings are not beside this repository (../shared/peer-runs).", file=sys.stderr)
        return 1
    print("\n".join(table(tuple(recordings(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
