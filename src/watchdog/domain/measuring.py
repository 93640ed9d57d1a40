"""How what was measured, and seen of the pods, goes into a watch's tracks."""

from collections.abc import Mapping
from datetime import datetime

from watchdog.domain.copies import with_fields
from watchdog.domain.events import Measured, RecoveryMeasured
from watchdog.domain.judge.gauges import LimitsOf, unlimited
from watchdog.domain.judge.pods import Pods
from watchdog.domain.measurement import Baseline
from watchdog.domain.rules import Signs
from watchdog.domain.state import Track, Watch
from watchdog.domain.tracking import WarmFrom, replaced, with_baseline, with_block, with_pods


def _warm_from(watch: Watch) -> WarmFrom:
    unseen = None if watch.ready_from is None else max(watch.ready_from, watch.counted_from) + watch.guard.warmup

    def warm_from(pod: str) -> datetime | None:
        return unseen if not pod or watch.pods is None else watch.pods.warm_from(pod, unseen)

    return warm_from


def _limits_of(pods: Pods | None) -> LimitsOf:
    return unlimited if pods is None else pods.limits


def with_measured(watch: Watch, event: Measured) -> Watch:
    """One block more of each rule, of the candidate."""
    warm_from = _warm_from(watch)
    changed = {
        name: with_block(track, event.blocks[name], warm_from, _limits_of(watch.pods))
        for track in watch.tracks
        if (name := track.rule.name) in event.blocks
    }
    return with_fields(watch, tracks=replaced(watch.tracks, changed))


def with_baselines(watch: Watch, baselines: Mapping[str, Baseline]) -> Watch:
    """What rules measured of stable before the switch."""

    def based(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
        return tuple(
            with_baseline(track, baselines[track.rule.name]) if track.rule.name in baselines else track
            for track in tracks
        )

    return with_fields(watch, tracks=based(watch.tracks), recovery_tracks=based(watch.recovery_tracks))


def with_recovery_measured(watch: Watch, event: RecoveryMeasured) -> Watch:
    """One block more of each rule, of what was gone back to."""
    pods = watch.recovery_pods
    begun = watch.recovery_from

    def warm_from(pod: str) -> datetime | None:
        return begun if not pod or pods is None else pods.warm_from(pod, begun)

    changed = {
        name: with_block(track, event.blocks[name], warm_from, _limits_of(pods))
        for track in watch.recovery_tracks
        if (name := track.rule.name) in event.blocks
    }
    return with_fields(watch, recovery_tracks=replaced(watch.recovery_tracks, changed))


def with_signs(tracks: tuple[Track, ...], pods: Pods) -> tuple[Track, ...]:
    """The tracks after one more look at the pods."""
    changed = {
        track.rule.name: with_pods(track, track.rule.check, pods)
        for track in tracks
        if isinstance(track.rule.check, Signs)
    }
    return replaced(tracks, changed)
