"""May we act, and to what? `plan` answers with a `Remedy` or with a `Refusal` that says why not."""

from datetime import datetime

from watchdog.domain.annotations import GUARD, HOLD, Exemption, exemption
from watchdog.domain.effects import Remedy, ServicePutBack
from watchdog.domain.judge.thresholds import baseline_value
from watchdog.domain.judge.verdict import number
from watchdog.domain.live import Destination, Live
from watchdog.domain.rollout import SwitchKind
from watchdog.domain.rules import Absolute
from watchdog.domain.state import Refusal, RefusalReason, Track, Watch


def plan(watch: Watch, live: Live, now: datetime) -> Remedy | Refusal:
    """Decide on a fresh look at the target. The order is from "not ours any more" to "would not help".

    Total and pure. A remedy carries the UID and the resourceVersion of this very look, so whatever happens
    between the look and the write makes the write fail.
    """
    refusal = _not_ours(watch, live) or _marked(watch, live, now) or _no_way_back(watch, live)
    if refusal is not None:
        return refusal
    destination = live.destination
    if watch.stable is None or destination is None:
        return Refusal(RefusalReason.NOTHING_TO_GO_BACK_TO, "no good revision to go back to is known")
    first: Remedy | Refusal | None = None
    if watch.switch.kind is SwitchKind.SELECTOR:
        first = _cannot_serve(watch, live, destination)
    if isinstance(first, Refusal):
        return first
    return (
        _stable_over_limit(watch)
        or first
        or Remedy(
            watch=watch.id,
            target=watch.switch.target,
            kind=watch.switch.kind,
            candidate=watch.switch.candidate,
            to=watch.stable.revision,
            uid=live.uid,
            resource_version=live.resource_version,
            services=_services(watch, live),
        )
    )


def _not_ours(watch: Watch, live: Live) -> Refusal | None:
    if not live.exists:
        return Refusal(RefusalReason.SUPERSEDED, "the target is gone")
    still = {service for service, (_, _, selects) in live.services.items() if selects}
    own = watch.switch.target.name
    if still and own in live.services and own not in still:
        return None  # of several Services this one has moved on; the others are still ours to put back
    if live.serving != watch.switch.candidate:
        serving = str(live.serving) if live.serving else "nothing that could be told"
        return Refusal(RefusalReason.SUPERSEDED, f"{serving} serves now, not {watch.switch.candidate}")
    if watch.switch.flips and not still:
        return Refusal(RefusalReason.SUPERSEDED, "the Service's selector was changed since")
    return None


def _marked(watch: Watch, live: Live, now: datetime) -> Refusal | None:
    if live.paused:
        return Refusal(RefusalReason.PAUSED, "the Deployment is paused: an undo would not roll out")
    if watch.guard.annotations:
        for annotation in (HOLD, GUARD):
            mark = exemption(annotation, live.annotations, now)
            if isinstance(mark, Exemption):
                until = f"{mark.until:%Y-%m-%d %H:%M} UTC"
                return Refusal(RefusalReason.ON_HOLD, f"on hold until {until}: {mark.reason}")
    return None


def _no_way_back(watch: Watch, live: Live) -> Refusal | None:
    destination = live.destination
    if watch.stable is None or destination is None:
        return Refusal(RefusalReason.NOTHING_TO_GO_BACK_TO, "no good revision to go back to is known")
    if watch.switch.kind is SwitchKind.SELECTOR and not _services(watch, live):
        return Refusal(RefusalReason.NOTHING_TO_GO_BACK_TO, "what the Service selected before is not known")
    name = str(destination.revision)
    if not destination.exists:
        return Refusal(RefusalReason.DESTINATION_GONE, f"{name} is gone (revisionHistoryLimit, or deleted)")
    if not destination.same_template:
        return Refusal(
            RefusalReason.DESTINATION_CHANGED, f"{destination.revision.workload} no longer runs what served: {name}"
        )
    if not destination.differs:
        return Refusal(
            RefusalReason.NO_DIFFERENCE,
            f"{name} differs in annotations alone (a restart): an undo would change nothing",
        )
    if destination.missing:
        return Refusal(RefusalReason.NEEDS_GONE, f"{name} needs what is gone: {', '.join(destination.missing)}")
    if destination.refused:
        return Refusal(RefusalReason.DRY_RUN_REFUSED, f"the API server would refuse it: {destination.refused}")
    return None


def _cannot_serve(watch: Watch, live: Live, destination: Destination) -> Remedy | Refusal | None:
    if destination.ready_pods > 0 and 2 * destination.ready_pods >= destination.replicas:
        return None
    name = destination.revision.workload
    if destination.replicas == 0 and watch.guard.restore_replicas and not watch.scaled_up:
        return Remedy(
            watch=watch.id,
            target=watch.switch.target,
            kind=watch.switch.kind,
            candidate=watch.switch.candidate,
            to=destination.revision,
            uid=live.uid,
            resource_version=live.resource_version,
            scale_to=max(1, live.desired),
        )
    ready = f"{destination.ready_pods} of {destination.replicas} pods of {name} are ready"
    hint = "" if destination.replicas or watch.guard.restore_replicas else " (restore_replicas would scale it up)"
    return Refusal(RefusalReason.DESTINATION_NOT_READY, ready + hint)


def _stable_over_limit(watch: Watch) -> Refusal | None:
    """Refuse while every breached rule is excused by stable's own trouble before the switch."""
    excuses = []
    for name in watch.breached:
        track = watch.track(name)
        excuse = _excuse(track) if track is not None else None
        if excuse is None:
            return None
        excuses.append(excuse)
    return Refusal(RefusalReason.STABLE_OVER_LIMIT, "; ".join(excuses)) if excuses else None


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
