"""Which file tests which: `rules.test.toml` beside `rules.toml`, and which tests of it are wanted."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from watchdog.ports import Clock
from watchdog.replay.rule_tests.cases import Case
from watchdog.replay.rule_tests.checking import Result, check
from watchdog.replay.rule_tests.running import run_case

_TEST_ENDING = ".test.toml"


def neighbours(path: Path) -> tuple[Path, Path]:
    """The rules file and its test file, of whichever of both is given."""
    if path.name.endswith(_TEST_ENDING):
        return path.with_name(path.name.removesuffix(_TEST_ENDING) + ".toml"), path
    return path, path.with_name(path.name.removesuffix(".toml") + _TEST_ENDING)


def chosen(cases: Sequence[Case], pattern: str | None) -> tuple[Case, ...]:
    """The tests whose name holds a text, whatever its case; or fits it, where it has * or ?."""
    if pattern is None:
        return tuple(cases)
    wanted = pattern.casefold()
    if not set("*?") & set(wanted):
        wanted = f"*{wanted}*"
    # A bracket is a letter like any other: it stands in names of tests.
    return tuple(case for case in cases if fnmatchcase(case.name.casefold(), wanted.replace("[", "[[]")))


def run_all(cases: Sequence[Case], clock: Clock) -> tuple[Result, ...]:
    """Run tests one after the other. `clock` says how long each took."""
    results = []
    for case in cases:
        began = clock.monotonic()
        run = run_case(case)
        results.append(Result(run, check(run), clock.monotonic() - began))
    return tuple(results)
