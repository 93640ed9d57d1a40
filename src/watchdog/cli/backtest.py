"""`watchdog backtest`: what the rules would have done with the past's switches."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchdog.cli.common import cluster_options

if TYPE_CHECKING:
    from watchdog.replay.backtest import Rules
    from watchdog.replay.handwritten import Entry
    from watchdog.replay.report import Comparison, Report
    from watchdog.settings import Settings

_WIDE = 200


@click.command("backtest")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--since", default="14d", show_default=True, help="How far back: 6h, 14d.")
@click.option("--until", help="Up to this moment, with its UTC offset; else up to now.")
@click.option("--prometheus", help="Prometheus's URL; else WATCHDOG_PROMETHEUS_URL.")
@click.option("--against", metavar="OLD", help="Compare with another rules file, or a git revision's: main:rules.toml.")
@click.option("--switches", "listed", type=click.Path(path_type=Path), help="A list of switches (TOML or JSON lines).")
@click.option("--records", is_flag=True, help="Take switches and labels from the watchdog's own records.")
@click.option("--label", "labels", type=click.Path(path_type=Path), help="A list of those that were really bad.")
@click.option("--placebos", default=10, show_default=True, type=click.IntRange(0, 1000), help="Quiet windows a target.")
@click.option("--seed", default=0, show_default=True, help="Chooses the quiet windows.")
@click.option("--concurrency", default=4, show_default=True, type=click.IntRange(1, 32), help="Queries at a time.")
@click.option(
    "--max-samples", default=100_000_000, show_default=True, type=click.IntRange(1), help="To ask for at most."
)
@click.option("--cache", type=click.Path(path_type=Path), help="Where answers are kept; else in the user's cache.")
@click.option("--no-cache", is_flag=True, help="Ask for everything anew, keep nothing.")
@click.option("--fail-on", multiple=True, metavar="CONDITION", help="Exit 3 if so: missed, false-alarms>2, ...")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "markdown", "html"]),
    default="table",
    show_default=True,
    help="For a terminal, programs, a pull request, or a page with plots.",
)
@cluster_options
def verb(
    file: Path | None,
    since: str,
    until: str | None,
    prometheus: str | None,
    against: str | None,
    listed: Path | None,
    records: bool,
    labels: Path | None,
    placebos: int,
    seed: int,
    concurrency: int,
    max_samples: int,
    cache: Path | None,
    no_cache: bool,
    fail_on: tuple[str, ...],
    output: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
) -> None:
    """Replay every past switch, and quiet windows, under the rules of FILE (default: WATCHDOG_RULES).

    Exits 0; 3 where a condition of --fail-on is met; 1 where Prometheus cannot be asked.
    """
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.cli.common import fail, run_async, settings_or_exit  # noqa: PLC0415
    from watchdog.cli.progress import progress_bar  # noqa: PLC0415
    from watchdog.replay.asking_past import NotAnswered  # noqa: PLC0415
    from watchdog.replay.backtest import Wish  # noqa: PLC0415
    from watchdog.replay.failing import ConditionInvalid, failing, read_conditions  # noqa: PLC0415
    from watchdog.replay.handwritten import ListInvalid  # noqa: PLC0415
    from watchdog.replay.session import Politeness, backtest, default_cache  # noqa: PLC0415

    settings = settings_or_exit(prometheus_url=prometheus, kubeconfig=kubeconfig, context=context, namespace=namespace)
    try:
        conditions = read_conditions(fail_on)
    except ConditionInvalid as error:
        fail(str(error), 2)
    if against is None and any(one.compares for one in conditions):
        fail("--fail-on asks for a comparison; say with what by --against", 2)
    if settings.prometheus_url is None:
        fail("no Prometheus is named: set WATCHDOG_PROMETHEUS_URL or pass --prometheus", 2)
    rules = _rules(str(file or settings.rules))
    old = None if against is None else _rules(against)
    wish = Wish(
        _duration(since),
        _moment(until),
        placebos,
        seed,
        (*_list(listed), *(_recorded(settings) if records else ())),
        _list(labels, label="bad"),
    )
    kept = None if no_cache else cache or default_cache()
    with progress_bar() as progress:
        try:
            report, both = run_async(
                backtest(
                    settings.prometheus_url,
                    rules,
                    old,
                    wish,
                    Politeness(concurrency, max_samples, kept),
                    SystemClock(),
                    token_file=settings.prometheus_token_file,
                    ca_file=settings.prometheus_ca_file,
                    progress=progress,
                )
            )
        except NotAnswered as error:
            fail(f"{settings.prometheus_url} cannot be asked: {error}")
        except ListInvalid as error:
            fail(str(error), 2)
    _print(report, both, output)
    met = failing(conditions, report, both)
    if met:
        fail(f"--fail-on: {'; '.join(met)}", 3)


def _rules(name: str) -> "Rules":
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.replay.backtest import Rules  # noqa: PLC0415
    from watchdog.replay.session import NotFound, text_of  # noqa: PLC0415
    from watchdog.rulebook import RulesError, read_rules  # noqa: PLC0415

    try:
        return Rules(name, read_rules(text_of(name), name))
    except NotFound as error:
        fail(str(error), 2)
    except RulesError as error:
        for mistake in error.mistakes:
            click.echo(f"{mistake}", err=True)
        raise SystemExit(2) from None


def _duration(text: str) -> timedelta:
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.rulebook.durations import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        fail(f"--since {text!r}: {error}", 2)


def _moment(text: str | None) -> datetime | None:
    from watchdog.cli.common import fail  # noqa: PLC0415

    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        fail(f"--until {text!r} is no moment with a UTC offset; write 2026-03-02T14:05:00+00:00", 2)
    return at.astimezone(UTC)


def _recorded(settings: "Settings") -> "Sequence[Entry]":
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.cli.records import records_of  # noqa: PLC0415
    from watchdog.replay.handwritten import ListInvalid, of_records  # noqa: PLC0415

    try:
        return of_records(records_of(settings))
    except ListInvalid as error:
        fail(str(error))


def _print(report: "Report", both: "Comparison | None", output: str) -> None:
    from watchdog.replay.printing import printed, show  # noqa: PLC0415

    if output == "table":
        # For a file or a pipe there is no edge at which to fold.
        show(both or report, width=None if sys.stdout.isatty() else _WIDE)
    else:
        click.echo(printed(both or report, output))


def _list(path: Path | None, *, label: str = "") -> "Sequence[Entry]":
    from watchdog.cli.common import fail, read_file  # noqa: PLC0415
    from watchdog.replay.handwritten import ListInvalid, read_list  # noqa: PLC0415

    if path is None:
        return ()
    try:
        return read_list(read_file(path), str(path), label=label)
    except ListInvalid as error:
        fail(str(error), 2)
