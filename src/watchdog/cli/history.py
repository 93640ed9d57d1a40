"""`watchdog history`: how watches ended."""

import click

from watchdog.cli.common import DRY_RUN, OUTPUT, cluster_options


@click.command("history")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@click.option("--outcome", help="Only those that ended so: passed, rolled-back, held, ...")
@click.option("--target", help="Only those of this target: namespace/deployment/name.")
@DRY_RUN
@cluster_options
@OUTPUT
def verb(
    limit: int,
    outcome: str | None,
    target: str | None,
    dry_run: bool,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
    output: str,
) -> None:
    """List ended watches, newest first."""
    from watchdog.cli.common import fail, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.records import print_records, records_of  # noqa: PLC0415
    from watchdog.domain.rollout import Target  # noqa: PLC0415
    from watchdog.domain.state import Phase  # noqa: PLC0415

    outcomes = [phase.value for phase in Phase if phase.terminal]
    if outcome is not None and outcome not in outcomes:
        fail(f"{outcome!r} is no outcome; there are {', '.join(outcomes)}", 2)
    if target is not None:
        try:
            Target.parse(target)
        except ValueError as error:
            fail(str(error), 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    records = [
        record
        for record in records_of(settings)
        if record.get("outcome") is not None
        and outcome in (None, record["outcome"])
        and target in (None, record.get("target"))
    ]
    filtered = outcome is not None or target is not None
    print_records(records[:limit], output, empty="no ended watch matches" if filtered else "no watch has ended yet")
