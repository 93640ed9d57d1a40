"""Calibration from history: what the very same judge reaches over quiet windows of a target's own past.

`domain/quiet.py` says which windows; here is which of them turn out not to have been quiet, what the others reached,
and what follows for the threshold (`judge/habits.py`). A window is judged as if a release had been switched to at its
beginning, against the harmless level of the baseline stretch before it.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.judge.habits import FEWEST, Calibration, LeftOut
from watchdog.domain.judge.harmless import Harmless, pair_of
from watchdog.domain.judge.history import RECENT, History
from watchdog.domain.judge.weighing import betting_on, level_for, spent_in, with_bet
from watchdog.domain.measurement import Baseline, Block, Buckets, Counts, QueryFailed, Reading
from watchdog.domain.rules import Budget, Guard, Rule

MARGIN = timedelta(minutes=2)
"""How far from a window nothing must have happened."""

_TAKES_PART = 0.05  # of a block's requests, below which a ReplicaSet is not said to serve

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Reached:
    """What the judge reached in one quiet window: the highest log evidence, over so many bets and requests."""

    log_evidence: float
    bets: int
    requests: float


Seen = Reached | LeftOut


def calibration_key(rule: Rule, guard: Guard) -> str:
    """Under which a rule's calibration is remembered: an edited rule, interval or bake is calibrated anew."""
    told: tuple[object, ...] = (rule.check, rule.min_requests, guard.interval, guard.bake, guard.baseline)
    if guard.source:
        told = (*told, guard.source)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def calibrated(
    rule: Rule,
    windows: Sequence[Sequence[Block]],
    baselines: Sequence[Baseline | None],
    *,
    interval: timedelta,
    bake: timedelta,
    at: datetime,
) -> Calibration:
    """The calibration by these windows, each with the baseline before it; nothing but what was measured is known."""
    return calibration_of(
        (
            seen(
                rule, window, baseline, interval=interval, bake=bake, over=over_limit(rule, window, baseline, bake=bake)
            )
            for window, baseline in zip(windows, baselines, strict=True)
        ),
        at,
    )


def calibration_of(windows: Iterable[Seen], at: datetime) -> Calibration:
    """What the windows amount to, in whatever order they come."""
    reached: list[Reached] = []
    left_out: dict[LeftOut, int] = {}
    for window in windows:
        if isinstance(window, Reached):
            reached.append(window)
        else:
            left_out[window] = left_out.get(window, 0) + 1
    bets = sum(window.bets for window in reached)
    return Calibration(
        at=at,
        windows=len(reached),
        reached=max(window.log_evidence for window in reached) if len(reached) >= FEWEST else None,
        requests=math.fsum(window.requests for window in reached) / bets if bets else 0.0,
        left_out=dict(sorted(left_out.items())),
    )


def seen(
    rule: Rule,
    window: Sequence[Block],
    baseline: Baseline | None,
    *,
    interval: timedelta,
    bake: timedelta,
    over: Sequence[Span] = (),
    disturbed: Sequence[Span] = (),
    recorded: Sequence[Span] = (),
) -> Seen:
    """What one window showed; `over`, `disturbed` (other pods) and `recorded` are stretches that were not quiet."""
    if not window:
        return LeftOut.UNMEASURED
    whole = (window[0].start, window[-1].end)
    reasons = ((LeftOut.RECORDED, recorded), (LeftOut.ROLLOUT, disturbed), (LeftOut.OVER_LIMIT, over))
    for reason, spans in reasons:
        if near(whole, spans):
            return reason
    measured = [block.reading for block in window]
    if any(isinstance(reading, QueryFailed) for reading in (*measured, *([baseline.reading] if baseline else []))):
        return LeftOut.FAILED
    history = History(interval, bake)
    highest = -math.inf
    for block in window:
        history = with_bet(rule, history, baseline, block)
        highest = max(highest, history.bets.log_evidence) if history.bets.placed else highest
    if history.bets.placed == 0 or history.bets.requests < rule.min_requests:
        return LeftOut.UNMEASURED
    return Reached(highest, history.bets.placed, history.bets.requests)


def near(window: Span, spans: Iterable[Span], margin: timedelta = MARGIN) -> bool:
    """Whether the window comes within `margin` of any of the spans."""
    return any(start - margin < window[1] and window[0] < end + margin for start, end in spans)


