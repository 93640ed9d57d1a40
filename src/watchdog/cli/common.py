"""What several verbs share: the output option, settings, and errors as one line with the right exit code."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from watchdog.domain.rollout import TARGET_FORM
from watchdog.domain.text import printable
from watchdog.ports import OutOfReach

if TYPE_CHECKING:
    from watchdog.configured import Settings

T = TypeVar("T")

LARGEST_FILE = 1024 * 1024  # bytes of a rules file; the daemon reads no more either
LARGEST_PAST = 64 * LARGEST_FILE  # of what was: two hundred kept records are some 10 MiB
LONGEST_REASON = 1000
"""Characters of a reason: it is one line of a notice."""
_LONGEST_ERROR = 400
_NO_LETTERS = frozenset({"C", "POSIX"})

OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people, or JSON: one object, or where several things are listed one object a line.",
)


TARGETS = f"A target is {TARGET_FORM}."
"""What a verb's help says at its end."""

DRY_RUN = click.option("--dry-run", is_flag=True, help="The records of `run --dry-run`; they are kept apart.")


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--kubeconfig`, `--context`, `--namespace`: which cluster, and where the watchdog keeps its records there."""
    for option in (
        click.option("--namespace", "-n", help="The watchdog's own namespace, where its records are."),
        click.option("--context", help="The kubeconfig's context."),
        click.option("--kubeconfig", type=click.Path(path_type=Path), help="A kubeconfig; else WATCHDOG_KUBECONFIG."),
    ):
        command = option(command)
    return command


def fail(message: str, code: int = 1) -> NoReturn:
    """End with one clear line on standard error; what others wrote in it cannot move the cursor or begin a line."""
    shown = printable(message)
    click.echo(f"watchdog: {shown[:_LONGEST_ERROR]}{'…' if len(shown) > _LONGEST_ERROR else ''}", err=True)
    sys.exit(code)


def is_plain(encoding: str | None) -> bool:
    """Whether output of this encoding is to be ASCII: it is no UTF-8, or the locale asks for none.

    In the C locale Python writes UTF-8 all the same, and tells by no encoding that it was not asked to.
    """
    if not (encoding or "").lower().replace("-", "").startswith("utf8"):
        return True
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8") == "1":
        return False
    everything, letters = os.environ.get("LC_ALL"), os.environ.get("LC_CTYPE")
    # Where LC_ALL is not set, Python puts C.UTF-8 in LC_CTYPE itself; LANG still has what was asked for.
    if everything or letters not in (None, "", "C.UTF-8"):
        return (everything or letters) in _NO_LETTERS
    return os.environ.get("LANG") in _NO_LETTERS


def reason_or_exit(text: str) -> str:
    """A reason as it is kept; one that is too long to be read ends with exit code 2."""
    said = text.strip()
    if len(said) > LONGEST_REASON:
        fail(f"--reason is too long ({len(said):,} characters); write at most {LONGEST_REASON:,}", 2)
    return said


def plural(count: int, word: str) -> str:
    """`1 guard`, `3 guards`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def settings_or_exit(*, by_itself: bool = False, **overrides: object) -> "Settings":
    """The settings of the environment, with what the command line says instead; wrong ones end with exit code 2.

    `by_itself`: read in a process of its own, so that one that lives for long does not keep what reading them takes.
    """
    from watchdog.adapters.apart import apart  # noqa: PLC0415
    from watchdog.configured import SettingsError  # noqa: PLC0415

    def loaded() -> "Settings":
        from watchdog.settings import load  # noqa: PLC0415 - pydantic: verbs without settings stay quick

        return load(**{name: value for name, value in overrides.items() if value is not None})

    try:
        return apart(loaded) if by_itself else loaded()
    except SettingsError as error:
        for line in error.problems:
            click.echo(f"watchdog: {line}", err=True)
        sys.exit(2)


def log_unknown_settings() -> None:
    """Say which `WATCHDOG_...` variables mean nothing: one that is misspelt would silently not be in force."""
    from watchdog.configured import unknown_variables  # noqa: PLC0415

    for line in unknown_variables(os.environ):
        logging.getLogger("watchdog.settings").warning("unknown setting", extra={"facts": {"why": line}})


def read_file(path: Path, code: int = 1, *, largest: int = LARGEST_FILE) -> str:
    """The file's text; one that cannot be read, or has more bytes than `largest`, ends with this exit code."""
    raw = _bytes_of(path, code, largest)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        click.echo(f"{printable(str(path))}:{line}:{column}: this byte is not UTF-8; save the file as UTF-8 text")
        sys.exit(code)


def read_rules_text(path: Path) -> str:
    """The text of a rules file of which the mistakes are to be named; one that cannot be read ends with exit code 1.

    Bytes that are no UTF-8 become lone surrogates, so that the rulebook names their place.
    """
    return _bytes_of(path).decode("utf-8", errors="surrogateescape")


def _bytes_of(path: Path, code: int = 1, largest: int = LARGEST_FILE) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror or error}", code)
    if len(raw) > largest:
        fail(f"{path} is larger than {largest // 1024} KiB", code)
    return raw


def interrupted() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM, for a verb that ends by itself then; the second ends at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def asked(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, asked, number)
    return stop


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run it; a component out of reach ends with exit code 1."""
    try:
        return asyncio.run(main)
    except OutOfReach as error:
        fail(str(error))
