"""`watchdog pause`: freeze all acts for a while."""

from datetime import timedelta

import click

from watchdog.adapters.logs import printable
from watchdog.cli.common import cluster_options

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=7)


@click.command("pause")
@click.option("--reason", default="", help="Why; everybody who asks is told.")
@click.option("--for", "length", default="", metavar="DURATION", help='For how long, like "2h"; 7 days at most.')
@click.option("--lift", is_flag=True, help="End the pause.")
@cluster_options
def verb(reason: str, length: str, lift: bool, kubeconfig: object, context: str | None, namespace: str | None) -> None:
    """Freeze all acts of every watchdog of this namespace, with your own rights.

    It goes on watching, judging and telling; what breaches is held. Without options, says whether acts are paused.
    """
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.cli.common import fail, reason_or_exit, run_async, settings_or_exit  # noqa: PLC0415
    from watchdog.cli.spans import span_or_exit  # noqa: PLC0415
    from watchdog.remote import declare_pause, lift_pause, read_pause  # noqa: PLC0415

    if lift and (reason or length):
        fail("--lift ends a pause; it takes neither --reason nor --for", 2)
    reason = reason_or_exit(reason)
    if bool(reason) != bool(length):
        fail('a pause needs both: --reason "why" --for 2h', 2)
    span = span_or_exit("--for", length, _SHORTEST, _LONGEST) if length else None
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace)
    clock = SystemClock()
    if lift:
        lifted = run_async(lift_pause(settings, clock))
        click.echo("the pause is lifted" if lifted else "acts were not paused")
    elif span is not None:
        click.echo(printable(run_async(declare_pause(settings, clock, reason, span)).sentence))
    else:
        pause = run_async(read_pause(settings, clock))
        click.echo("acts are not paused" if pause is None else printable(pause.sentence))
