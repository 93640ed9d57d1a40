"""A watch as a short incident report in a terminal: 80 columns are enough, and signs say what colours say."""

import re
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from watchdog.adapters.links import prometheus_link, single_queries
from watchdog.adapters.web.pages.plots import figure_of
from watchdog.cli.common import is_plain
from watchdog.cli.records import Record, shown
from watchdog.domain.account import Account, account_of
from watchdog.domain.checks import Answer
from watchdog.domain.part import part_told
from watchdog.domain.reading import Rule, items, mapping, moment, rules_of
from watchdog.drawing import Tone
from watchdog.drawing.in_terminal import in_terminal

_WIDE, _WIDEST = 80, 110
_ROWS, _FEW_ROWS = 12, 5
_JOINED = "\ue000"
"""Stands for the blank between a number and its unit while a line is folded; no text that is shown has it."""
_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h|d|m|cores|[KMG]iB|B|UTC)(?!\w))")
_SIGNS = {
    Answer.PASSED.value: ("✓", "+", "green"),
    Answer.REFUSED.value: ("✕", "x", "red"),
    Answer.PASSED_OVER.value: ("»", ">", "yellow"),
    Answer.NOT_REACHED.value: ("·", ".", "dim"),
}
_TONES = {"good": "green", "bad": "red", "doubt": "yellow", "live": "cyan"}
_FINDINGS = {"breach": "bold red", "pass": "green", "undecided": "yellow"}
_STYLES = {
    Tone.VALUE: "cyan", Tone.LIMIT: "red", Tone.BASELINE: "dim", Tone.EVIDENCE: "magenta", Tone.SWITCH: "bold",
    Tone.BREACH: "red", Tone.ACT: "magenta", Tone.RECOVERY: "green", Tone.MUTED: "dim", Tone.FAINT: "dim",
    Tone.FRAME: "dim",
}  # fmt: skip


def print_story(record: Record, prometheus: str | None = None) -> None:
    """One record, as a short incident report. `prometheus`: where people reach it, for links."""
    _Report(record, prometheus).tell()


