"""`watchdog status`: the open watches, from their records."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from watchdog.cli.common import DRY_RUN, OUTPUT, cluster_options

if TYPE_CHECKING:
    from watchdog.configured import Settings


@click.command("status")
@click.option("--watch", "follow", is_flag=True, help="Go on looking; q or Ctrl-C leaves. In a pipe: a line a change.")
@click.option("--api", default="", help="With --watch: ask the watchdog at this URL, which has each rule as it stands.")
@DRY_RUN
@cluster_options
@OUTPUT
def verb(
    follow: bool,
    api: str,
    dry_run: bool,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
    output: str,
) -> None:
    """List the open watches: what is watched, by which rules, and how it stands.

    Reads the records; needs only the right to list ConfigMaps in the watchdog's namespace (with --watch to get them as
    well). Records are written when something happens: with `--watch --api` each rule has its value of this moment.
    """
    from watchdog.cli.common import fail, run_async, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.records import print_records, records_of  # noqa: PLC0415

    if api and not follow:
        fail("--api is for --watch", 2)
    if api and not api.startswith(("http://", "https://")):
        fail(f"--api {api!r} is no URL; write it like http://watchdog.watchdog:8080", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    if follow:
        run_async(_follow(settings, api, output))
        return
    records = [record for record in records_of(settings) if record.get("outcome") is None]
    print_records(records, output, empty="no watch is open")


async def _follow(settings: "Settings", api: str, output: str) -> None:
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.cli.closed_pipe import Reader  # noqa: PLC0415
    from watchdog.cli.common import interrupted  # noqa: PLC0415
    from watchdog.cli.keys import leaving_keys  # noqa: PLC0415
    from watchdog.cli.status_lines import Lines  # noqa: PLC0415
    from watchdog.cli.status_screen import Screen  # noqa: PLC0415
    from watchdog.engine.looking_on import look_on  # noqa: PLC0415
    from watchdog.onlooking import records_of_late  # noqa: PLC0415

    clock, stop = SystemClock(), interrupted()
    live = output == "table" and sys.stdout.isatty()
    view = Screen(clock.now) if live else Lines(as_json=output == "json")
    keys = leaving_keys(stop) if live else nullcontext()  # else they are those of whoever reads the pipe
    with keys:
        async with records_of_late(settings, clock, api) as read:
            with Reader(stop) as reader, view:
                await look_on(read, reader.told(view.show), clock, stop)
