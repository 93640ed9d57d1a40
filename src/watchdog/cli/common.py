"""What several verbs share: the output option, settings, and errors as one line with the right exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from watchdog.ports import OutOfReach
from watchdog.settings import Settings, SettingsError, load, unknown_variables

T = TypeVar("T")

OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print."
)


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
    click.echo(f"watchdog: {one_line(message)}", err=True)
    sys.exit(code)


def one_line(text: str) -> str:
    """The text with line ends and control characters written out, whoever wrote it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def settings_or_exit(**overrides: object) -> Settings:
    """The settings of the environment, with what the command line says instead; wrong ones end with exit code 2."""
    try:
        return load(**{name: value for name, value in overrides.items() if value is not None})
    except SettingsError as error:
        for line in error.problems:
            click.echo(f"watchdog: {line}", err=True)
        sys.exit(2)


def log_unknown_settings() -> None:
    """Say which `WATCHDOG_...` variables mean nothing: one that is misspelt would silently not be in force."""
    for line in unknown_variables(os.environ):
        logging.getLogger("watchdog.settings").warning("unknown setting", extra={"facts": {"why": line}})


def read_file(path: Path) -> str:
    """The file's text; one that cannot be read ends with exit code 1."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        fail(f"{path} cannot be read: {reason}")


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run it; a component out of reach ends with exit code 1."""
    try:
        return asyncio.run(main)
    except OutOfReach as error:
        fail(str(error))
