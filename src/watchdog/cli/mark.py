"""`watchdog mark WATCH false-alarm`: a person's judgement of an outcome."""

from typing import TYPE_CHECKING

import click

from watchdog.adapters.logs import printable
from watchdog.cli.common import DRY_RUN, cluster_options

if TYPE_CHECKING:
    from watchdog.configured import Settings
    from watchdog.domain.marks import Marking

_NONE = "none"


@click.command("mark")
@click.argument("watch")
@click.argument("what", type=click.Choice(["false-alarm", "missed", _NONE]))
@click.option("--reason", default="", help="Why; it stands beside the record, in explain, history and the page.")
@DRY_RUN
@cluster_options
def verb(
    watch: str,
    what: str,
    reason: str,
    dry_run: bool,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
) -> None:
    """Say of WATCH (its id, or an unambiguous beginning of it) what its outcome was, with your own rights.

    false-alarm: it was rolled back, held or told of, and nothing was wrong with the release. missed: it was let
    through, and was bad. none: takes the mark back. An open watch cannot be marked. backtest and tune take a mark for
    what the release was, and calibration learns from a false alarm, whose release is not known bad any more.
    """
    from watchdog.cli.common import fail, reason_or_exit, run_async, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.records import known_watch, records_of  # noqa: PLC0415
    from watchdog.domain.marks import Marking  # noqa: PLC0415

    marking = None if what == _NONE else Marking(what)
    said = reason_or_exit(reason)
    if marking is None and said:
        fail("`none` takes a mark back; it needs no --reason", 2)
    if marking is not None and not said:
        fail('a mark needs a --reason "why", for whoever reads it', 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    record = known_watch(records_of(settings), watch)
    run_async(_mark(settings, str(record.get("watch")), marking, said))


async def _mark(settings: "Settings", watch: str, marking: "Marking | None", reason: str) -> None:
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.adapters.kubernetes.marking import NotMarked  # noqa: PLC0415
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.remote import mark_watch  # noqa: PLC0415

    try:
        mark = await mark_watch(settings, SystemClock(), watch, marking, reason)
    except NotMarked as error:
        fail(str(error))
    click.echo(printable(f"watch {watch}: {'the mark is taken back' if mark is None else mark.sentence}"))
