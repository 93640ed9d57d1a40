"""`python -m benchmarks.judge.peers`: how well the models reproduce the recorded runs, as a table for the report."""

import sys
from collections.abc import Iterable, Sequence

from benchmarks.judge.peers.recordings import NAMES, Comparison, compared, place, recordings


def table(comparisons: Iterable[Comparison]) -> list[str]:
    """Markdown: one row per recorded setting, then each recording that was not reproduced with what differed."""
    by_setting: dict[str, list[Comparison]] = {setting: [] for setting in NAMES}
    for comparison in comparisons:
        by_setting[comparison.recording.setting].append(comparison)
    rows = [_row(NAMES[setting], held) for setting, held in by_setting.items() if held]
    missed = [each for held in by_setting.values() for each in held if not each.reproduced]
    return [
        "| setting | recorded runs | reproduced | ended otherwise | median and largest difference in seconds |",
        "|---|---|---|---|---|",
        *rows,
        "",
        *([f"- {explained(each)}" for each in missed] or ["Every recording is reproduced."]),
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


def _row(name: str, held: Sequence[Comparison]) -> str:
    reproduced = sum(each.reproduced for each in held)
    otherwise = sum(each.ending.outcome != each.recording.outcome for each in held)
    off = sorted(abs(each.late) for each in held if each.late is not None)
    apart = f"{off[len(off) // 2]:.2f}, {off[-1]:.1f}" if off else "-"
    return f"| {name} | {len(held)} | {reproduced} ({100 * reproduced / len(held):.0f} %) | {otherwise} | {apart} |"


def main() -> int:
    folder = place()
    if folder is None:
        print("The recordings are not beside this repository (../shared/peer-runs).", file=sys.stderr)  # noqa: T201
        return 1
    print("\n".join(table(map(compared, recordings(folder)))))  # noqa: T201 (it is what the command is for)
    return 0


if __name__ == "__main__":
    sys.exit(main())