def over_limit(rule: Rule, blocks: Sequence[Block], baseline: Baseline | None, *, bake: timedelta) -> tuple[Span, ...]:
    """The stretches in which the rule as written held for longer than a minute: incidents, not habits.

    The rule looks at the recent minute, so a burst of 15 s keeps it true for a minute: from such a run, only what lies
    between the first and the last block that are over the limit by themselves counts, measured as `for` is measured.
    """
    threshold = betting_on(rule)
    harmless = None if threshold is None else level_for(rule, threshold, baseline)
    if threshold is None or harmless is None:
        return ()
    limit = _limit(rule, harmless, bake)
    pairs = [pair_of(threshold, block.reading, harmless.bound) for block in blocks]
    found: list[Span] = []
    run: list[int] = []
    for index, over in enumerate([*_recently_over(blocks, pairs, limit, rule.min_requests), False]):
        if over:
            run.append(index)
        elif over is False and run:
            alone = [at for at in range(_first(blocks, run[0]), run[-1] + 1) if _share_over(pairs[at], limit)]
            if alone and blocks[alone[-1]].end - blocks[alone[0]].end > RECENT:
                found.append((blocks[alone[0]].start, blocks[alone[-1]].end))
            run = []
    return tuple(found)


def other_pods(baseline: Baseline | None, blocks: Sequence[Block]) -> tuple[Span, ...]:
    """The blocks whose requests were not served by what made the baseline: a rollout, or a flip of colours.

    An idle colour that answers probes all along, and pods of the same ReplicaSet that come and go, are neither. Where
    the metric names no pods there is nothing to tell by.
    """
    before = _served(baseline.reading) if baseline is not None else {}
    if not before:
        return ()
    if _mixed(before):
        return tuple((block.start, block.end) for block in blocks)
    leading = max(before, key=lambda name: (before[name], name))
    found = []
    for block in blocks:
        serving = _served(block.reading)
        if serving and (
            max(serving, key=lambda name: (serving[name], name)) != leading
            or _mixed(serving)
            or any(name not in before for name in _taking_part(serving))
        ):
            found.append((block.start, block.end))
    return tuple(found)


def _limit(rule: Rule, harmless: Harmless, bake: timedelta) -> float:
    """The share of bad requests that, lasting, is an incident: the limit; of a budget, what spends it in a bake."""
    if not isinstance(rule.check, Budget):
        return harmless.limit
    return max(harmless.level, spent_in(rule.check, bake))


def _recently_over(
    blocks: Sequence[Block], pairs: Sequence[tuple[float, float] | None], limit: float, enough: int
) -> list[bool | None]:
    """At each block's end: whether the recent minute, lengthened to enough requests, was over; None: nobody can say."""
    answers: list[bool | None] = []
    for index in range(len(blocks)):
        if pairs[index] is None:
            answers.append(None)
            continue
        start = _first(blocks, index)
        bad, total = _sum(pairs[start : index + 1])
        while total < enough and start > 0:
            start -= 1
            more = pairs[start] or (0.0, 0.0)
            bad, total = bad + more[0], total + more[1]
        answers.append(bad > limit * total if total >= enough else None)
    return answers


def _first(blocks: Sequence[Block], index: int) -> int:
    """Where the recent minute of a block's end begins."""
    length = blocks[index].end - blocks[index].start
    return max(0, index + 1 - math.ceil(RECENT / length))


def _sum(pairs: Iterable[tuple[float, float] | None]) -> tuple[float, float]:
    known = [pair for pair in pairs if pair is not None]
    return math.fsum(bad for bad, _ in known), math.fsum(total for _, total in known)


def _share_over(pair: tuple[float, float] | None, limit: float) -> bool:
    return pair is not None and pair[0] > limit * pair[1]


def _served(reading: Reading) -> Mapping[str, float]:
    """The requests of each ReplicaSet, by the names of its pods."""
    if not isinstance(reading, Counts | Buckets):
        return {}
    served: dict[str, float] = {}
    for pod, count in reading.pods.items():
        replica_set = pod.rpartition("-")[0]
        if replica_set and count.total > 0.0:
            served[replica_set] = served.get(replica_set, 0.0) + count.total
    return served


def _taking_part(served: Mapping[str, float]) -> list[str]:
    total = math.fsum(served.values())
    return [name for name, requests in served.items() if requests >= _TAKES_PART * total]


def _mixed(served: Mapping[str, float]) -> bool:
    """Whether one Deployment serves with more than one ReplicaSet."""
    workloads = [name.rpartition("-")[0] for name in _taking_part(served)]
    return len(set(workloads)) < len(workloads)
