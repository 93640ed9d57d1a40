"""Reads records from the cluster and prints them."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from watchdog.cli.common import fail, run_async
from watchdog.domain.account import headline_of
from watchdog.domain.marks import mark_of
from watchdog.domain.part import part_told
from watchdog.domain.reading import is_open, items
from watchdog.domain.text import printable

if TYPE_CHECKING:
    from watchdog.configured import Settings
    from watchdog.domain.summing_up import Summary

Record = Mapping[str, Any]

_WIDE = 240
_LONGEST = 20_000  # characters of one fact; -o json has all of it

_COLOURS = {
    "passed": "green",
    "rolled-back": "red",
    "held": "magenta",
    "failed": "red",
    "notified": "yellow",
    "would-roll-back": "red",
    "inconclusive": "yellow",
    "superseded": "dim",
}


def records_of(settings: "Settings") -> Sequence[Record]:
    """All records, newest first; ends the program where the cluster is out of reach."""
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.remote import read_records  # noqa: PLC0415 - half a second

    return run_async(read_records(settings, SystemClock()))


def known_watch(records: Sequence[Record], watch: str) -> Record:
    """The record of a watch, by its id or an unambiguous beginning of it; ends the program where there is none."""
    known = {str(record.get("watch")): record for record in records}
    matching = [name for name in known if name == watch] or [name for name in known if name.startswith(watch)]
    if not matching:
        fail(f"there is no watch {watch!r}; `watchdog history` and `watchdog status` list them")
    if len(matching) > 1:
        fail(f"{watch!r} begins several watches: {', '.join(matching)}")
    return known[matching[0]]


def page_of(record: Record, settings: "Settings") -> str:
    """The page of the watch as one HTML file."""
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.adapters.web.pages import Setting, watch_page  # noqa: PLC0415

    return watch_page(record, Setting(SystemClock().now(), prometheus=settings.prometheus_public_url))


def print_records(records: Sequence[Record], output: str, *, empty: str) -> None:
    """As short blocks for people, or as one JSON object a line without the part that only the watchdog reads."""
    if output == "json":
        for record in records:
            click.echo(json.dumps({key: value for key, value in record.items() if key != "state"}))
        return
    if not records:
        click.echo(empty)
        return
    console = console_of_lists()
    for record in records:
        outcome, lines = _block(record)
        style = _COLOURS.get(str(record.get("outcome")), "cyan")
        dry = r"\[dry run] " if record.get("dry_run") else ""
        console.print(
            f"{dry}[{style}]{shown(outcome)}[/{style}]  [bold]{shown(record.get('target', '?'))}[/bold]", soft_wrap=True
        )
        for line in lines:
            if sys.stdout.isatty():
                console.print(Padding(shown(line), (0, 0, 0, 2)))
            else:
                console.print(f"  {shown(line)}", soft_wrap=True)


def print_summary(found: "Summary", *, left_out: int) -> None:
    """What the watches amount to, below their list; `left_out` of them are not in it."""
    console = console_of_lists()
    if left_out:
        console.print(f"[dim]{left_out} more, older; --limit shows them[/dim]")
    console.print()
    for line in found.sentences:
        console.print(shown(line))


def console_of_lists() -> Console:
    """For a file or a pipe there is no edge at which to fold, and who searches wants whole words."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def shown(value: object) -> str:
    """Text of a record as text: it is other people's, and neither marks up nor steers the terminal."""
    text = str(value)
    return escape(printable(text if len(text) <= _LONGEST else text[:_LONGEST] + "…"))


def _block(record: Record) -> tuple[str, list[str]]:
    outcome = str(record.get("outcome") or record.get("phase") or "?")
    recovery = f", {record['recovery']}" if record.get("recovery") else ""
    mark = mark_of(record)
    lines = [
        f"{record.get('candidate', '?')}, switched at {_moment(record.get('switched_at'))} UTC{_by(record)}",
        part_told(record) if is_open(record) else "",
        _why(record),
        *(str(line) for line in items(record.get("outlook")) if is_open(record)),
        "" if mark is None else mark.sentence,
        f"watchdog explain {record.get('watch', '?')}",
    ]
    if record.get("dry_run"):
        lines[-1] = f"watchdog explain --dry-run {record.get('watch', '?')}"
    return outcome + recovery, [line for line in lines if line]


def _why(record: Record) -> str:
    """Why it ended so, in the sentence that people were told; of an open one, how it stands."""
    told = "" if is_open(record) else headline_of(record)
    return told or str(record.get("reason") or _standing(record))


def _standing(record: Record) -> str:
    rules = record.get("rules")
    if not isinstance(rules, Mapping):
        return ""
    standing = ", ".join(f"{name} {rule.get('finding')}" for name, rule in rules.items() if isinstance(rule, Mapping))
    written = max((str(rule.get("at", "")) for rule in rules.values() if isinstance(rule, Mapping)), default="")
    # Records are written when something happens; the daemon's own /api/watches has this very moment.
    return f"{standing} (when last written, {_moment(written)} UTC)" if written else standing


def _moment(text: object) -> str:
    return str(text)[:19].replace("T", " ") if text else "-"


def _by(record: Record) -> str:
    return f" by {record['switched_by']}" if record.get("switched_by") else ""
