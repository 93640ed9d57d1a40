"""`watchdog check [FILE]`: every mistake of rules.toml at once, and, asked to, whether its rules would work."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchdog.cli.common import cluster_options, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchdog.configured import Settings
    from watchdog.rulebook import Report
    from watchdog.survey.findings import Finding


@click.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--live",
    "--prometheus",
    "live",
    is_flag=True,
    help="Also ask the cluster and Prometheus (WATCHDOG_PROMETHEUS_URL), read-only, whether the rules would work.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the file, for editors, and stop.")
@click.option("--network-policy", is_flag=True, help="Print the NetworkPolicy that these rules need, and stop.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="For people, one JSON object a file, annotations of GitHub Actions, or SARIF for code scanning.",
)
@cluster_options
def verb(
    files: tuple[Path, ...],
    live: bool,
    schema: bool,
    network_policy: bool,
    output: str,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
) -> None:
    """Read each FILE (WATCHDOG_RULES, else rules.toml) and name each mistake with its line and column.

    Exits 0 when nothing is wrong, 1 when a file has mistakes or cannot be read, or when, with --live, something
    was found that does not work. Warnings and notes leave the exit code alone.
    """
    from watchdog import rulebook  # noqa: PLC0415 - after --help
    from watchdog.cli.common import settings_or_exit  # noqa: PLC0415
    from watchdog.survey.findings import Level  # noqa: PLC0415

    if schema:
        click.echo(json.dumps(rulebook.schema(), indent=2))
        return
    if len(files) > 1 and (live or network_policy):
        raise click.UsageError("--live and --network-policy take one FILE")
    if network_policy:
        from watchdog.cli.policy import print_network_policy  # noqa: PLC0415

        print_network_policy(files[0] if files else None, namespace)
        return
    if not live and (kubeconfig or context or namespace):
        raise click.UsageError("--kubeconfig, --context and --namespace are for --live: nothing is asked without it")
    settings = None
    if live or not files:
        settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace)
    paths = files or ((settings.rules,) if settings is not None else ())
    checked = []
    for path in dict.fromkeys(paths):
        report, findings = _checked(path, settings if live else None)
        checked.append((path, findings))
        _print(findings, report, path, output, live=live)
    if output == "sarif":
        from watchdog.survey.formats import as_sarif  # noqa: PLC0415

        click.echo(as_sarif(checked))
    if any(finding.level is Level.ERROR for _, findings in checked for finding in findings):
        raise SystemExit(1)


def _checked(path: Path, live: "Settings | None") -> "tuple[Report, Sequence[Finding]]":
    """What is found in the file and, with `live`, where that leads to."""
    from watchdog import rulebook  # noqa: PLC0415 - after --help
    from watchdog.cli.common import read_rules_text, run_async  # noqa: PLC0415
    from watchdog.survey.findings import in_order  # noqa: PLC0415
    from watchdog.survey.formats import findings_of  # noqa: PLC0415

    report = rulebook.check_rules(read_rules_text(path), str(path))
    findings = findings_of(report)
    if live is not None and report.rulebook is not None:
        from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - half a second, only where it is asked for
        from watchdog.remote import check_live  # noqa: PLC0415

        findings += run_async(check_live(live, SystemClock(), os.environ, report))
    return report, in_order(findings)


def _print(findings: "Sequence[Finding]", report: "Report", path: Path, output: str, *, live: bool) -> None:
    from watchdog.survey import formats  # noqa: PLC0415 - after --help

    match output:
        case "json":
            valid = report.rulebook is not None
            click.echo(json.dumps({"file": str(path), "valid": valid, "findings": formats.as_json(findings)}))
        case "github":
            for line in formats.as_annotations(findings, path):
                click.echo(line)
        case "sarif":
            pass  # one log of all files
        case _:
            for line in formats.as_text(findings, path):
                click.echo(line)
            _conclude(findings, report, path, live=live)


def _conclude(findings: "Sequence[Finding]", report: "Report", path: Path, *, live: bool) -> None:
    from watchdog.survey.findings import Kind, Level  # noqa: PLC0415 - after --help

    if report.rulebook is None:
        unasked = "; the cluster and Prometheus were not asked" if live else ""
        mistakes = sum(finding.kind is Kind.MISTAKE for finding in findings)
        click.echo(f"{path}: {plural(mistakes, 'mistake')}{unasked}", err=True)
        return
    guards = report.rulebook.guards
    rules = sum(len(guard.rules) for guard in guards)
    counts = (
        plural(len(guards), "guard"),
        plural(rules, "rule"),
        plural(len(report.rulebook.channels), "channel"),
    )
    click.echo(f"{path}: valid; {', '.join(counts)}")
    if live:
        errors, warnings = (
            sum(finding.level is level for finding in findings) for level in (Level.ERROR, Level.WARNING)
        )
        click.echo(f"{path}: live; {plural(errors, 'error')}, {plural(warnings, 'warning')}")
