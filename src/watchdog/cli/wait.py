"""`watchdog wait TARGET`: until the watch of the newest switch has ended."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from watchdog.cli.common import TARGETS, cluster_options
from watchdog.cli.waiting import waiting_options

if TYPE_CHECKING:
    from watchdog.configured import Settings
    from watchdog.domain.waiting import Wanted


@click.command("wait", epilog=TARGETS)
@click.argument("target")
@click.option("--api", default="", help="Ask the watchdog at this URL instead of the cluster.")
@click.option("--since", help="Only a switch since this moment (2026-11-28T12:30:00Z), by the cluster's clock.")
@click.option("--revision", default="", help="Only a switch to this revision (its pod-template-hash, or NAME-HASH).")
@click.option(
    "--accept-known-good",
    is_flag=True,
    help="Exit 0 where no watch opens because what serves is known good: the target's first revision, say.",
)
@waiting_options
@cluster_options
def verb(
    target: str,
    api: str,
    since: str | None,
    revision: str,
    accept_known_good: bool,
    timeout: timedelta,
    open_within: timedelta,
    output: str,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
) -> None:
    """Wait until the watch of TARGET's newest switch (namespace/kind/name) has ended.

    Finds out what serves TARGET now and waits for the watch that led to it, also where the watchdog has not seen the
    switch yet: the outcome of the release before is never told for it. With --api the cluster is not asked, so
    --since or --revision has to say which switch is meant.

    Exits 0 passed; 3 rolled back; 4 held, notified, failed or inconclusive, or no watch opened; 5 superseded;
    1 where the cluster or the API does not answer for minutes; 130 where Ctrl-C ended it.
    """
    from watchdog.cli.common import fail, run_async, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.moments import moment_of  # noqa: PLC0415
    from watchdog.cli.waiting import target_or_exit  # noqa: PLC0415
    from watchdog.domain.waiting import Wanted  # noqa: PLC0415

    wanted = Wanted(target_or_exit(target), named=revision, since=moment_of("--since", since))
    if api and not (since or revision):
        fail("with --api it is not known what serves now; say with --since or --revision which switch is meant", 2)
    if api and not api.startswith(("http://", "https://")):
        fail(f"--api {api!r} is no URL; write it like http://watchdog.watchdog:8080", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace)
    waited = _wait(settings, wanted, api.rstrip("/"), timeout, open_within, output, known_good=accept_known_good)
    raise SystemExit(run_async(waited))


async def _wait(
    settings: "Settings",
    wanted: "Wanted",
    api: str,
    timeout: timedelta,
    open_within: timedelta,
    output: str,
    *,
    known_good: bool,
) -> int:
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.cli.waiting import wait_for  # noqa: PLC0415
    from watchdog.releasing import outlook  # noqa: PLC0415

    async with outlook(settings, SystemClock(), api) as there:
        return await wait_for(
            wanted,
            there,
            timeout=timeout,
            open_within=open_within,
            output=output,
            accept_known_good=known_good,
            base=settings.public_url or api,
        )
