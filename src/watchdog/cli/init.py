"""`watchdog init [FILE]`: a first rules.toml from what is really there."""

from pathlib import Path

import click

from watchdog.adapters.logs import printable


@click.command("init")
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Look here; may be given several times.")
@click.option("--prometheus-url", metavar="URL", help="Prometheus; else WATCHDOG_PROMETHEUS_URL.")
@click.option("--stdout", is_flag=True, help="Print the file instead of writing it; FILE may be - as well.")
@click.option("--force", is_flag=True, help="Write over a FILE that is there.")
@click.option("--context", help="The kubeconfig's context.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="A kubeconfig; else WATCHDOG_KUBECONFIG.")
def verb(
    file: Path | None,
    namespaces: tuple[str, ...],
    prometheus_url: str | None,
    stdout: bool,
    force: bool,
    context: str | None,
    kubeconfig: Path | None,
) -> None:
    """Look at the cluster and at Prometheus, and write FILE (WATCHDOG_RULES, else rules.toml) with the reasons in it.

    Only reads. Without --namespace it looks at all namespaces that may be listed, but for the cluster's own. What it
    could not find it says, in the file too; without Prometheus the guards have probes and signs only.

    Exits 0 when the file is written, 1 when it is there already, the cluster does not answer or has nothing to guard.
    """
    from watchdog.cli.common import fail, plural, run_async, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.rulebook.mistakes import Fault, RulesError  # noqa: PLC0415
    from watchdog.rulebook.names import parse_namespace  # noqa: PLC0415

    for namespace in namespaces:
        try:
            parse_namespace(namespace)
        except Fault as fault:
            fail(f"--namespace: {fault.message}; {fault.remedy}", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, prometheus_url=prometheus_url)
    path = file if file is not None else settings.rules
    printed = stdout or str(path) == "-"
    if not printed and not force and path.exists():
        fail(f"{path} is there already; --force writes over it, --stdout prints")

    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - half a second, only where it is needed
    from watchdog.adapters.rules_file import write_rules  # noqa: PLC0415
    from watchdog.remote import look_around  # noqa: PLC0415

    try:
        found = run_async(look_around(settings, SystemClock(), namespaces))
    except RulesError as error:
        fail(f"what was found makes no valid file, which is a mistake of ours: {error}")
    for line in found.unfound:
        click.echo(printable(f"watchdog: {line}"), err=True)
    if printed:
        click.echo(found.text, nl=False)
        return
    try:
        write_rules(path, found.text, over=force)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}")
    counts = f"{plural(found.guards, 'guard')} for {plural(found.targets, 'target')}"
    click.echo(f"{path}: {counts}; next: watchdog check --live {path}")
