"""Switches a Service or a route for a pipeline, or a person: all that is asked before, and the one write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from watchdog.domain.effects import (
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    PutBackWithheld,
)
from watchdog.domain.flipping import (
    BINDING,
    Colour,
    Flip,
    FlipCheck,
    Objection,
    ServiceNow,
    cannot_serve,
    health,
)
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.reweighing import RouteNow
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.rules import Probe
from watchdog.domain.state import Watch
from watchdog.domain.waiting import concerns
from watchdog.engine.by_hand import past_of
from watchdog.ports import Clock, Journal, Prober

_ATTEMPTS = 10
_PAUSE = 1.0
_LONGEST_MARK = 200


class Flips(Protocol):
    """The cluster's Services and routes, and their colours. All raise `OutOfReach`, but for `flip`, which says it."""

    async def service(self, target: Target) -> ServiceNow | RouteNow:
        """The Service or route as it is."""
        ...

    async def colour(self, namespace: str, name: str) -> Colour:
        """A Deployment with its pods."""
        ...

    async def flip(self, flip: Flip) -> PutBackAnswer:
        """One conditional write."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    target: Target
    to: str  # a colour or a backend, or deployment/NAME
    who: str
    reason: str = ""
    overridden: frozenset[FlipCheck] = frozenset()
    weight: int | None = None  # percent of a route's traffic

    @property
    def mark(self) -> str:
        """For the annotation that says who switched."""
        return " ".join(f"{self.who}: {self.reason}".split() if self.reason else [self.who])[:_LONGEST_MARK]


@dataclass(frozen=True, slots=True)
class Considered:
    """What the switch would be. Without `flip` the Service selects that colour already, and nothing is to be done."""

    candidate: Revision | None
    previous: Revision | None
    flip: Flip | None
    notes: tuple[str, ...] = ()
    watches: frozenset[str] = frozenset()  # of the target, from before the switch, that do not go on with it


async def considered(
    wish: Wish, flips: Flips, journal: Journal, prober: Prober, probes: Sequence[Probe], clock: Clock
) -> Considered | Objection:
    """Look at everything; the first check that fails, unless it is overridden. Writes nothing. Raises `OutOfReach`."""
    service = await flips.service(wish.target)
    aim = service.aimed(wish.to, wish.weight)
    if isinstance(aim, Objection):
        return aim
    namespace = wish.target.namespace
    colour = await flips.colour(namespace, aim.workload)
    before = [one for one in aim.serving if one != aim.workload]
    serving = await flips.colour(namespace, before[0]) if len(before) == 1 else None
    past = await past_of(wish.target, journal)
    mine = [watch for watch in past.watches if concerns(watch, wish.target)]
    after = aim.after
    going = next((watch for watch in mine if _is_step(watch, wish, colour)), None)
    others = frozenset(watch.id for watch in mine if watch is not going)
    if dict(after) == dict(service.selector):
        return Considered(colour.revision, None, None)
    notes: list[str] = []

    def object_to(objection: Objection | None) -> Objection | None:
        if objection is None or (objection.check in wish.overridden and objection.check not in BINDING):
            notes.extend([f"passed over {objection.check}: {objection.sentence}"] if objection else [])
            return None
        return objection

    if past.memory is None:
        why = f"the watchdog knows nothing of {wish.target}: nobody would watch the switch, or flip it back"
        if objection := object_to(Objection(FlipCheck.UNGUARDED, why)):
            return objection
    open_watch = next((watch for watch in mine if not watch.phase.terminal and watch is not going), None)
    if open_watch is not None:
        why = f"the last switch is still being watched ({open_watch.phase}): watch {open_watch.id}"
        if objection := object_to(Objection(FlipCheck.OPEN_WATCH, why)):
            return objection
    for name in aim.unknown:
        why = f"{name} would get more of the traffic, and it cannot be told what runs there"
        if objection := object_to(Objection(FlipCheck.NOT_READY, why)):
            return objection
    for name in aim.gaining:
        gaining = colour if name == aim.workload else await flips.colour(namespace, name)
        of = "" if aim.gaining == (aim.workload,) else f"{name}: "
        if objection := object_to(cannot_serve(gaining)):
            return objection
        if gaining.revision is not None and past.is_bad(gaining.revision):
            why = f"{gaining.revision} was rolled back, and has not passed since"
            if objection := object_to(Objection(FlipCheck.KNOWN_BAD, why)):
                return objection
        notes.append(f"{of}{gaining.ready} of {gaining.desired} pods are ready")
        for probe in probes:
            result = health(probe.path, *await _probed(prober, probe, gaining, serving, clock))
            if objection := object_to(result.objection):
                return objection
            notes += [of + result.note] if result.note else []
    return Considered(
        candidate=colour.revision,
        previous=serving.revision if serving else None,
        flip=Flip(wish.target, service.uid, service.resource_version, service.selector, after, wish.mark),
        notes=tuple(notes),
        watches=others,
    )


def _is_step(watch: Watch, wish: Wish, colour: Colour) -> bool:
    """Whether an open watch goes on with what is wished for: more, or less, of the traffic for its candidate."""
    same = watch.switch.candidate == colour.revision
    return wish.weight is not None and same and watch.phase.before_acting


async def _probed(
    prober: Prober, probe: Probe, colour: Colour, serving: Colour | None, clock: Clock
) -> tuple[list[Sequence[ProbeResult]], Sequence[ProbeResult]]:
    """Rounds of the colour until all of its pods answer, at most as many as the rule allows failures; then stable's."""
    rounds: list[Sequence[ProbeResult]] = []
    for number in range(max(1, probe.failures)):
        if number:
            await clock.sleep(probe.every.total_seconds())
        rounds.append(await prober.probe(colour.pods, probe))
        if all(result.outcome is ProbeOutcome.EXPECTED for result in rounds[-1]):
            return rounds, ()
    return rounds, await prober.probe(serving.pods[:1] if serving else (), probe)


async def carried_out(flip: Flip, flips: Flips, clock: Clock) -> Objection | PutBackUnsure | None:
    """Do it, once. None: done. A Service that was changed elsewhere is read again and switched all the same.

    `PutBackUnsure`: the API server never said whether it did it.
    """
    given_up: Objection | PutBackUnsure | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            await clock.sleep(_PAUSE)
        answer = await flips.flip(flip)
        match answer:
            case PutBackDone():
                return None
            case PutBackRefused():
                return Objection(FlipCheck.REFUSED, f"the API server refuses it: {answer.detail}")
            case PutBackConflicted():
                service = await flips.service(flip.target)
                if service.uid != flip.uid or dict(service.selector) not in (dict(flip.before), dict(flip.after)):
                    return Objection(FlipCheck.CONFLICT, f"{flip.target} was switched by somebody else just now")
                if dict(service.selector) == dict(flip.after):
                    return None
                flip = replace(flip, resource_version=service.resource_version)
                given_up = Objection(FlipCheck.CONFLICT, answer.detail)
            case PutBackUnsure():
                given_up = answer
            case PutBackWithheld():  # by a dry run, which switches nothing
                return Objection(FlipCheck.REFUSED, "a dry run switches nothing")
            case _:
                assert_never(answer)
    return given_up
