"""`watchdog status`: the open watches, from their records."""

import click

from watchdog.cli.common import DRY_RUN, OUTPUT, cluster_options


@click.command("status")
@DRY_RUN
@cluster_options
@OUTPUT
def verb(dry_run: bool, kubeconfig: object, context: str | None, namespace: str | None, output: str) -> None:
    """List the open watches: what is watched, by which rules, and how it stands.

    Reads the records; needs only the right to list ConfigMaps in the watchdog's namespace.
    """
    from watchdog.cli.common import settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.records import print_records, records_of  # noqa: PLC0415

    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    records = [record for record in records_of(settings) if record.get("outcome") is None]
    print_records(records, output, empty="no watch is open")
