"""The watchdog itself as a policy: the daemon's own tracks, fed block by block as the daemon would feed them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.judge.blocks import BASELINE, EPOCH, baseline_of, blocks_of
from benchmarks.judge.runs import Decision, Release
from watchdog.domain.judge import History
from watchdog.domain.rules import Absolute, Op, RatioMetric, Rule, Statistic, Threshold
from watchdog.domain.state import SETTLE, Track
from watchdog.domain.tracking import with_baseline, with_block


@dataclass(frozen=True, slots=True)
class Watchdog:
    """A guard with `error-rate > limit`, judged each `interval` seconds once a pod has served for `warmup` seconds."""

    interval: float = 15.0
    warmup: float = 0.0

    def __call__(self, release: Release) -> Decision:
        """When the rule breaches: the block's end, and the settling delay after which it is asked."""
        track = with_baseline(
            Track(_rule(release.limit), History(timedelta(seconds=self.interval))),
            baseline_of(release.stable, -BASELINE, 0.0),
        )
        warm_from = _warm_from(release, self.warmup)
        for block in blocks_of(release, release.candidate, self.interval):
            track = with_block(track, block, warm_from)
            if track.breach is not None:
                at = (block.end - EPOCH + SETTLE).total_seconds()
                return Decision(at, track.breach.sentence)
        return Decision(None, track.verdict.sentence if track.verdict else "")


def _rule(limit: float) -> Rule:
    metric = RatioMetric("http_error_rate", "bad", "total")
    check = Threshold(metric, Statistic.VALUE, Op.ABOVE, Absolute(limit), f"http_error_rate > {limit:.0%}")
    return Rule("error-rate", check)


def _warm_from(release: Release, warmup: float) -> Callable[[str], datetime | None]:
    """From when each pod's requests count: its readiness, which is its birth here, or the switch, and the warm-up."""
    warm = {pod.pod: EPOCH + timedelta(seconds=max(pod.born, 0.0) + warmup) for pod in release.candidate}
    return warm.get
