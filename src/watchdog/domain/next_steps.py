"""What to look at next, and how to go on: concrete commands, for someone who was just woken."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from watchdog.domain.checks import CHECKS
from watchdog.domain.marks import Marking, is_false_alarm, mark_of, why_not
from watchdog.domain.reading import Record, broken, is_open, items, moment, rules_of, state_of
from watchdog.domain.rollout import RUNNER, Target
from watchdog.domain.state import RefusalReason

_REVISION = re.compile(r"([a-z0-9]([-a-z0-9]*[a-z0-9])?)-([a-z0-9]+)")
_FINAL = frozenset({RefusalReason.SUPERSEDED, RefusalReason.OUT_OF_REACH, RefusalReason.CONFLICT})
_PUT_BACK = frozenset({"rolled-back", "recovering"})
_SERVES_ON = frozenset({"held", "holding", "failed", "notified", "would-roll-back"})


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do: a command for a shell, or a query of Prometheus at a moment."""

    what: str
    command: str = ""
    query: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """The target and the candidate as kubectl names them; what cannot be such a name is not put into a command."""

    target: Target
    workload: str  # what runs the candidate's pods
    template: str

    @property
    def kubectl(self) -> str:
        return f"kubectl -n {shlex.quote(self.target.namespace)}"

    @property
    def kept(self) -> str:
        """What keeps the candidate's template."""
        return f"{self.target.kind.keeping.resource} {self.workload}-{self.template}"

    @property
    def chosen(self) -> str:
        """The candidate's pods."""
        keeping = self.target.kind.keeping
        return f"-l {keeping.label}={f'{self.workload}-' if keeping.named_whole else ''}{self.template}"


def next_steps(record: Record) -> tuple[NextStep, ...]:
    """In the order in which they are of use; fewer where the record says less."""
    place = _place(record)
    found = [*_queries(record)]
    if place is not None:
        found += [*_look(record, place), *_go_on(record, place)]
    return (*found, *_last(record))


def _queries(record: Record) -> Iterator[NextStep]:
    asked = broken(record)
    for rule in rules_of(record):
        if rule.name in asked and rule.query and rule.all.get("asks") == "prometheus":
            yield NextStep(
                f"What rule {rule.name} measured, as it was asked", "", rule.query, moment(rule.all.get("at"))
            )


def _look(record: Record, place: _Place) -> Iterator[NextStep]:
    if not broken(record):
        return
    if state_of(record) in _SERVES_ON or place.target.kind.routes:
        yield NextStep("The pods of the release", f"{place.kubectl} get pods {place.chosen} -o wide")
        yield NextStep("Their logs", f"{place.kubectl} logs {place.chosen} --all-containers --prefix --tail=200")
    elif state_of(record) in _PUT_BACK:
        yield NextStep(
            "Its template is kept; its pods are gone, unless it was brought back since",
            f"{place.kubectl} get {place.kept} -o yaml",
        )
    yield NextStep(
        "What else happened to it", f"{place.kubectl} describe {place.target.kind} {shlex.quote(place.target.name)}"
    )


def _go_on(record: Record, place: _Place) -> Iterator[NextStep]:
    state, name = state_of(record), shlex.quote(str(place.target))
    if state in _PUT_BACK:
        yield NextStep("To bring the release back when it is mended, deploy it as ever: it is watched as any other is")
        again = _again(place)
        if is_false_alarm(record):
            yield NextStep("To bring back this very release, if nobody has; it is watched again", again)
        else:
            bad = "it is watched again, and put back again if it is still bad"
            yield NextStep(f"To bring back this very release; {bad}", again)
    elif state in _SERVES_ON and record.get("kind") == "config":
        written = f"{place.kubectl} get configmaps --show-managed-fields -o yaml"
        yield NextStep("Who wrote what configures it, and when", written)
    elif state in _SERVES_ON:
        refusal = str(record.get("refusal") or "")
        passed = {one.value for one in CHECKS if one not in _FINAL}
        over = f" --override {refusal}" if refusal in passed and items(record.get("breached")) else ""
        yield NextStep(
            "The release serves on. To put it back by hand", f"watchdog rollback {name} --reason 'WHY'{over}"
        )
    elif state == "superseded":
        yield NextStep("How those after it fared", f"watchdog history --target {name}")
    elif state == "inconclusive":
        yield NextStep("Which rules are blind, and why", "watchdog check --live")


def _again(place: _Place) -> str:
    kind = place.target.kind
    if kind.routes:
        service = shlex.quote(str(place.target))
        part = " --weight 5" if kind.switch.in_parts else ""
        return f"watchdog switch {service} --to {RUNNER}/{place.workload}{part} --override known-bad --reason 'WHY'"
    if kind.aborts:
        return f"kubectl argo rollouts retry rollout {shlex.quote(place.target.name)} -n {place.target.namespace}"
    return (
        f"{place.kubectl} rollout undo {kind}/{place.workload} --to-revision="
        f"\"$({place.kubectl} get {place.kept} -o jsonpath='{kind.keeping.number}')\""
    )


def _last(record: Record) -> Iterator[NextStep]:
    watch = shlex.quote(str(record.get("watch") or ""))
    if is_open(record):
        yield NextStep("To follow it", "watchdog status --watch")
        return
    if mark_of(record) is not None:
        yield NextStep("To take the mark back", f"watchdog mark {watch} none")
        return
    told = {
        Marking.FALSE_ALARM: "If nothing was wrong with the release, say so",
        Marking.MISSED: "If it was bad after all, say so",
    }
    for what, when in told.items():
        if not why_not(record, what):
            yield NextStep(
                f"{when}: backtest, tune and calibration learn from it", f"watchdog mark {watch} {what} --reason 'WHY'"
            )


def _place(record: Record) -> _Place | None:
    try:
        target = Target.parse(str(record.get("target")))
    except ValueError:
        return None
    written = _REVISION.fullmatch(str(record.get("candidate")).split(" (")[0])
    if written is None:
        return None
    return _Place(target, written[1], written[3])
