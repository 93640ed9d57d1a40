"""The watchdog with one of its guards removed. Each must be caught by the soak, or the soak proves nothing.

A mutant is a patch of the running program, never of its source. `wear` is what makes it show soon.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from soak.soaking import soak
from soak.world import Wear
from watchdog.adapters.kubernetes.acting import ConditionalWrite
from watchdog.domain import deciding, judge, remedy, watch
from watchdog.domain.effects import DeliveryState, PutBackConflicted, PutBackDone, PutBackUnsure
from watchdog.domain.events import DeliveryMoved
from watchdog.domain.judge import Finding, thresholds
from watchdog.domain.memory import Memory
from watchdog.domain.state import Phase
from watchdog.domain.step import Step
from watchdog.engine import performing
from watchdog.engine.braking import Brakeman
from watchdog.engine.delivering import Deliverer
from watchdog.engine.memories import all_of
from watchdog.engine.performing import Performer
from watchdog.engine.supervisor import Supervisor
from watchdog.engine.unread import read

Patches = Callable[[ExitStack], None]

_BASE = Wear(rollouts=3, flips=0, bad=0.9, hurried=0.0, rest=(5.0, 15.0))
CALM = replace(
    _BASE, kill_every=0.0, kill_at_effect=0.0, kill_at_act=0.0, gust_every=0.0, pause_every=0.0, lose_act=0.0
)
RACES = replace(CALM, race=0.9)
STORMS = replace(CALM, gust_every=2.0, bad=0.2)
PAUSES = replace(CALM, pause_every=30.0)
LOST = replace(CALM, lose_act=0.9)
DEADLY = replace(CALM, kill_at_act=0.6)
FATAL = replace(CALM, kill_at_act=0.3, kill_at_effect=0.1)


@dataclass(frozen=True)
class Mutant:
    """One guard taken away."""

    name: str
    apply: Patches
    wear: Wear
    caught_by: frozenset[str]  # the invariants of which at least one must be violated
    switches: int = 9


def _set(where: Any, name: str, what: Any) -> Patches:
    return lambda stack: void(stack.enter_context(patch.object(where, name, what)))


def void(_: object) -> None:
    """Nothing comes of it."""


def _no_precondition(stack: ExitStack) -> None:
    stack.enter_context(patch("watchdog.adapters.kubernetes.acting.conditions", lambda _uid, _version: []))
    stack.enter_context(patch.object(ConditionalWrite, "_moved", lambda _self, _live: False))


async def _no_intent(_self: Performer, _watch: object, _remedy: object) -> None:
    """The act comes first."""


def _never_superseded(stack: ExitStack) -> None:
    """Whoever serves is taken for the candidate; the write then carries the version of this very look."""
    stack.enter_context(patch.object(remedy, "_not_ours", lambda _watch, _live: iter(())))
    stack.enter_context(patch.object(watch, "_superseded", lambda one, _event, _now: Step(one)))


def _absence_breaches(stack: ExitStack) -> None:
    real = thresholds.judge_threshold

    def judged(*given: Any) -> Any:
        verdict = real(*given)
        blind = verdict.finding is Finding.NO_DATA and "nothing was measured yet" not in verdict.sentence
        return replace(verdict, finding=Finding.BREACH, literal=True) if blind else verdict

    stack.enter_context(patch.object(judge, "judge_threshold", judged))


def _notices_forgotten(stack: ExitStack) -> None:
    """Notices live in memory alone: the record does not carry what is still to be told."""
    real = performing.record_of

    def without(one: Any) -> Any:
        kept = tuple(
            telling
            for telling in one.tellings
            if all(delivery.state is DeliveryState.SENT for delivery in telling.deliveries)
        )
        return real(replace(one, tellings=kept))

    stack.enter_context(patch.object(performing, "record_of", without))


def _told_too_soon(stack: ExitStack) -> None:
    """A notice is journalled as sent before it is sent."""
    real = Deliverer._sent

    async def sent(self: Deliverer, sending: Any) -> bool:
        await self._moved(DeliveryMoved(sending.notice.id, sending.delivery.channel, DeliveryState.SENT))
        await self._flush()
        return await real(self, sending)

    stack.enter_context(patch.object(Deliverer, "_sent", sent))


def _pause_ignored(stack: ExitStack) -> None:
    async def always(_self: Brakeman, _watch: object) -> bool:
        return True

    stack.enter_context(patch.object(remedy, "_braked", lambda _watch, _live: iter(())))
    stack.enter_context(patch.object(Brakeman, "begin", always))


def _acting_forgotten(stack: ExitStack) -> None:
    """A watch that was acting when the process died begins to look again, as if it had only decided to."""
    real = watch._resumed

    def resumed(one: Any, now: Any) -> Any:
        if one.phase is Phase.ACTING:
            one = replace(one, phase=Phase.DECIDING, remedy=None)
        return real(one, now)

    stack.enter_context(patch.object(watch, "_resumed", resumed))


def _unsure_is_done(stack: ExitStack) -> None:
    real = deciding.put_back_answered

    def answered(one: Any, answer: Any, now: Any) -> Any:
        return real(one, PutBackDone(now) if isinstance(answer, PutBackUnsure) else answer, now)

    stack.enter_context(patch.object(watch, "put_back_answered", answered))


def _unsure_is_refused(stack: ExitStack) -> None:
    """An act without an answer is taken for one that failed: it is looked at and planned anew."""
    real = deciding.put_back_answered

    def answered(one: Any, answer: Any, now: Any) -> Any:
        if isinstance(answer, PutBackUnsure):
            answer = PutBackConflicted(now, answer.detail)
        return real(one, answer, now)

    stack.enter_context(patch.object(watch, "put_back_answered", answered))


def _own_act_unknown(stack: ExitStack) -> None:
    """An act that is repeated does not find its own mark."""
    stack.enter_context(patch.object(ConditionalWrite, "_marked", lambda _self, _live, _watch: False))


def _memory_first(stack: ExitStack) -> None:
    """What serves is journalled before its watch: a crash in between loses the watch."""
    real = Supervisor._switched

    async def switched(self: Supervisor, noticed: Any, *given: Any) -> None:
        await self.memories.write(noticed.memory.target)
        await real(self, noticed, *given)

    stack.enter_context(patch.object(Supervisor, "_switched", switched))


def _resumes_nothing(stack: ExitStack) -> None:
    """A new process begins with a clean slate."""

    async def resume(self: Supervisor, _scope: object) -> None:
        _, memories = await all_of(self._journal, self._clock, read)
        self.memories.load(memories)

    stack.enter_context(patch.object(Supervisor, "_resume", resume))


MUTANTS: Mapping[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        Mutant(
            "no resourceVersion on the write",
            _no_precondition,
            RACES,
            frozenset({"no act against a newer deploy", "no act without a breach", "one act a switch"}),
        ),
        Mutant(
            "no intent before the write",
            _set(Performer, "_intend", _no_intent),
            CALM,
            frozenset({"intent before the act"}),
        ),
        Mutant(
            "plan() without superseded",
            _never_superseded,
            replace(RACES, bad=0.9),
            frozenset({"no act against a newer deploy", "no act without a breach", "one act a switch"}),
        ),
        Mutant("absent data breach", _absence_breaches, STORMS, frozenset({"no act without a breach"}), 24),
        Mutant("notices not journalled", _notices_forgotten, FATAL, frozenset({"acts are told"})),
        Mutant(
            "told before it is sent",
            _told_too_soon,
            replace(FATAL, kill_at_effect=0.1),
            frozenset({"acts are told", "watches end"}),
        ),
        Mutant("pause and brakes ignored", _pause_ignored, PAUSES, frozenset({"no act in a pause"})),
        Mutant(
            "known bad forgotten",
            _set(Memory, "with_bad", lambda self, *_given: self),
            FATAL,
            frozenset(
                {"one record a switch", "one act a switch", "no act without a breach", "never back to the known bad"}
            ),
            40,
        ),
        Mutant(
            "a resumed watch forgets that it acted",
            _acting_forgotten,
            DEADLY,
            frozenset({"acts are recorded", "acts are told"}),
        ),
        Mutant(
            "no answer taken for done",
            _unsure_is_done,
            LOST,
            frozenset({"acts are recorded", "the bad are put back"}),
        ),
        Mutant(
            "no answer taken for refused", _unsure_is_refused, LOST, frozenset({"acts are recorded", "acts are told"})
        ),
        Mutant(
            "its own act not recognised", _own_act_unknown, DEADLY, frozenset({"acts are recorded", "acts are told"})
        ),
        Mutant(
            "memory before the record", _memory_first, FATAL, frozenset({"one record a switch", "the bad are put back"})
        ),
        Mutant(
            "nothing resumed", _resumes_nothing, FATAL, frozenset({"watches end", "acts are told", "acts are recorded"})
        ),
    )
}


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """The program without this guard."""
    with ExitStack() as stack:
        mutant.apply(stack)
        yield


def caught(mutant: Mutant, seed: int) -> tuple[str, ...]:
    """The invariants that this mutant violates under this seed."""
    with mutated(mutant):
        return tuple(soak(seed, mutant.wear, switches=mutant.switches).violations)


def main() -> int:
    """`make soak-mutants`: each mutant must be caught, by what is meant to catch it, within three seeds."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    missed = 0
    chosen = [one for one in MUTANTS.values() if not sys.argv[1:] or any(word in one.name for word in sys.argv[1:])]
    for mutant in chosen:
        for seed in (1, 2, 3):
            found = caught(mutant, seed)
            if mutant.caught_by & set(found):
                print(f"caught   {mutant.name:<40} seed {seed}: {', '.join(found)}", flush=True)
                break
        else:
            missed += 1
            print(f"MISSED   {mutant.name:<40} {', '.join(found) or 'nothing was violated'}", flush=True)
    print(f"{missed or 'none'} of {len(chosen)} mutants missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
