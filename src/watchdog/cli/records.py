"""Reads records from the cluster and prints them."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from watchdog.cli.common import run_async
from watchdog.domain.text import printable

if TYPE_CHECKING:
    from watchdog.settings import Settings

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
    # For a file or a pipe there is no edge at which to fold, and who searches wants whole words.
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    for record in records:
        outcome, lines = _block(record)
        style = _COLOURS.get(str(record.get("outcome")), "cyan")
        dry = r"\[dry run] " if record.get("dry_run") else ""
        console.print(f"{dry}[{style}]{_shown(outcome)}[/{style}]  [bold]{_shown(record.get('target', '?'))}[/bold]")
        for line in lines:
            console.print(Padding(_shown(line), (0, 0, 0, 2)))


def _shown(value: object) -> str:
    """Text of a record as text: it is other people's, and neither marks up nor steers the terminal."""
    text = str(value)
    return escape(printable(text if len(text) <= _LONGEST else text[:_LONGEST] + "…"))


def _block(record: Record) -> tuple[str, list[str]]:
    outcome = str(record.get("outcome") or record.get("phase") or "?")
    recovery = f", {record['recovery']}" if record.get("recovery") else ""
    lines = [
        f"{record.get('candidate', '?')}, switched at {_moment(record.get('switched_at'))} UTC{_by(record)}",
        str(record.get("reason") or _standing(record)),
        f"watchdog explain {record.get('watch', '?')}",
    ]
    if record.get("dry_run"):
        lines[-1] = f"watchdog explain --dry-run {record.get('watch', '?')}"
    return outcome + recovery, [line for line in lines if line]


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


def print_story(record: Record) -> None:
    """One record, as a short report."""
    # Highlighting takes minutes over a text of 200,000 letters.
    console = Console(highlight=False)
    outcome = str(record.get("outcome") or f"open ({record.get('phase')})")
    recovery = f", {record['recovery']}" if record.get("recovery") else ""
    dry = "  (a dry run)" if record.get("dry_run") else ""
    console.print(f"[bold]{_shown(record.get('target'))}[/bold]  {_shown(outcome + recovery)}{dry}")
    facts = [
        ("watch", record.get("watch")),
        ("guard", record.get("guard")),
        ("candidate", record.get("candidate")),
        ("stable", record.get("stable") or "none known"),
        ("switched", f"{_moment(record.get('switched_at'))} UTC" + _by(record)),
        ("by hand", record.get("by_hand")),
        ("put back", f"{_moment(record['acted_at'])} UTC" if record.get("acted_at") else ""),
        ("ended", f"{_moment(record['ended_at'])} UTC" if record.get("ended_at") else ""),
        ("why", record.get("reason")),
    ]
    for name, fact in facts:
        if fact:
            console.print(f"  {name:<10}{_shown(fact)}", soft_wrap=True)
    _print_changes(console, record)
    console.print("\n[bold]Rules[/bold]")
    for name, rule in _table(record.get("rules")).items():
        known = _table(rule)
        console.print(f"  {_shown(name):<14} {_shown(known.get('finding')):<10} ", end="")
        console.print(_shown(known.get("sentence", "")), soft_wrap=True)
        if known.get("query"):
            console.print(f"  {'':<25} [dim]{_shown(known['query'])}[/dim]", soft_wrap=True)
    _print_peers(console, record.get("peers"))
    _print_unsent(console, record.get("would_send"))
    console.print("\n[bold]Told[/bold]")
    for notice in _tables(record.get("notices")):
        deliveries = ", ".join(f"{channel}: {state}" for channel, state in _table(notice.get("deliveries")).items())
        told = _shown(deliveries or "no channel wants it")
        told_of = f"{_shown(_moment(notice.get('at')))}  {_shown(notice.get('title'))}"
        console.print(f"  {told_of}  [dim]{told}[/dim]", soft_wrap=True)


def _print_changes(console: Console, record: Record) -> None:
    """What differs between stable and the candidate, where that is known."""
    found = record.get("changes")
    lines = [str(line) for line in found] if isinstance(found, list) else []
    if record.get("commits"):
        lines.append(f"commits: {record['commits']}")
    if lines:
        console.print("\n[bold]Changed[/bold]")
    for line in lines:
        console.print(f"  {_shown(line)}", soft_wrap=True)


def _print_unsent(console: Console, writes: object) -> None:
    """What a dry run would have sent."""
    if not _tables(writes):
        return
    console.print("\n[bold]Would have sent[/bold]")
    for write in _tables(writes):
        console.print(f"  {_shown(write.get('method'))} {_shown(write.get('path'))}", soft_wrap=True)
        console.print(f"  Content-Type: {_shown(write.get('content_type'))}", soft_wrap=True)
        console.print(f"  {_shown(write.get('body'))}", soft_wrap=True, highlight=False)


def _print_peers(console: Console, compared: object) -> None:
    """How the peers fared when it was decided, where that was asked."""
    if not _tables(compared):
        return
    console.print("\n[bold]Peers[/bold]")
    for one in _tables(compared):
        said = one.get("why") or ("shared: they fail alike" if one.get("shared") else "not shared")
        stretch = f"{_moment(one.get('from'))} to {_moment(one.get('to'))} UTC"
        console.print(f"  {_shown(one.get('rule')):<14} {_shown(said)}, {_shown(stretch)}", soft_wrap=True)
        for peer in _tables(one.get("peers")):
            fared = "not usable" if not peer.get("usable") else "alike" if peer.get("alike") else "not alike"
            line = f"{_shown(peer.get('target'))}: {_shown(peer.get('sentence'))}"
            console.print(f"  {'':<14} {fared:<10} {line}", soft_wrap=True)


def _table(value: object) -> Mapping[str, Any]:
    """A record may have been written by anybody: what has another shape is left out."""
    return value if isinstance(value, Mapping) else {}


def _tables(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _by(record: Record) -> str:
    return f" by {record['switched_by']}" if record.get("switched_by") else ""
