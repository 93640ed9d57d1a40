"""The whole report: plays every part, tells what came of it, writes it down."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.judge.page import Section, whole
from benchmarks.judge.running import play
from benchmarks.judge.sections import bursty, edge, habits, harmless, mixture, models, real, shared, weighted
from benchmarks.judge.sizes import Sizes

_PARTS = (mixture, bursty, habits, shared, harmless)

INTRODUCTION = (
    "Written by `make bench-judge`; the same program writes the same page to the last digit. Every policy is given the "
    "same releases: what Prometheus scraped of the candidate's pods, of stable's before and beside it, and, to those that "
    "ask, of others. The rule is the same for all, `error rate > 5 %`, watched for ten minutes; the base rate is 0.5 % "
    "unless said. The watchdog is the daemon's own judge, fed block by block with its settling delay of 2 s; the peers are "
    "models of their sources, the two strongest held to 1,000 recorded runs of the real programs. Decisions after the ten "
    "minutes do not count, which favours peers that prolong their analysis. Peers have no warm-up, so the watchdog is "
    "compared without one (`warm-up of 30 s`, its default, has a row of its own).",
    "All intervals are two-sided, 95 %: Clopper-Pearson for shares, bootstrap for times and failed requests. A time is "
    "from the beginning of the fault to the decision; a miss counts as never, and its failed requests up to the end of "
    "the ten minutes.",
)


def report(sizes: Sizes, processes: int, told: Callable[[str], None]) -> tuple[str, dict[str, str]]:
    """The page and its pictures by name. `told` hears of progress."""
    tasks = [task for part in _PARTS for task in part.tasks(sizes)]
    told(f"{sum(task.runs for task in tasks):,} made-up releases in {len(tasks)} worlds")
    played = play(tasks, processes)
    told("the null's edge")
    edges = edge.play(sizes, processes)
    told("real traffic")
    traced = real.play(sizes, processes)
    sections: list[Section] = [part.told(played, sizes) for part in _PARTS]
    sections.append(edge.told(edges))
    sections.append(real.told(traced, sizes, mixture.best_tuned(played)))
    sections.append(models.told())
    pictures = {name: svg for section in sections for name, svg in section.pictures.items()}
    return whole("The judge and its peers, side by side", INTRODUCTION, sections), pictures


def weighted_report(sizes: Sizes, processes: int, told: Callable[[str], None]) -> str:
    """The page of weighted delivery alone."""
    tasks = weighted.tasks(sizes)
    told(f"{sum(task.runs for task in tasks):,} made-up releases in {len(tasks)} worlds")
    section = weighted.told(play(tasks, processes), sizes)
    said = INTRODUCTION[0].replace("`make bench-judge`", "`python -m benchmarks.judge --weighted`")
    return whole("Canaries by weight: the judge and its peers", (said, INTRODUCTION[1]), [section])


def write(folder: Path, page: str, pictures: dict[str, str]) -> None:
    """Put the page and its pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "judge.md").write_text(page)
    for name, svg in pictures.items():
        (folder / name).write_text(svg)
