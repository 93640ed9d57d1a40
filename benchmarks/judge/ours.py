"""The watchdog itself as a policy: the daemon's own tracks, fed block by block as the daemon would feed them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from benchmarks.judge.blocks import BASELINE, EPOCH, baseline_of, blocks_of, stretches_of
from benchmarks.judge.runs import Decision, Release
from watchdog.domain.conditions import Absolute, Op, RatioMetric, Statistic, Threshold
from watchdog.domain.judge import History
from watchdog.domain.judge.calibration import calibrated
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.judge.harmless import harmless_of
from watchdog.domain.judge.peers import PeerMeasured, compare, stretch_of
from watchdog.domain.judge.verdict import Verdict
from watchdog.domain.measurement import Block, Counts
from watchdog.domain.quiet import WINDOWS
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Rule
from watchdog.domain.state import SETTLE, Track
from watchdog.domain.tracking import with_baseline, with_block

SHARED = "shared-cause"
"""The reason for which the watchdog holds what it would have rolled back."""

ALPHA = 0.001
"""What the default confidence of a guard leaves to chance, for all its rules together."""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """A guard with `error-rate > limit`, judged each `interval` seconds once a pod has served for `warmup` seconds.

    `alpha` is what the guard's confidence leaves to chance (None: `confidence = "off"`, the rule as written alone),
    shared equally by its `rules`, of which this is one. Unless it is `thorough`, the judge is not asked about releases of
    which no pod shows a share above the limit in any block: the rule as written, without which nothing breaches, is over
    the limit only where some block is. If it is `calibrated`, the release's history says what habits the service has.
    """

    interval: float = 15.0
    warmup: float = 0.0
    alpha: float | None = ALPHA
    rules: int = 1
    thorough: bool = False
    calibrated: bool = False

    def __call__(self, release: Release) -> Decision:
        """When the rule breaches: the block's end, and the settling delay after which it is asked."""
        blocks = blocks_of(release, self.interval)
        if not self.thorough and not _ever_over(blocks, release.limit):
            return Decision(None, "never over the limit")
        alpha = None if self.alpha is None else self.alpha / self.rules
        rule = _rule(release.limit, alpha)
        habits = habits_of(release, rule, self.interval) if self.calibrated else None
        history = History(timedelta(seconds=self.interval), timedelta(seconds=release.bake), calibration=habits)
        track = with_baseline(
            Track(rule, history),
            baseline_of(release.stable, -BASELINE, 0.0, self.interval),
        )
        warm_from, shared_until = _warm_from(release, self.warmup), None
        for block in blocks:
            track = with_block(track, block, warm_from)
            verdict = track.verdict
            if track.breach is None or verdict is None or not verdict.literal:
                continue
            compared = compare(track.rule, _threshold(release.limit), verdict, _peers(release, verdict))
            if compared.shared:
                shared_until = compared.end
            elif shared_until is None or (verdict.evidence.window_start or stretch_of(verdict)[0]) >= shared_until:
                # As the daemon does: after a hold, only what is wholly later than the peers' trouble is the release's.
                return Decision((block.end - EPOCH + SETTLE).total_seconds(), verdict.sentence)
        if shared_until is not None:
            return Decision(None, f"{SHARED}: peers failed alike")
        return Decision(None, track.verdict.sentence if track.verdict else "")


def habits_of(release: Release, rule: Rule, interval: float) -> Calibration:
    """What the judge reaches over the service's past: each stretch is a baseline and windows as long as the bake."""
    windows, baselines = [], []
    for pods in release.history:
        end = max(float(pod.at[-1]) for pod in pods)
        before = baseline_of(pods, 0.0, BASELINE, interval)
        for start in np.arange(BASELINE, end - release.bake + interval, release.bake)[: WINDOWS // 13]:
            windows.append(stretches_of(pods, np.arange(start, start + release.bake + 1.0, interval).tolist()))
            baselines.append(before)
    return calibrated(
        rule,
        windows[:WINDOWS],
        baselines[:WINDOWS],
        interval=timedelta(seconds=interval),
        bake=timedelta(seconds=release.bake),
        at=EPOCH,
    )


def _peers(release: Release, verdict: Verdict) -> list[PeerMeasured]:
    """What each peer measured over the window of the verdict, as the daemon asks for it."""
    cuts = [(at - EPOCH).total_seconds() for at in stretch_of(verdict)]
    if _is_away_at(release, cuts[-1] + SETTLE.total_seconds()):
        return []
    return [
        PeerMeasured(Target("production", TargetKind.DEPLOYMENT, f"peer-{number}"), stretches_of(pods, cuts))
        for number, pods in enumerate(release.peers)
    ]


def _is_away_at(release: Release, at: float) -> bool:
    return any(start <= at < end for start, end in release.outages)


def harmless_level(release: Release, interval: float = 15.0) -> float:
    """What the judge takes for harmless after this release's baseline."""
    baseline = baseline_of(release.stable, -BASELINE, 0.0, interval)
    harmless = harmless_of(_threshold(release.limit), baseline)
    assert harmless is not None  # the limit is an absolute one
    return harmless.level


def _ever_over(blocks: tuple[Block, ...], limit: float) -> bool:
    return any(
        pod.bad > limit * pod.total
        for block in blocks
        if isinstance(block.reading, Counts)
        for pod in block.reading.pods.values()
    )


def _threshold(limit: float) -> Threshold:
    metric = RatioMetric("http_error_rate", "bad", "total")
    return Threshold(metric, Statistic.VALUE, Op.ABOVE, Absolute(limit), f"http_error_rate > {limit:.0%}")


def _rule(limit: float, alpha: float | None) -> Rule:
    return Rule("error-rate", _threshold(limit), alpha=alpha)


def _warm_from(release: Release, warmup: float) -> Callable[[str], datetime | None]:
    """From when each pod's requests count: its readiness, which is its birth here, or the switch, and the warm-up."""
    warm = {pod.pod: EPOCH + timedelta(seconds=max(pod.born, 0.0) + warmup) for pod in release.candidate}
    return warm.get
