"""`watchdog tune`: other limits, `for`s and confidences measured on the past, as a patch that is never applied."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchdog.cli.past import asked_or_exit, past_options, past_or_exit, replay_or_exit, rules_or_exit, text_or_exit

if TYPE_CHECKING:
    from watchdog.cli.past import Past


@click.command("tune")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--from", "report", type=click.Path(path_type=Path), metavar="REPORT",
              help="The past and the labels of this report (watchdog backtest -o json).")  # fmt: skip
@click.option("--write", type=click.Path(path_type=Path), metavar="PATCH", help="Write the patch there, not to stdout.")
@click.option("-o", "--output", type=click.Choice(["patch", "json"]), default="patch", show_default=True,
              help="The patch with its reasons, or every setting on the front with its figures.")  # fmt: skip
@past_options
def verb(file: Path | None, report: Path | None, write: Path | None, output: str, **asked: Any) -> None:
    """Suggest for each rule of FILE (default: WATCHDOG_RULES) a limit, `for` and confidence, as a patch.

    The past is judged again with each setting that is tried, and replayed in full with those that are suggested.
    Nothing is applied: read the patch, then `git apply` it.

    Exits 0, whether or not there is anything to suggest; 1 where Prometheus cannot be asked.
    """
    from watchdog.cli.common import fail  # noqa: PLC0415 - after --help
    from watchdog.cli.progress import progress_bar  # noqa: PLC0415
    from watchdog.replay.tuning.printing import closing, printed  # noqa: PLC0415
    from watchdog.replay.tuning.session import tune  # noqa: PLC0415

    if write is not None and not write.absolute().parent.is_dir():
        fail(f"{write.parent} is no directory to write the patch in", 2)
    past = past_or_exit(**asked)
    name = str(file or past.settings.rules)
    url = asked_or_exit(past, rules_or_exit(name).book)
    text = text_or_exit(name)
    wish = past.wish if report is None else _of_report(report, past)
    with progress_bar() as progress:
        replay = tune(past.access, name, text, wish, past.politeness, progress=progress)
        tuned = replay_or_exit(replay, url)
    said = printed(tuned, text, name, output)
    if write is None:
        click.echo(said, nl=False)
        return
    try:
        write.write_text(said, encoding="utf-8", newline="")
    except OSError as error:
        fail(f"{write} cannot be written: {error.strerror or error}")
    click.echo(closing(tuned, str(write), output))


def _of_report(path: Path, past: "Past") -> Any:
    from watchdog.cli.common import LARGEST_PAST, fail, read_file  # noqa: PLC0415
    from watchdog.replay.rereading import NotAReport, reread  # noqa: PLC0415
    from watchdog.replay.tuning.session import wish_of  # noqa: PLC0415

    try:
        return wish_of(reread(read_file(path, largest=LARGEST_PAST)), past.wish)
    except (NotAReport, ValueError) as error:
        fail(f"{path}: {error}", 2)
