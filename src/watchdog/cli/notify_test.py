"""`watchdog notify-test`: one marked message to each channel."""

import os
import shlex
from pathlib import Path

import click

from watchdog.adapters.logs import printable


@click.command("notify-test")
@click.argument("channel", required=False)
@click.option("--rules", type=click.Path(path_type=Path), help="The rules file; else WATCHDOG_RULES, else rules.toml.")
def verb(channel: str | None, rules: Path | None) -> None:
    """Send one message, marked as a test, to CHANNEL or to every channel of rules.toml, and show what came back.

    Whatever `on` says, each is told. An incident that this opens at PagerDuty is resolved at once. Secrets are looked
    for where the daemon looks. Exits 0 where each channel took its message, 1 where one did not.
    """
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.adapters.secrets import SecretReader  # noqa: PLC0415
    from watchdog.cli.common import fail, read_file, run_async, settings_or_exit  # noqa: PLC0415
    from watchdog.rulebook import RulesError, read_rules  # noqa: PLC0415
    from watchdog.survey.trial_notices import try_channels  # noqa: PLC0415

    settings = settings_or_exit(rules=rules)
    try:
        rulebook = read_rules(read_file(settings.rules), str(settings.rules))
    except RulesError as error:
        for line in str(error).splitlines():
            click.echo(printable(line), err=True)
        raise SystemExit(1) from None
    known = [one.name for one in rulebook.channels]
    if channel is not None and channel not in known:
        fail(
            f"there is no channel {shlex.quote(channel)} in {settings.rules}; there are {', '.join(known) or 'none'}", 2
        )
    chosen = [one for one in rulebook.channels if channel in (None, one.name)]
    if not chosen:
        fail(f"{settings.rules} has no channel; add a table [channels.NAME]")
    secrets, clock = SecretReader(settings.secrets_dir, os.environ), SystemClock()
    by = os.environ.get("USER") or os.environ.get("LOGNAME") or "nobody known"
    failed = False
    for result in run_async(try_channels(chosen, secrets, clock, by=by)):
        failed = failed or not result.told
        click.echo(printable(secrets.redact(f"{result.channel}: {result.answer}")))
    raise SystemExit(1 if failed else 0)
