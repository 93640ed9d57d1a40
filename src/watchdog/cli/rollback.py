"""`watchdog rollback TARGET`: a person's emergency rollback."""

from typing import TYPE_CHECKING

import click

from watchdog.adapters.logs import printable
from watchdog.cli.common import TARGETS, cluster_options

if TYPE_CHECKING:
    from watchdog.configured import Settings
    from watchdog.domain.rollout import Target
    from watchdog.domain.state import Watch


@click.command("rollback", epilog=TARGETS)
@click.argument("target")
@click.option("--reason", required=True, help="Why; it stands in the record and in the notice.")
@click.option("--to", "to", default="", help="A revision (its pod-template-hash) instead of the stable one.")
@click.option("--override", "overridden", multiple=True, help="Pass over this check; may be given several times.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@cluster_options
def verb(
    target: str,
    reason: str,
    to: str,
    overridden: tuple[str, ...],
    yes: bool,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
) -> None:
    """Put TARGET (namespace/kind/name) back, with your own rights.

    The same checks, preconditions and record as the watchdog's own rollback; the watchdog in the cluster adopts the
    record, tells the channels and sees whether it helped. Exits 4 when a check refuses: it says which, and
    `--override CHECK` passes over it.
    """
    from watchdog.cli.common import fail, reason_or_exit, run_async, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.domain.rollout import Target  # noqa: PLC0415
    from watchdog.domain.state import RefusalReason  # noqa: PLC0415

    try:
        parsed = Target.parse(target)
    except ValueError as error:
        fail(str(error), 2)
    reason = reason_or_exit(reason)
    if not reason:
        fail("--reason is empty; say why, for whoever reads the record", 2)
    checks = [one.value for one in RefusalReason]
    unknown = [name for name in overridden if name not in checks]
    if unknown:
        fail(f"{unknown[0]!r} is no check; there are {', '.join(checks)}", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace)
    raise SystemExit(run_async(_roll_back(settings, parsed, reason, to, overridden, yes=yes)))


async def _roll_back(
    settings: "Settings", target: "Target", reason: str, to: str, overridden: tuple[str, ...], *, yes: bool
) -> int:
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.domain.state import Phase  # noqa: PLC0415
    from watchdog.engine.by_hand import NothingKnown  # noqa: PLC0415
    from watchdog.remote import rollback_by_hand  # noqa: PLC0415

    try:
        async with rollback_by_hand(
            settings, SystemClock(), target, reason=reason, to=to, overridden=overridden
        ) as rollback:
            watch = rollback.watch
            if watch.phase is not Phase.ACTING or watch.remedy is None:
                return _refused(watch)
            click.echo(printable(f"{target}: {watch.switch.candidate}"))
            click.echo(printable(f"     -> {watch.remedy.to}"))
            if not yes and not click.confirm("Put it back?", default=False):
                click.echo("nothing was done")
                return 1
            done = await rollback.carry_out()
    except NothingKnown as error:
        click.echo(printable(f"watchdog: {error}"), err=True)
        return 1
    if done.phase is Phase.RECOVERING:
        click.echo(f"put back; watch {done.id}")
        for service, why in done.left.items():
            click.echo(printable(f"Service {service} could not be put back: {why}"), err=True)
        return 1 if done.left else 0
    return _refused(done)


def _refused(watch: "Watch") -> int:
    from watchdog.domain.state import Phase  # noqa: PLC0415

    if watch.refusal is not None and watch.phase is not Phase.FAILED:
        click.echo(printable(f"watchdog: refused ({watch.refusal.reason}): {watch.refusal.sentence}"), err=True)
        return 4
    reason = watch.reason or "the API server never said whether it was done; `watchdog status` will tell"
    click.echo(printable(f"watchdog: {reason}"), err=True)
    return 4 if watch.phase is Phase.SUPERSEDED else 1
