"""`watchdog explain WATCH`: one watch with its evidence."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchdog.cli.common import DRY_RUN, cluster_options

if TYPE_CHECKING:
    from watchdog.cli.records import Record
    from watchdog.configured import Settings


@click.command("explain")
@click.argument("watch")
@DRY_RUN
@cluster_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "markdown", "html", "json"]),
    default="table",
    show_default=True,
    help="For people; for an incident document; the watch's page as one HTML file that needs nothing else; or JSON.",
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
    """Tell the story of WATCH (its id, or an unambiguous beginning of it) as a short incident report.

    What happened, what it cost and what acting saved, what changed, the evidence, what was checked before acting, who
    was told, and what to look at next.
    """
    from watchdog.cli.common import fail, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.explained import print_story  # noqa: PLC0415
    from watchdog.cli.records import known_watch, records_of  # noqa: PLC0415

    if to is not None and output == "table":
        fail("--to writes a file of `-o markdown`, `-o html` or `-o json`", 2)
    if to is not None and not to.absolute().parent.is_dir():
        fail(f"{to.parent} is no directory to write the file in", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    record = known_watch(records_of(settings), watch)
    if output == "table":
        print_story(record, settings.prometheus_public_url)
        return
    text = _written(record, output, settings)
    if to is None:
        click.echo(text, nl=False)
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{to} cannot be written: {error.strerror or error}")
    click.echo(f"written to {to}", err=True)


def _written(record: "Record", output: str, settings: "Settings") -> str:
    from watchdog.cli.explained_markdown import markdown  # noqa: PLC0415
    from watchdog.cli.records import page_of  # noqa: PLC0415

    match output:
        case "markdown":
            return markdown(record, settings.prometheus_public_url)
        case "html":
            return page_of(record, settings)
        case _:
            return json.dumps(record, indent=2) + "\n"
