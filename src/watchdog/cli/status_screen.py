"""`status --watch` on a terminal: the page's first screen, drawn anew so that the time left goes on."""

from collections.abc import Callable, Iterator
from datetime import datetime
from io import TextIOWrapper
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from watchdog.adapters.logs import printable
from watchdog.cli.common import is_plain
from watchdog.domain.account import full_state, headline_of
from watchdog.domain.part import part_told
from watchdog.domain.reading import Record, Rule, rules_of, state_of
from watchdog.domain.time_left import time_left
from watchdog.engine.looking_on import Sight

_STATES = {
    "watching": "cyan", "recovering": "yellow", "deciding": "yellow", "holding": "magenta", "acting": "red",
    "passed": "green", "rolled-back": "red", "held": "magenta", "failed": "red",
}  # fmt: skip
_FINDINGS = {"breach": "bold red", "pass": "green", "undecided": "yellow"}
_BAR = 20
_IN_FULL = 6  # watches that are shown with their rules
_WIDE = 100  # columns from which on a rule's evidence is shown


class Screen:
    """The whole terminal for as long as it is entered."""

    def __init__(self, now: Callable[[], datetime], console: Console | None = None) -> None:
        self._now = now
        self._console = console or Console()
        self._plain = is_plain(self._console.encoding)
        if self._plain and isinstance(self._console.file, TextIOWrapper):
            self._console.file.reconfigure(errors="replace")  # a name may have letters that it cannot show
        self._sight: Sight | None = None
        self._live = Live(console=self._console, get_renderable=self.picture, refresh_per_second=2, screen=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, sight: Sight) -> None:
        """What there is to see now."""
        self._sight = sight

    def picture(self) -> RenderableType:
        """The screen."""
        return Text("reading the records") if self._sight is None else Group(*self._lines(self._sight))

    def _lines(self, sight: Sight) -> Iterator[RenderableType]:
        count = len(sight.open)
        many = "no watch is open" if not count else "1 watch is open" if count == 1 else f"{count} watches are open"
        yield Text.assemble((many, "bold"), (f"   {self._now():%Y-%m-%d %H:%M:%S} UTC   q leaves", "dim"))
        if sight.trouble:
            yield _words(f"no answer since {sight.at:%H:%M:%S} UTC, trying again: {sight.trouble}", "bold red")
        # What may need a person comes first.
        for index, record in enumerate(sorted(sight.open, key=lambda one: state_of(one) == "watching")):
            yield from self._watch(record) if index < _IN_FULL else self._line(record)
        if sight.ended:
            yield Text("\nLast outcomes", "bold")
        for record in sight.ended:
            yield from self._line(record)

    def _watch(self, record: Record) -> Iterator[RenderableType]:
        yield Text()
        yield self._name(record)
        yield _words(
            f"  {record.get('candidate')}, stable {record.get('stable') or 'none known: nothing to go back to'}"
        )
        if part := part_told(record):
            yield Text(f"  {part}")
        yield Text(f"  {self._left(record)}")
        if state_of(record) != "watching":
            yield _words(f"  {headline_of(record)}", "yellow")
        table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
        for rule in rules_of(record):
            table.add_row(*self._rule(rule))
        yield table

    def _line(self, record: Record) -> Iterator[RenderableType]:
        yield self._name(record)
        yield _words(f"  {headline_of(record)}", "dim")

    def _name(self, record: Record) -> Text:
        name = _words(str(record.get("target", "?")), "bold")
        return name.append("  ").append(_words(full_state(record), _STATES.get(state_of(record), "")))

    def _left(self, record: Record) -> str:
        left = time_left(record, self._now())
        return left.sentence if left.share is None else f"{self._bar(left.share)} {left.sentence}"

    def _bar(self, share: float) -> str:
        full, empty = ("#", ".") if self._plain else ("█", "░")
        left = round(share * _BAR)
        return full * left + empty * (_BAR - left)

    def _rule(self, rule: Rule) -> list[Text]:
        value, limit = rule.shown("value"), rule.shown("limit")
        cells = [_words(f"  {rule.name}"), _words(rule.finding, _FINDINGS.get(rule.finding, "dim"))]
        cells.append(Text(f"{value} / {limit}" if limit != "-" else value))
        return [*cells, Text(rule.stands(), "dim")] if self._console.width >= _WIDE else cells


def _words(text: str, style: str = "") -> Text:
    """Other people's text, as text."""
    return Text(printable(text), style)
