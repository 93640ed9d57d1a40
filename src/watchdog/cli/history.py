"""`watchdog history`: how watches ended."""

import json
from datetime import timedelta

import click

from watchdog.cli.common import DRY_RUN, OUTPUT, cluster_options

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=3650)


@click.command("history")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@click.option("--since", default="", metavar="DURATION", help='Only those that ended within it, like "30d" or "12h".')
@click.option("--summary", is_flag=True, help="Only what they amount to, over all of them; with -o json as one object.")
@click.option("--outcome", help="Only those that ended so: passed, rolled-back, held, ...")
@click.option("--target", help="Only those of this target: namespace/kind/name.")
@DRY_RUN
@cluster_options
@OUTPUT
def verb(
    limit: int,
    since: str,
    summary: bool,
    outcome: str | None,
    target: str | None,
    dry_run: bool,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
    output: str,
) -> None:
    """List ended watches, newest first, and what they amount to: how often it acted, how often wrongly, how soon.

    With -o json there is one object a line and no summary; `--summary -o json` is the summary as one object.
    """
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.cli.common import fail, settings_or_exit  # noqa: PLC0415
    from watchdog.cli.records import print_records, print_summary, records_of  # noqa: PLC0415
    from watchdog.cli.spans import span_or_exit  # noqa: PLC0415
    from watchdog.domain.reading import moment  # noqa: PLC0415
    from watchdog.domain.rollout import Target  # noqa: PLC0415
    from watchdog.domain.state import Phase  # noqa: PLC0415
    from watchdog.domain.summing_up import summary_of  # noqa: PLC0415

    outcomes = [phase.value for phase in Phase if phase.terminal]
    if outcome is not None and outcome not in outcomes:
        fail(f"{outcome!r} is no outcome; there are {', '.join(outcomes)}", 2)
    if target is not None:
        try:
            Target.parse(target)
        except ValueError as error:
            fail(str(error), 2)
    span = span_or_exit("--since", since, _SHORTEST, _LONGEST) if since else None
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace, dry_run=dry_run or None)
    begin = None if span is None else SystemClock().now() - span
    records = [
        record
        for record in records_of(settings)
        if record.get("outcome") is not None
        and outcome in (None, record["outcome"])
        and target in (None, record.get("target"))
        and (begin is None or ((ended := moment(record.get("ended_at"))) is not None and ended >= begin))
    ]
    found = summary_of(records)
    if summary and output == "json":
        click.echo(json.dumps(found.document))
        return
    if not summary:
        filtered = outcome is not None or target is not None or span is not None
        print_records(records[:limit], output, empty="no ended watch matches" if filtered else "no watch has ended yet")
    if output == "table" and (records or summary):
        print_summary(found, left_out=0 if summary else max(0, len(records) - limit))
