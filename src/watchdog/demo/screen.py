"""What the demo shows: a table that lives where there is a terminal, and lines that stay everywhere."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from watchdog.domain.judge import Finding
from watchdog.domain.judge.verdict import number
from watchdog.domain.state import Phase, Track, Watch

_STYLES = {
    Phase.WATCHING: "cyan",
    Phase.DECIDING: "yellow",
    Phase.HOLDING: "magenta",
    Phase.ACTING: "yellow",
    Phase.RECOVERING: "yellow",
    Phase.PASSED: "bold green",
    Phase.ROLLED_BACK: "bold red",
}
_MARKS = {
    Finding.PASS: ("✔", "green"),
    Finding.BREACH: ("✘", "bold red"),
    Finding.UNDECIDED: ("…", "yellow"),
    Finding.NO_DATA: ("·", "dim"),
}


class Screen:
    """Prints for people; on a terminal also keeps a table of the watches at the bottom."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.watches: dict[str, Watch] = {}
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._begun: datetime | None = None

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def rules(self, text: str) -> None:
        """The rules it goes by."""
        self.console.print(Panel(Syntax(text.strip(), "toml", background_color="default"), title="rules.toml"))
        if self.console.record:
            self.console.export_text(clear=True)  # a picture begins with the action

    def say(self, now: datetime, text: str, style: str = "") -> None:
        """One line, with the seconds since the demo began."""
        self._begun = self._begun or now
        seconds = (now - self._begun).total_seconds()
        line = Table.grid(padding=(0, 2))
        line.add_row(Text(f"{seconds:5.1f} s", style="dim"), Text(text, style=style))
        self.console.print(line)

    def paste(self, what: str, lines: Iterable[str]) -> None:
        """Lines for a shell: never folded."""
        self.console.print(Text(what))
        for line in lines:
            self.console.print(Text(line, style="bold"), soft_wrap=True)

    def notice(self, text: str) -> None:
        """A notice, as the channel shows it."""
        channel, _, body = text.partition("\n")
        self.console.print(Panel(Text(body), title=escape(f"Slack {channel}"), title_align="left", border_style="blue"))

    def stepped(self, watch: Watch, now: datetime) -> None:
        """A watch took a step: say what is new, and keep the table up to date."""
        before = self.watches.get(watch.id)
        self.watches[watch.id] = watch
        for line, style in _news(before, watch):
            self.say(now, line, style)
        if self._live is not None:
            self._live.update(self._table(now))

    def refresh(self, now: datetime) -> None:
        """Let the bars move on."""
        if self._live is not None:
            self._live.update(self._table(now))

    def _table(self, now: datetime) -> Group:
        table = Table(title="Open watches", title_justify="left", expand=True, box=None, header_style="bold")
        for heading in ("TARGET", "CANDIDATE", "PHASE", "RULES", "BAKE"):
            table.add_column(heading)
        for watch in self.watches.values():
            if not watch.phase.terminal:
                table.add_row(
                    watch.switch.target.name,
                    _image(watch),
                    Text(watch.phase.value, style=_STYLES.get(watch.phase, "")),
                    _marks(watch.tracks),
                    _bake(watch, now),
                )
        return Group(Text(), table)

    def outcomes(self, expected: Mapping[str, str]) -> bool:
        """The table at the end; whether each outcome is the expected one."""
        table = Table(title="Outcomes", title_justify="left", header_style="bold")
        for heading in ("TARGET", "CANDIDATE", "OUTCOME", "AFTER", "WHY", "AS EXPECTED"):
            table.add_column(heading, overflow="fold", no_wrap=heading in ("CANDIDATE", "OUTCOME"))
        all_right = True
        for name, outcome in expected.items():
            watch = next((one for one in self.watches.values() if one.switch.target.name == name), None)
            found = watch.phase.value if watch is not None else "no watch"
            recovery = f", {watch.recovery}" if watch is not None and watch.recovery else ""
            right = found == outcome and recovery in ("", ", recovered")
            all_right = all_right and right
            table.add_row(
                name,
                _image(watch) if watch is not None else "-",
                Text(
                    found + recovery.replace(", ", "\n"),
                    style=_STYLES.get(watch.phase, "") if watch is not None else "red",
                ),
                _after(watch),
                _why(watch),
                Text("✔" if right else f"✘ {outcome}", style="green" if right else "bold red"),
            )
        self.console.print(table)
        return all_right


def _news(before: Watch | None, watch: Watch) -> Iterable[tuple[str, str]]:
    name = watch.switch.target.name
    if before is None:
        how = "is flipped to" if watch.switch.flips else "rolls out"
        yield f"{name} {how} {_image(watch)}: watched by guard {watch.guard.name}", "cyan"
    elif before.bake_from is None and watch.bake_from is not None:
        yield f"{name}: the rollout is complete, the bake begins", ""
    for track in watch.tracks:
        old = before.track(track.rule.name) if before is not None else None
        if track.breach is not None and (old is None or old.breach is None):
            yield f"{name}: rule {track.rule.name} is breached: {track.breach.sentence}", "bold red"
    if before is not None and before.phase is not watch.phase:
        if watch.phase is Phase.ACTING and watch.remedy is not None:
            yield f"{name}: every check passed, putting back to {watch.remedy.to}", "yellow"
        elif watch.phase is Phase.RECOVERING:
            yield f"{name}: put back; does it help?", "yellow"
        elif watch.phase.terminal:
            recovery = f", {watch.recovery}" if watch.recovery else ""
            yield f"{name}: {watch.phase}{recovery}: {watch.reason}", _STYLES.get(watch.phase, "")


def _image(watch: Watch) -> str:
    return ", ".join(image.rsplit("/", 1)[-1] for image in watch.switch.candidate.images)


def _marks(tracks: Iterable[Track]) -> Text:
    text = Text()
    for track in tracks:
        finding = track.verdict.finding if track.verdict is not None else Finding.NO_DATA
        mark, style = _MARKS[Finding.BREACH if track.breach is not None else finding]
        text.append(f"{mark} {track.rule.name} ", style=style)
        evidence = track.verdict.evidence if track.verdict is not None else None
        if evidence is not None and evidence.value is not None and track.threshold is not None:
            text.append(f"{number(evidence.value, evidence.dimension)} ", style="dim")
    return text


def _bake(watch: Watch, now: datetime) -> ProgressBar | str:
    if watch.bake_from is None:
        return "rolling out"
    total = watch.guard.bake.total_seconds()
    return ProgressBar(total=total, completed=min(total, (now - watch.bake_from).total_seconds()), width=16)


def _after(watch: Watch | None) -> str:
    if watch is None or watch.ended_at is None:
        return "-"
    decided = watch.breached_at or watch.ended_at
    return f"{(decided - watch.switch.at).total_seconds():.0f} s"


def _why(watch: Watch | None) -> str:
    if watch is None:
        return "-"
    breaches = [
        f"{name}: {track.breach.sentence}" for name in watch.breached if (track := watch.track(name)) and track.breach
    ]
    return "; ".join(breaches) or watch.reason
