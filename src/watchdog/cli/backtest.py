"""`watchdog backtest`: what the rules would have done with the past's switches."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchdog.cli.past import asked_or_exit, past_options, past_or_exit, replay_or_exit, rules_or_exit

if TYPE_CHECKING:
    from watchdog.replay.report import Comparison, Report

_WIDE = 200


@click.command("backtest")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--against", metavar="OLD", help="Compare with another rules file, or a git revision's: main:rules.toml.")
@click.option("--fail-on", multiple=True, metavar="CONDITION", help="Exit 3 if so: missed, false-alarms>2, ...")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "markdown", "html"]),
    default="table",
    show_default=True,
    help="For a terminal, programs, a pull request, or a page with plots.",
)
@past_options
def verb(file: Path | None, against: str | None, fail_on: tuple[str, ...], output: str, **asked: Any) -> None:
    """Replay every past switch, and quiet windows, under the rules of FILE (default: WATCHDOG_RULES).

    Exits 0; 3 where a condition of --fail-on is met; 1 where Prometheus cannot be asked.
    """
    from watchdog.cli.common import fail  # noqa: PLC0415 - after --help
    from watchdog.cli.progress import progress_bar  # noqa: PLC0415
    from watchdog.replay.failing import ConditionInvalid, failing, read_conditions  # noqa: PLC0415
    from watchdog.replay.session import backtest  # noqa: PLC0415

    try:
        conditions = read_conditions(fail_on)
    except ConditionInvalid as error:
        fail(str(error), 2)
    if against is None and any(one.compares for one in conditions):
        fail("--fail-on asks for a comparison; say with what by --against", 2)
    past = past_or_exit(**asked)
    rules = rules_or_exit(str(file or past.settings.rules))
    old = None if against is None else rules_or_exit(against)
    url = asked_or_exit(past, rules.book, *([old.book] if old else []))
    with progress_bar() as progress:
        replay = backtest(past.access, rules, old, past.wish, past.politeness, progress=progress)
        report, both = replay_or_exit(replay, url)
    _print(report, both, output)
    met = failing(conditions, report, both)
    if met:
        fail(f"--fail-on: {'; '.join(met)}", 3)


def _print(report: "Report", both: "Comparison | None", output: str) -> None:
    from watchdog.replay.printing import printed, show  # noqa: PLC0415

    if output == "table":
        # For a file or a pipe there is no edge at which to fold.
        show(both or report, width=None if sys.stdout.isatty() else _WIDE)
    else:
        click.echo(printed(both or report, output))
