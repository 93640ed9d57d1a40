"""A dry run on a terminal: what happened scrolls by above, the open watches stand in a table below."""

from collections.abc import Iterator
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from watchdog.adapters.logs import printable
from watchdog.cli.rehearsed import Now, View, against, evidence_share, finding_of, left_of
from watchdog.cli.rehearsed_lines import Fact, lines_of
from watchdog.domain.judge import Finding
from watchdog.domain.part import part_of
from watchdog.domain.state import Phase, Track, Watch

_STYLES = {
    Finding.PASS: "green",
    Finding.BREACH: "bold red",
    Finding.UNDECIDED: "yellow",
    Finding.NO_DATA: "dim",
}
_LOUD = {"would-roll-back": "bold red", "held": "magenta", "switch": "cyan"}
_HEADINGS = ("TARGET", "SWITCH", "RULE", "VALUE / LIMIT", "EVIDENCE", "VERDICT", "LEFT")
_SHOWN_ENDED = 5
_BAR = 8  # characters
_NARROW = 80  # columns below which a table of seven columns cannot be read


class TableView(View):
    """The table is drawn anew four times a second, so that the time that is left goes on."""

    def __init__(self, now: Now, console: Console | None = None) -> None:
        super().__init__()
        self._now = now
        self._console = console or Console()
        self._live = Live(console=self._console, get_renderable=self.table, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def close(self) -> None:
        self._live.stop()
        self._console.print(self.table())

    def show(self, fact: Fact) -> None:
        if fact["event"] == "verdict":
            return  # the table has it
        for number, line in enumerate(lines_of(fact)):
            style = _LOUD.get(str(fact["event"]), "") if number == 0 else ""
            self._console.print(Text(printable(line), style=style), soft_wrap=True)

    def table(self) -> RenderableType:
        """The open watches, and the last that ended."""
        open_ones = [watch for watch in self.watches.values() if not watch.phase.terminal]
        ended = [watch for watch in self.watches.values() if watch.phase.terminal]
        if not self.watches:
            return Text("waiting for a switch; Ctrl-C ends it", style="dim")
        shown = [*ended[-_SHOWN_ENDED:], *open_ones]
        if self._console.width < _NARROW:
            return Group(*(line for watch in shown for line in self._lines(watch)))
        table = Table(box=None, header_style="bold", expand=True)
        for heading in _HEADINGS:
            table.add_column(heading, no_wrap=heading in ("EVIDENCE", "VERDICT", "LEFT"))
        for watch in shown:
            for number, track in enumerate(watch.tracks):
                table.add_row(*self._row(watch, track, first=number == 0))
        return Group(Text(), table)

    def _lines(self, watch: Watch) -> Iterator[Text]:
        """The same, one thing below the other."""
        yield Text()
        yield Text(printable(str(watch.switch.target)), style="bold")
        yield Text(f"{_candidate(watch)}, {self._left(watch)}")
        for track in watch.tracks:
            finding = finding_of(track)
            bar = _bar(track) if evidence_share(track) is not None else Text()
            parts = (Text(f"  {track.rule.name}"), Text(str(finding), _STYLES[finding]), Text(against(track)), bar)
            yield Text("  ").join(part for part in parts if part)

    def _left(self, watch: Watch) -> str:
        return str(watch.phase) if watch.phase is not Phase.WATCHING else left_of(watch, self._now())

    def _row(self, watch: Watch, track: Track, *, first: bool) -> tuple[RenderableType, ...]:
        finding = finding_of(track)
        left = Text(self._left(watch))
        return (
            Text(printable(str(watch.switch.target)) if first else "", style="bold"),
            Text(_candidate(watch) if first else ""),
            Text(track.rule.name),
            Text(against(track)),
            _bar(track),
            Text(str(finding), style=_STYLES[finding]),
            left if first else Text(),
        )


def _candidate(watch: Watch) -> str:
    return printable(", ".join(filter(None, (str(watch.switch.candidate), part_of(watch)))))


def _bar(track: Track) -> Text:
    share = evidence_share(track)
    if share is None:
        return Text("-", style="dim")
    full = int(share * _BAR)
    return Text(f"{'█' * full}{'░' * (_BAR - full)} {share:4.0%}", style=_STYLES[finding_of(track)])
