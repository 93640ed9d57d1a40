"""May we act, and to what? `plan` answers with a `Remedy` or with a `Refusal` that says why not."""

from collections.abc import Iterator

from watchdog.domain.annotations import GUARD, HOLD, Exemption, exemption
from watchdog.domain.brakes import frozen, over_every, over_target
from watchdog.domain.conditions import Absolute
from watchdog.domain.configuration import no_way_back
from watchdog.domain.effects import Remedy, ServicePutBack
from watchdog.domain.judge.literal import baseline_value
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.live import Destination, Live
from watchdog.domain.owners import left_to, putting_back, suspending
from watchdog.domain.rollout import Revision
from watchdog.domain.rules import Action
from watchdog.domain.shared_cause import shared_cause
from watchdog.domain.state import Refusal, RefusalReason, Track, Watch

_BINDING = frozenset(
    {
        RefusalReason.SUPERSEDED,
        RefusalReason.CONFIG,
        RefusalReason.NOTHING_TO_GO_BACK_TO,
        RefusalReason.DESTINATION_GONE,
    }
)
"""Refusals that nobody can pass over: there would be nothing to do, or it would hit somebody else's work."""


def plan(watch: Watch, live: Live) -> Remedy | Refusal:
    """Decide on a fresh look at the target. The order is from "not ours any more" to "would not help".

    Total and pure. A remedy carries the UID and the resourceVersion of this very look, so whatever happens
    between the look and the write makes the write fail. "Now" is the moment of the look.
    """
    for refusal in _reasons(watch, live):
        if refusal.reason in _BINDING or refusal.reason.value not in watch.overridden:
            return refusal
    assert watch.stable is not None  # else there was a reason, which nobody can pass over
    destination = live.destination
    scale_to = None
    if destination is not None and _scales_first(watch, destination):
        scale_to = max(1, live.desired)
    return Remedy(
        watch=watch.id,
        target=watch.switch.target,
        kind=watch.switch.kind,
        candidate=watch.switch.candidate,
        to=watch.stable.revision,
        uid=live.uid,
        resource_version=live.resource_version,
        services=() if scale_to is not None else _services(watch, live),
        scale_to=scale_to,
        owner=live.owner,
        suspends=_suspends(watch, live),
    )


def _reasons(watch: Watch, live: Live) -> Iterator[Refusal]:
    """Every reason not to act, in order."""
    yield from _not_ours(watch, live)
    if not watch.switch.kind.returns:
        yield Refusal(RefusalReason.CONFIG, no_way_back(watch.switch))
    yield from _braked(watch, live)
    yield from _marked(watch, live)
    destination = live.destination
    if watch.stable is None or destination is None:
        yield Refusal(RefusalReason.NOTHING_TO_GO_BACK_TO, "no good revision to go back to is known")
        return
    if watch.switch.kind.at_once and not _services(watch, live):
        before = "what the weights were" if watch.switch.kind.in_parts else "what the Service selected"
        yield Refusal(RefusalReason.NOTHING_TO_GO_BACK_TO, f"{before} before is not known")
    yield from _owned(watch, live, watch.stable.revision)
    yield from _reverted(watch, live, watch.stable.revision)
    yield from _no_way_back(destination)
    if watch.switch.kind.at_once and not _scales_first(watch, destination):
        yield from _cannot_serve(watch, destination)
    yield from _stable_over_limit(watch)
    yield from shared_cause(watch)


def _not_ours(watch: Watch, live: Live) -> Iterator[Refusal]:
    if not live.exists:
        yield Refusal(RefusalReason.SUPERSEDED, "the target is gone")
        return
    still = {service for service, (_, _, selects) in live.services.items() if selects}
    own = watch.switch.target.name
    if still and own in live.services and own not in still:
        return  # of several Services this one has moved on; the others are still ours to put back
    if live.serving != watch.switch.candidate:
        serving = str(live.serving) if live.serving else "nothing that could be told"
        writer = f": its weights are by {live.managers[0]}" if watch.switch.kind.in_parts and live.managers else ""
        yield Refusal(RefusalReason.SUPERSEDED, f"{serving} serves now, not {watch.switch.candidate}{writer}")
    elif watch.switch.flips and not still:
        yield Refusal(RefusalReason.SUPERSEDED, "the Service's selector was changed since")


def _braked(watch: Watch, live: Live) -> Iterator[Refusal]:
    """A pause stops people too, unless they pass over it; how often is rolled back is asked of the watchdog alone."""
    around = live.around
    if around is None:
        return
    if why := frozen(around, live.at):
        yield Refusal(RefusalReason.FROZEN, why)
    if watch.by_hand:
        return
    target, brakes = watch.switch.target, around.brakes
    if count := over_target(watch.id, target, around.acts, brakes.target, live.at):
        times = "once" if count == 1 else f"{count} times"
        why = f"it was rolled back {times} in the last {span(brakes.target.window)} already"
        yield Refusal(RefusalReason.TOO_MANY, why)
    elif count := over_every(watch.id, around.acts, brakes.every, live.at):
        why = f"{count} rollbacks in the last {span(brakes.every.window)}: so many at once have a cause elsewhere"
        yield Refusal(RefusalReason.TOO_MANY, why, told=around.pages)


