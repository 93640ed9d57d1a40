"""`watchdog explain WATCH`: one watch with its evidence."""

import json

import click

from watchdog.cli.common import DRY_RUN, OUTPUT, cluster_options


@click.command("explain")
@click.argument("watch")
@DRY_RUN
@cluster_options
@OUTPUT
def verb(
    watch: str, dry_run: bool, kubeconfig: object, context: str | None, namespace: str | None, output: str
) -> None:
    """Tell the story of WATCH (its id, or an unambiguous beginning of it): what was seen, decided and done, and why."""
    from watchdog.cli.common import fail, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.records import print_story, records_of  # noqa: PLC0415

    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    known = {str(record.get("watch")): record for record in records_of(settings)}
    matching = [name for name in known if name == watch] or [name for name in known if name.startswith(watch)]
    if not matching:
        fail(f"there is no watch {watch!r}; `watchdog history` and `watchdog status` list them")
    if len(matching) > 1:
        fail(f"{watch!r} begins several watches: {', '.join(matching)}")
    record = known[matching[0]]
    if output == "json":
        click.echo(json.dumps(record, indent=2))
    else:
        print_story(record)
