"""`watchdog test [FILE]`: rule unit tests, offline and on simulated time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchdog.adapters.logs import hushed, printable
from watchdog.cli.common import OUTPUT

if TYPE_CHECKING:
    from watchdog.domain.rules import Rulebook
    from watchdog.replay.rule_tests.cases import Case
    from watchdog.rulebook import Mistake


@click.command("test")
@click.argument("named", metavar="[FILE]...", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option("-k", "pattern", metavar="PATTERN", help="Only tests whose name holds PATTERN (or fits it, with * or ?).")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML to this file as well.")
@click.option("-v", "--verbose", is_flag=True, help="Show what each test expected, of passed ones too.")
@click.option("--new", "rule", metavar="RULE", help="Print a first good and a first bad release for RULE, and stop.")
@click.option("--guard", metavar="GUARD", help="With --new: under which guard; else the first one that has the rule.")
@click.option("--write", is_flag=True, help="With --new: append it to the test file instead of printing it.")
@OUTPUT
def verb(
    named: tuple[Path, ...],
    pattern: str | None,
    junit: Path | None,
    verbose: bool,
    rule: str | None,
    guard: str | None,
    write: bool,
    output: str,
) -> None:
    """Run the tests of each FILE: a rules file, or its test file; rules.test.toml stands beside rules.toml.

    FILE is WATCHDOG_RULES, else rules.toml, where it is not given. Nothing is asked of a cluster or a Prometheus, and
    no time passes. Exits 0 when all tests passed, 1 when one failed or a file has mistakes or cannot be read.
    """
    from watchdog.cli.common import fail, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.replay.rule_tests import files  # noqa: PLC0415

    click.get_current_context().with_resource(hushed())  # what a watch would log is in its test's result
    if rule is None and (write or guard is not None):
        fail("--write and --guard go with --new RULE", 2)
    pairs = tuple(dict.fromkeys(map(files.neighbours, named or (settings_or_exit().rules,))))
    if len(pairs) > 1 and (rule is not None or junit is not None):
        fail("--new and --junit go with the tests of one rules file", 2)
    if rule is not None:
        rules_path, tests_path = pairs[0]
        rulebook = _rulebook(rules_path)
        if rulebook is None:
            raise SystemExit(1)
        _first_test(rulebook, rule, guard, tests_path if write else None)
        return
    read = [_cases(*pair) for pair in pairs]
    chosen = [None if cases is None else files.chosen(cases, pattern) for cases in read]
    if not any(cases is None or cases for cases in chosen):
        fail(f"no test of {', '.join(str(tests) for _, tests in pairs)} has {pattern} in its name", 2)
    passed = [
        _ran(cases, *pair, junit, output, verbose=verbose) for pair, cases in zip(pairs, chosen, strict=True) if cases
    ]
    if not all(passed) or None in chosen:
        raise SystemExit(1)


def _rulebook(path: Path) -> "Rulebook | None":
    """The rules, or None where mistakes were said."""
    from watchdog.cli.common import read_file  # noqa: PLC0415
    from watchdog.rulebook import check_rules  # noqa: PLC0415

    rules = check_rules(read_file(path), str(path))
    if rules.rulebook is None:
        _say_mistakes(rules.mistakes, str(path))
    return rules.rulebook


def _cases(rules_path: Path, tests_path: Path) -> "Sequence[Case] | None":
    """The tests of a rules file, or None where mistakes were said."""
    from watchdog.cli.common import fail, read_file  # noqa: PLC0415
    from watchdog.replay.rule_tests import reading  # noqa: PLC0415

    rulebook = _rulebook(rules_path)
    if rulebook is None:
        return None
    if not tests_path.exists():
        fail(f"{tests_path} is not there; watchdog test {rules_path} --new RULE --write writes a first test of a rule")
    tests = reading.read_tests(read_file(tests_path), rulebook, str(tests_path))
    if tests.cases is None:
        _say_mistakes(tests.mistakes, str(tests_path))
        return None
    for warning in tests.warnings:
        click.echo(printable(f"{warning} (warning)"), err=True)
    return tests.cases


def _ran(
    cases: "Sequence[Case]", rules_path: Path, tests_path: Path, junit: Path | None, output: str, *, verbose: bool
) -> bool:
    """Run and show them; whether all passed."""
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.replay.rule_tests import files, reports  # noqa: PLC0415

    results = files.run_all(cases, SystemClock())
    if junit is not None:
        try:
            junit.write_text(reports.junit_of(results, str(tests_path)), encoding="utf-8")
        except OSError as error:
            fail(f"{junit} cannot be written: {error.strerror or error}")
    if output == "json":
        click.echo(json.dumps(reports.json_of(results, str(tests_path), str(rules_path))))
    else:
        for line in reports.lines_of(results, str(tests_path), verbose=verbose):
            click.echo(printable(line))
    return all(result.passed for result in results)


def _first_test(rulebook: "Rulebook", rule: str, guard: str | None, path: Path | None) -> None:
    from watchdog.cli.common import fail, read_file  # noqa: PLC0415
    from watchdog.replay.rule_tests.example_labels import CannotWrite  # noqa: PLC0415
    from watchdog.replay.rule_tests.first_test import HEADER, NoSuchName, first_tests  # noqa: PLC0415

    try:
        text = first_tests(rulebook, rule, guard)
    except NoSuchName as error:
        fail(str(error), 2)
    except CannotWrite as error:
        fail(str(error))
    if path is None:
        click.echo(text, nl=False)
        return
    before = f"{read_file(path).rstrip()}\n" if path.exists() else HEADER
    if text.splitlines()[1] in before:
        fail(f"{path} has the first tests of rule {rule} already")
    try:
        path.write_text(f"{before}\n{text}", encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}")
    click.echo(f"{path}: two tests of rule {rule} were added; watchdog test -k {rule} runs them")


def _say_mistakes(mistakes: "Sequence[Mistake]", path: str) -> None:
    for mistake in mistakes:
        click.echo(printable(str(mistake)))
    click.echo(f"{path}: {len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'}", err=True)
