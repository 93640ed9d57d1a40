"""`watchdog run`: the daemon."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import click


@click.command("run")
@click.option("--dry-run", is_flag=True, help="Judge, record and tell, but never write to a workload.")
def verb(dry_run: bool) -> None:
    """Watch every switch of the guarded targets until SIGTERM; exits 0 then, within five seconds.

    With --dry-run (or WATCHDOG_DRY_RUN=true) it does all of that but the put-back, for as long as you like: its records
    are kept apart and marked, and each notice begins with "[dry run]".

    Settings come from WATCHDOG_ variables. Exits 1 where rules.toml, a channel or the cluster's configuration is
    wrong or missing, 2 where a setting is wrong. A cluster or a Prometheus that does not answer is tried again for
    ever; /readyz and the log say so.
    """
    from watchdog.cli.common import settings_or_exit  # noqa: PLC0415 - after --help

    settings = settings_or_exit(by_itself=True, dry_run=dry_run or None)
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.adapters.garbage import collecting  # noqa: PLC0415
    from watchdog.adapters.logs import LogFormat, printable, set_up  # noqa: PLC0415
    from watchdog.adapters.notifiers import ChannelInvalid  # noqa: PLC0415
    from watchdog.adapters.secrets import SecretReader  # noqa: PLC0415
    from watchdog.adapters.web.server import CannotListen  # noqa: PLC0415
    from watchdog.app import Watchdog  # noqa: PLC0415
    from watchdog.channels import build_channels  # noqa: PLC0415
    from watchdog.cli.common import log_unknown_settings  # noqa: PLC0415
    from watchdog.ports import OutOfReach  # noqa: PLC0415
    from watchdog.rulebook import RulesError  # noqa: PLC0415
    from watchdog.rules_in_force import CannotStart  # noqa: PLC0415

    clock = SystemClock()
    secrets = SecretReader(settings.secrets_dir, os.environ)
    secrets.learn_files(settings.prometheus_token_file, settings.prometheus_password_file, settings.web_token_file)
    marks = {"dry_run": True} if settings.dry_run else None
    set_up(settings.log_level, LogFormat(settings.log_format), clock, redact=secrets.redact, facts=marks)
    log_unknown_settings()
    watchdog = Watchdog(settings, clock=clock, build=build_channels(secrets, clock), secret=secrets)
    try:
        asyncio.run(_until_signalled(watchdog.run, collecting(clock)))
    except* (CannotStart, CannotListen, ChannelInvalid, OutOfReach, RulesError) as group:
        for message in _messages(group):
            for line in message.splitlines():  # all mistakes of rules.toml, a line each
                click.echo(printable(f"watchdog: {line}"), err=True)
        raise SystemExit(1) from None
    except* Exception as group:
        # A mistake of ours: as one line of the log, which also hides secrets in it.
        logging.getLogger("watchdog").critical("crashed", exc_info=group)
        raise SystemExit(1) from None


def _messages(group: BaseExceptionGroup[BaseException]) -> list[str]:
    return [
        message
        for error in group.exceptions
        for message in (_messages(error) if isinstance(error, BaseExceptionGroup) else [str(error)])
    ]


async def _until_signalled(run: Callable[[asyncio.Event], Awaitable[None]], beside: Coroutine[Any, Any, None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as scope:
        meanwhile = scope.create_task(beside, name="collect garbage")
        await run(stop)
        meanwhile.cancel()
