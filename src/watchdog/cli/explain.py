"""`watchdog explain WATCH`: one watch with its evidence."""

import json
from pathlib import Path

import click

from watchdog.cli.common import DRY_RUN, cluster_options


@click.command("explain")
@click.argument("watch")
@DRY_RUN
@cluster_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "html"]),
    default="table",
    show_default=True,
    help="For people, JSON, or the watch's page as one HTML file that needs nothing else.",
)
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def verb(
    watch: str,
    dry_run: bool,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
    output: str,
    to: Path | None,
) -> None:
    """Tell the story of WATCH (its id, or an unambiguous beginning of it): what was seen, decided and done, and why."""
    from watchdog.cli.common import fail, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.records import page_of, print_story, records_of  # noqa: PLC0415

    if to is not None and output == "table":
        fail("--to writes a file of `-o html` or `-o json`", 2)
    if to is not None and not to.absolute().parent.is_dir():
        fail(f"{to.parent} is no directory to write the file in", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    known = {str(record.get("watch")): record for record in records_of(settings)}
    matching = [name for name in known if name == watch] or [name for name in known if name.startswith(watch)]
    if not matching:
        fail(f"there is no watch {watch!r}; `watchdog history` and `watchdog status` list them")
    if len(matching) > 1:
        fail(f"{watch!r} begins several watches: {', '.join(matching)}")
    record = known[matching[0]]
    if output == "table":
        print_story(record)
        return
    text = page_of(record, settings) if output == "html" else json.dumps(record, indent=2) + "\n"
    if to is None:
        click.echo(text, nl=False)
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{to} cannot be written: {error.strerror or error}")
    click.echo(f"written to {to}", err=True)
