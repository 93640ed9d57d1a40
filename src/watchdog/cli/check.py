"""`watchdog check [FILE]`: every mistake of rules.toml at once, offline."""

import json
from pathlib import Path

import click

from watchdog.adapters.logs import printable
from watchdog.cli.common import OUTPUT


@click.command("check")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the file, for editors, and stop.")
@OUTPUT
def verb(file: Path | None, schema: bool, output: str) -> None:
    """Read FILE (WATCHDOG_RULES, else rules.toml) and name each mistake with its line and column.

    Exits 0 when the file could be taken up as it is, 1 when it has mistakes or cannot be read.
    """
    from watchdog import rulebook  # noqa: PLC0415 - after --help
    from watchdog.cli.common import read_file, settings_or_exit  # noqa: PLC0415

    if schema:
        click.echo(json.dumps(rulebook.schema(), indent=2))
        return
    path = file if file is not None else settings_or_exit().rules
    report = rulebook.check_rules(read_file(path), str(path))
    if output == "json":
        click.echo(
            json.dumps(
                {
                    "file": str(path),
                    "valid": not report.mistakes,
                    "mistakes": [_as_json(mistake) for mistake in report.mistakes],
                    "warnings": [_as_json(warning) for warning in report.warnings],
                }
            )
        )
    else:
        for mistake in report.mistakes:
            click.echo(printable(str(mistake)))
        # What nothing uses is only said of a file that is right: a mistake may be why it looks unused.
        for warning in () if report.mistakes else report.warnings:
            click.echo(printable(f"{warning} (warning)"))
        if report.rulebook is not None:
            guards = report.rulebook.guards
            rules = sum(len(guard.rules) for guard in guards)
            counts = (
                _plural(len(guards), "guard"),
                _plural(rules, "rule"),
                _plural(len(report.rulebook.channels), "channel"),
            )
            click.echo(f"{path}: valid; {', '.join(counts)}")
        else:
            count = len(report.mistakes)
            click.echo(f"{path}: {count} mistake{'s' if count != 1 else ''}", err=True)
    if report.mistakes:
        raise SystemExit(1)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _as_json(mistake: object) -> dict[str, object]:
    return {name: getattr(mistake, name) for name in ("line", "column", "message", "remedy")}
