"""A progress bar with an estimate, on a terminal and nowhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.replay.backtest import Progress


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """Shown on standard error, so that what is printed can be piped on; gone when it ends."""
    from rich.console import Console  # noqa: PLC0415 - after --help
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    from watchdog.replay.backtest import Progress  # noqa: PLC0415

    if not sys.stderr.isatty():
        yield Progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def begun(what: str, total: int) -> None:
            bar.reset(task, description=what, total=total or None)

        yield Progress(begun, lambda: bar.advance(task))