class _Report:
    def __init__(self, record: Record, prometheus: str | None) -> None:
        self._plain = is_plain(sys.stdout.encoding)
        self._piped = not sys.stdout.isatty()
        # Highlighting takes minutes over a text of 200,000 letters.
        self._console = Console(width=_WIDE if self._piped else None, highlight=False)
        self._record = record
        self._prometheus = prometheus
        self._account = account_of(record)

    def tell(self) -> None:
        account = self._account
        self._head(account)
        self._timeline(account)
        self._listed("Impact", account.impact.sentences)
        self._listed("Where it hurts", account.hurts)
        commits = [f"commits: {account.commits}"] if account.commits else []
        self._listed("What changed", [*account.changed, *commits])
        self._evidence()
        self._decision(account)
        self._peers()
        self._unsent()
        self._told()
        self._next(account)

    def _say(self, text: str, indent: int = 2, style: str = "", *, first: str = "") -> None:
        """Markup that is folded at a terminal's edge; a pipe has none, and who searches wants whole lines.

        What is folded stands below itself, not below `first`.
        """
        if self._plain:
            text = text.encode("ascii", "replace").decode("ascii")
        if self._piped:
            self._console.print(" " * indent + first + text, style=style, soft_wrap=True)
            return
        before = " " * indent + first
        joined = Text.from_markup(_UNIT.sub(_JOINED, text), style=style)
        for number, line in enumerate(joined.wrap(self._console, max(self._console.width - len(before), 20))):
            line.plain = line.plain.replace(_JOINED, " ")
            self._console.print(Text(before if number == 0 else " " * len(before)).append_text(line), soft_wrap=True)

    def _copied(self, text: object, indent: int = 4) -> None:
        """A command or a query: never folded."""
        said = shown(text)
        if self._plain:
            said = said.encode("ascii", "backslashreplace").decode("ascii")
        self._console.print(" " * indent + f"[bold]{said}[/bold]", soft_wrap=True)

    def _title(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/bold]")

    def _listed(self, title: str, lines: Iterable[str]) -> None:
        lines = list(lines)
        if lines:
            self._title(title)
        for line in lines:
            self._say(shown(line))

    def _head(self, account: Account) -> None:
        record = self._record
        dry = "  (a dry run)" if record.get("dry_run") else ""
        self._say(f"[bold]{shown(record.get('target'))}[/bold]  {shown(account.state)}{dry}", 0)
        self._say(shown(account.headline), 0, "bold")
        if account.mark:
            self._say(shown(account.mark), 0, "yellow")
        stable = record.get("stable") or "none known"
        for name in ("watch", "guard", "candidate"):
            self._say(f"{name:<11}{shown(record.get(name) or '?')}")
        self._say(f"{'stable':<11}{shown(stable)}")
        if part := part_told(record):
            self._say(f"{'traffic':<11}{shown(part)}")
        for name, field in (("by hand", "by_hand"), ("only tells", "notify_only")):
            if record.get(field):
                self._say(f"{name:<11}{shown(record[field])}")

    def _timeline(self, account: Account) -> None:
        switched = moment(self._record.get("switched_at"))
        self._title(f"What happened{f' on {switched:%Y-%m-%d}' if switched else ''} (UTC)")
        wide = max((len(one.after) for one in account.timeline), default=0)
        for one in account.timeline:
            what = f"[{_TONES[one.tone]}]{shown(one.what)}[/]" if one.tone in _TONES else shown(one.what)
            why = f": {shown(one.why)}" if one.why else ""
            self._say(f"{what}{why}", first=f"{one.at:%H:%M:%S}  {one.after:<{wide}}  ")

    def _evidence(self) -> None:
        self._title("Evidence")
        rules = rules_of(self._record)
        worst = {rule.name for rule in rules if rule.finding == "breach"}
        for index, rule in enumerate(rules):
            style = _FINDINGS.get(rule.finding, "dim")
            text = f"  [dim]{shown(rule.text)}[/dim]" if rule.text else ""
            found = "not judged" if self._record.get("by_hand") and rule.finding == "no-data" else rule.finding
            self._say(f"[bold]{shown(rule.name)}[/bold]  [{style}]{shown(found)}[/{style}]{text}")
            self._say(shown(rule.sentence), 4)
            numbers = [f"{name} {value}" for name, value in rule.numbers()]
            numbers += [f"evidence {rule.stands()}"] if rule.by_evidence else []
            if numbers:
                self._say(shown(", ".join(numbers)), 4)
            if not worst or rule.name in worst:
                self._plot(rule, f"r{index}", _ROWS if worst else _FEW_ROWS)
            if rule.query and (not worst or rule.name in worst):
                self._say("asked as", 4, "dim")
                self._copied(rule.query, 6)
        if not rules:
            self._say("no rule was judged", style="dim")

    def _plot(self, rule: Rule, key: str, rows: int) -> None:
        figure = figure_of(self._record, rule, key)
        if figure is None:
            return
        width = min(self._console.width, _WIDEST) - 4
        for line in in_terminal(figure, figure.panels[0], width=width, rows=rows, plain=self._plain):
            text = Text("    ")
            for run, tone in line:
                text.append(run, _STYLES.get(tone, "") if tone is not None else "")
            text.rstrip()
            self._console.print(text, soft_wrap=True)

    def _decision(self, account: Account) -> None:
        self._title("Decision")
        self._say(shown(account.decision))
        for one in account.checks:
            sign, plain, style = _SIGNS.get(one.answer, ("·", ".", "dim"))
            why = f": {shown(one.why)}" if one.why else ""
            said = "" if one.answer == Answer.PASSED.value else f"{shown(one.spoken)}: "
            self._say(f"[{style}]{plain if self._plain else sign}[/{style}] {said}{shown(one.holds)}{why}")
        for service, why in mapping(self._record.get("left")).items():
            self._say(f"Service {shown(service)} could not be put back: {shown(why)}")

    def _peers(self) -> None:
        compared = [mapping(one) for one in items(self._record.get("peers"))]
        if compared:
            self._title("Peers")
        for one in compared:
            said = one.get("why") or ("shared: they fail alike" if one.get("shared") else "not shared")
            begin, end = moment(one.get("from")), moment(one.get("to"))
            stretch = f", {begin:%H:%M:%S} to {end:%H:%M:%S} UTC" if begin and end else ""
            self._say(f"{shown(one.get('rule')):<14} {shown(said)}{stretch}")
            for peer in map(mapping, items(one.get("peers"))):
                fared = "not usable" if not peer.get("usable") else "alike" if peer.get("alike") else "not alike"
                self._say(f"{fared:<10} {shown(peer.get('target'))}: {shown(peer.get('sentence'))}", 4)

    def _unsent(self) -> None:
        writes = [mapping(one) for one in items(self._record.get("would_send"))]
        if writes:
            self._title("Would have sent")
        for write in writes:
            self._copied(f"{write.get('method')} {write.get('path')}", 2)
            self._copied(f"Content-Type: {write.get('content_type')}", 2)
            self._copied(write.get("body"), 2)

    def _told(self) -> None:
        self._title("Told")
        notices = [mapping(one) for one in items(self._record.get("notices"))]
        for notice in notices:
            states = [f"{channel}: {state}" for channel, state in mapping(notice.get("deliveries")).items()]
            told = shown(", ".join(states) or "no channel wants it")
            at = moment(notice.get("at"))
            self._say(f"{f'{at:%H:%M:%S}' if at else '-'}  {shown(notice.get('title'))}  [dim]{told}[/dim]")
        if not notices:
            self._say("nobody was told anything yet", style="dim")

    def _next(self, account: Account) -> None:
        if account.next:
            self._title("What to look at next")
        for one in account.next:
            if one.query and not self._prometheus:
                continue  # it stands with its rule
            self._say(shown(one.what))
            if one.command:
                self._copied(one.command)
            for query in single_queries(one.query):
                self._copied(prometheus_link(self._prometheus, query, one.at) or query)
