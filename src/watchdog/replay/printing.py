"""One report, however it is wanted: a table for a terminal, or text for programs, pull requests and browsers."""

import json

from rich.console import Console

from watchdog.replay.rendering.html import html
from watchdog.replay.rendering.markdown import markdown
from watchdog.replay.report import Comparison, Report, document_of
from watchdog.replay.table import show as show_report
from watchdog.replay.table import show_comparison


def show(found: Report | Comparison, *, width: int | None) -> None:
    """Print the table; `width` None is the terminal's."""
    console = Console(width=width)
    if isinstance(found, Comparison):
        show_comparison(found, console)
    else:
        show_report(found, console)


def printed(found: Report | Comparison, output: str) -> str:
    """The text of a format."""
    match output:
        case "json":
            return json.dumps(document_of(found), allow_nan=False)
        case "markdown":
            return markdown(found).rstrip("\n")
        case "html":
            return html(found).rstrip("\n")
        case _:
            raise ValueError(f"no format {output!r}")