def _marked(watch: Watch, live: Live) -> Iterator[Refusal]:
    if live.paused:
        yield Refusal(RefusalReason.PAUSED, f"the {live.target.kind.proper} is paused: an undo would not roll out")
    if watch.guard.annotations:
        for annotation in (HOLD, GUARD):
            mark = exemption(annotation, live.annotations, live.at)
            if isinstance(mark, Exemption):
                until = f"{mark.until:%Y-%m-%d %H:%M} UTC"
                yield Refusal(RefusalReason.ON_HOLD, f"on hold until {until}: {mark.reason}")


def _reverted(watch: Watch, live: Live, to: Revision) -> Iterator[Refusal]:
    """What reconciles the object would revert an undo, and the two would fight for ever."""
    owner = live.owner
    if owner is None or owner.heals is False or _suspends(watch, live):
        return
    selector = next((flip.before for flip in watch.switch.flips), {})
    command = putting_back(watch.switch.target, watch.switch.kind, to, selector)
    would = "would revert an undo" if owner.heals else "may revert an undo (whether it heals could not be read)"
    by_hand = f"revert the commit, or: {suspending(owner)} && {command}"
    yield Refusal(RefusalReason.GITOPS, f"{owner} {would}: {by_hand}")


def _owned(watch: Watch, live: Live, to: Revision) -> Iterator[Refusal]:
    """What a controller of its own moves is left to that controller, but for a guard that tells it to abort."""
    target = watch.switch.target
    if live.runner is not None:
        yield Refusal(RefusalReason.OWNED, left_to(live.runner, target))
    elif target.kind.aborts and watch.guard.action is not Action.ABORT and not watch.by_hand:
        command = live.destination.unreached if live.destination is not None else ""
        command = command or putting_back(target, watch.switch.kind, to, {})
        left = f'its controller is told nothing without action = "{Action.ABORT}"; by hand'
        yield Refusal(RefusalReason.OWNED, f"{left}: {command}")


def _suspends(watch: Watch, live: Live) -> bool:
    """Whether the owner is to be suspended first: the guard says so, and it is known to heal."""
    return live.owner is not None and live.owner.heals is True and watch.guard.gitops == "suspend"


def _no_way_back(destination: Destination) -> Iterator[Refusal]:
    name = str(destination.revision)
    if not destination.exists:
        yield Refusal(RefusalReason.DESTINATION_GONE, f"{name} is gone (revisionHistoryLimit, or deleted)")
    if not destination.same_template:
        workload = destination.revision.workload
        yield Refusal(RefusalReason.DESTINATION_CHANGED, f"{workload} no longer runs what served: {name}")
    if not destination.differs:
        why = f"{name} differs in annotations alone (a restart): an undo would change nothing"
        yield Refusal(RefusalReason.NO_DIFFERENCE, why)
    if destination.unreached:
        yield Refusal(RefusalReason.NOT_REACHED, destination.unreached)
    if destination.missing:
        yield Refusal(RefusalReason.NEEDS_GONE, f"{name} needs what is gone: {', '.join(destination.missing)}")
    if destination.refused:
        yield Refusal(RefusalReason.DRY_RUN_REFUSED, f"the API server would refuse it: {destination.refused}")


def _scales_first(watch: Watch, destination: Destination) -> bool:
    """Whether a colour that was scaled to zero is to be scaled up before the traffic goes back to it."""
    return (
        watch.switch.kind.at_once and destination.replicas == 0 and watch.guard.restore_replicas and not watch.scaled_up
    )


def _cannot_serve(watch: Watch, destination: Destination) -> Iterator[Refusal]:
    if destination.ready_pods > 0 and 2 * destination.ready_pods >= destination.replicas:
        return
    ready = f"{destination.ready_pods} of {destination.replicas} pods of {destination.revision.workload} are ready"
    hint = "" if destination.replicas or watch.guard.restore_replicas else " (restore_replicas would scale it up)"
    yield Refusal(RefusalReason.DESTINATION_NOT_READY, ready + hint)


def _stable_over_limit(watch: Watch) -> Iterator[Refusal]:
    """Refuse while every breached rule is excused by stable's own trouble before the switch."""
    excuses = []
    for name in watch.breached:
        track = watch.track(name)
        excuse = _excuse(track) if track is not None else None
        if excuse is None:
            return
        excuses.append(excuse)
    if excuses:
        yield Refusal(RefusalReason.STABLE_OVER_LIMIT, "; ".join(excuses))


def _excuse(track: Track) -> str | None:
    """Why this breach is not the release's: stable broke the same limit, and the candidate is not that much worse."""
    threshold = track.threshold
    verdict = track.verdict if track.verdict is not None and track.verdict.literal else track.breach
    if threshold is None or verdict is None or not isinstance(threshold.limit, Absolute) or verdict.outage:
        return None
    before = baseline_value(track.rule, threshold, track.baseline)
    limit, value = threshold.limit.value, verdict.evidence.value
    if before is None or value is None or not threshold.op.holds(before, limit):
        return None
    if threshold.op.upward and threshold.op.holds(value, limit + before):
        return None
    shown = number(before, threshold.metric.dimension)
    return f"{track.rule.name}: stable itself was at {shown} before the switch"


def _services(watch: Watch, live: Live) -> tuple[ServicePutBack, ...]:
    """Each Service of the watch that still selects the candidate; others have moved on and are left alone."""
    back = []
    for flip in watch.switch.flips:
        uid, resource_version, still = live.services.get(flip.service, ("", "", False))
        if still and flip.before:
            back.append(ServicePutBack(flip.service, uid, resource_version, flip.before))
    return tuple(back)
