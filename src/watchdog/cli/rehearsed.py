"""How a dry run is shown: a table that lives on a terminal, plain lines elsewhere, JSON objects for programs."""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Self, assert_never

import click

from watchdog.adapters.logs import printable
from watchdog.cli.rehearsed_lines import Fact, lines_of, share_of
from watchdog.domain.as_if import AsIf
from watchdog.domain.judge import Finding, Verdict
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.outlook import is_due, outlook_of
from watchdog.domain.part import of_traffic
from watchdog.domain.rollout import SwitchKind, Target, TrafficSwitch
from watchdog.domain.standing import exit_code
from watchdog.domain.state import Phase, Track, Watch

Now = Callable[[], datetime]

_MEANINGS = {
    0: "all that was judged passes",
    3: "something would be rolled back",
    4: "not everything could be decided",
}


def view_of(output: str, now: Now) -> "View":
    """The view for this output: a table needs a terminal to live on."""
    if output == "json":
        return JsonView()
    if sys.stdout.isatty():
        from watchdog.cli.rehearsed_table import TableView  # noqa: PLC0415 - rich is slow to load

        return TableView(now)
    return LinesView()


class View(ABC):
    """Told of each step of each watch; shows what is new in it."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - most views hold nothing
        """Take down what is drawn anew."""

    def stepped(self, watch: Watch) -> None:
        """A watch took a step."""
        before = self.watches.get(watch.id)
        self.watches[watch.id] = watch
        for fact in news(before, watch):
            self.show(fact)

    def begun(
        self, targets: Sequence[Target], unseeded: str, unjudged: Sequence[str] = (), notes: Sequence[str] = ()
    ) -> None:
        """It follows these targets from now on; of the `unjudged` kinds one look tells nothing."""
        named = [str(target) for target in targets]
        told = {"targets": named, "unseeded": unseeded, "unjudged": list(unjudged), "notes": list(notes)}
        self.show({"event": "begun", **told})

    def begun_at(self, case: AsIf) -> None:
        """It judges a moment."""
        self.show(
            {
                "event": "begun",
                "targets": [str(case.watch.switch.target)],
                "at": case.watch.switch.at.isoformat(),
                "bake": span(case.watch.guard.bake),
                "shortened": case.shortened,
                "left_out": [rule.name for rule in case.left_out],
                "whom": case.whom,
            }
        )

    def edited(self, why: str) -> None:
        """The rules on disk are not those in force."""
        self.show({"event": "rules-edited", "reason": f"{why}; this dry run goes on with the rules it began with"})

    def ended(self) -> int:
        """Sum up; the exit code."""
        code = exit_code(self.watches.values())
        watches = [
            {"watch": one.id, "target": str(one.switch.target), "standing": str(one.phase), "reason": standing(one)}
            for one in self.watches.values()
        ]
        self.show({"event": "summary", "watches": watches, "exit_code": code, "meaning": _MEANINGS[code]})
        return code

    @abstractmethod
    def show(self, fact: Fact) -> None:
        """One thing that is new."""


def news(before: Watch | None, watch: Watch) -> Iterator[Fact]:
    """What a step brought, as plain facts."""
    of = {"watch": watch.id, "target": str(watch.switch.target)}
    if before is None:
        yield {**of, **_switch(watch)}
    for track in watch.tracks:
        old = before.track(track.rule.name) if before is not None else None
        if track.verdict is not None and (old is None or old.verdict != track.verdict):
            changed = old is None or old.verdict is None or old.verdict.finding is not track.verdict.finding
            yield {**of, **_verdict(track.verdict), "changed": changed}
    if before is not None and is_due(before, watch) and (outlook := outlook_of(watch)):
        yield {**of, "event": "outlook", "sentences": list(outlook)}
    if before is not None and before.phase is not watch.phase:
        if watch.phase is Phase.WOULD_ROLL_BACK:
            yield {**of, **_would(watch)}
        elif watch.phase is Phase.HOLDING and watch.refusal is not None:
            yield {**of, "event": "held", "check": str(watch.refusal.reason), "reason": watch.refusal.sentence}
        elif watch.phase.terminal:
            yield {**of, "event": "outcome", "outcome": str(watch.phase), "reason": watch.reason}


def _switch(watch: Watch) -> Fact:
    switch = watch.switch
    return {
        "event": "switch",
        "candidate": str(switch.candidate),
        "stable": str(watch.stable.revision) if watch.stable else None,
        "switched_at": switch.at.isoformat(),
        "switched_by": switch.by,
        "guard": watch.guard.name,
        "bake": span(watch.guard.bake),
        "how": _how(switch),
    }


def _how(switch: TrafficSwitch) -> str:
    match switch.kind:
        case SwitchKind.ROUTE:
            return f"gave {'its traffic' if switch.part is None else of_traffic(switch.part)} to"
        case SwitchKind.SELECTOR:
            return "flipped to"
        case SwitchKind.CONFIG:
            return f"got other data ({switch.reconfigured}) for"
        case SwitchKind.ROLLOUT:
            return "rolled out"
    assert_never(switch.kind)


def _verdict(verdict: Verdict) -> Fact:
    evidence = verdict.evidence
    return {
        "event": "verdict",
        "at": verdict.at.isoformat(),
        "rule": verdict.rule,
        "verdict": str(verdict.finding),
        "sentence": verdict.sentence,
        "value": evidence.value,
        "limit": evidence.limit,
        "log_evidence": evidence.log_evidence,
        "log_evidence_needed": evidence.needed,
    }


def _would(watch: Watch) -> Fact:
    return {
        "event": "would-roll-back",
        "from": str(watch.switch.candidate),
        "to": str(watch.remedy.to) if watch.remedy else None,
        "reason": watch.reason,
        "rules": _breaches(watch),
        "requests": [
            {"method": one.method, "path": one.path, "content_type": one.content_type, "body": one.body}
            for one in watch.withheld
        ],
    }


def _breaches(watch: Watch) -> dict[str, str]:
    tracks = [track for name in watch.breached if (track := watch.track(name)) is not None]
    return {track.rule.name: track.breach.sentence for track in tracks if track.breach is not None}


def standing(watch: Watch) -> str:
    """How a watch stands, in one sentence."""
    if watch.phase is Phase.WOULD_ROLL_BACK:
        return "; ".join(f"{rule}: {sentence}" for rule, sentence in _breaches(watch).items())
    if watch.phase.terminal:
        return watch.reason
    if watch.refusal is not None:
        return watch.refusal.sentence
    said = [f"{track.rule.name} {finding_of(track)}" for track in watch.tracks]
    return "so far " + ", ".join(said) if said else "nothing was judged"


def finding_of(track: Track) -> Finding:
    """What the judge says of a rule now; a breach stands."""
    if track.breach is not None:
        return Finding.BREACH
    return track.verdict.finding if track.verdict is not None else Finding.NO_DATA


def against(track: Track) -> str:
    """The value against its limit, where the rule has numbers."""
    verdict = track.breach or track.verdict
    if verdict is None or verdict.evidence.value is None:
        return ""
    evidence = verdict.evidence
    limit = "" if evidence.limit is None else f" / {number(evidence.limit, evidence.dimension)}"
    return number(evidence.value, evidence.dimension) + limit


def evidence_share(track: Track) -> float | None:
    """How much of the evidence that is needed there is, from 0 to 1; None where the rule needs none."""
    verdict = track.breach or track.verdict
    evidence = verdict.evidence if verdict is not None else None
    if evidence is None or evidence.log_evidence is None or not evidence.needed:
        return None
    return share_of(evidence.log_evidence, evidence.needed)


def left_of(watch: Watch, now: datetime) -> str:
    """The time left of the bake."""
    if watch.phase.terminal:
        return "ended"
    if watch.bake_end is None:
        return "rolling out"
    return span(timedelta(seconds=max(0, round((watch.bake_end - now).total_seconds()))))


class LinesView(View):
    """Plain lines, each as soon as it is known."""

    def show(self, fact: Fact) -> None:
        for line in lines_of(fact):
            click.echo(printable(line))


class JsonView(View):
    """One object a line."""

    def show(self, fact: Fact) -> None:
        click.echo(json.dumps(fact))
