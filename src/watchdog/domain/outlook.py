"""How long a verdict takes with the requests that the candidate gets: what is told while its traffic is thin."""

import math
from collections.abc import Sequence
from datetime import datetime

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.harmless import pair_of, weight_of_block
from watchdog.domain.judge.proving import Pace, proof_of_twice_the_limit
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.measurement import Block, NoData
from watchdog.domain.state import Phase, Track, Watch

_RECENT = 8  # blocks that the rate is taken from
_TOO_FEW = 3
_FIRST_TOLD = 4  # blocks after the switch, or the step: then there is something to tell, and people look early


def outlook_of(watch: Watch) -> tuple[str, ...]:
    """A sentence for each rule that is judged by evidence, while the weights of a route are watched."""
    if watch.phase is not Phase.WATCHING or not watch.switch.kind.in_parts:
        return ()
    sentences = (_sentence(watch, track) for track in watch.tracks)
    return tuple(sentence for sentence in sentences if sentence)


def is_due(before: Watch, watch: Watch) -> bool:
    """Whether there is something to tell of it since this very block: once for the switch, and for each of its steps.

    Nobody keeps an eye on each block: who lists watches reads what was last written.
    """
    if watch.phase is not Phase.WATCHING or not watch.switch.kind.in_parts:
        return False
    return _blocks_of_step(before, watch) < _FIRST_TOLD <= _blocks_of_step(watch, watch)


def _blocks_of_step(measured: Watch, watch: Watch) -> int:
    """How many blocks were measured since the last step that `watch` knows."""
    ends = [track.history.blocks[-1].end for track in measured.tracks if track.history.blocks]
    return int((max(ends) - _last_step(watch)) / watch.guard.interval) if ends else 0


def _last_step(watch: Watch) -> datetime:
    return watch.steps[-1].at if watch.steps else watch.switch.at


def _sentence(watch: Watch, track: Track) -> str:
    threshold, history = track.threshold, track.history
    if threshold is None or track.rule.alpha is None or history.harmless is None:
        return ""
    recent = _recent(watch, track)
    pace = _pace(track, recent)
    if pace is None and len(recent) >= _FIRST_TOLD and all(_is_idle(block.reading) for block in recent):
        seen = span(len(recent) * history.interval)
        return f"{track.rule.name}: the candidate had no request in the last {seen}, and without any nothing is proven"
    if pace is None:
        return ""
    proof = proof_of_twice_the_limit(
        track.rule, history.harmless, pace, history.calibration, bake=watch.guard.bake, interval=history.interval
    )
    bad = f"{number(proof.share, Dimension.RATIO)} {'bad' if history.harmless.bound is None else 'slow'} ones"
    rate = f"{track.rule.name}: at {pace.requests_per_second:.2g} requests a second a release with {bad}"
    if proof.takes is None:
        return f"{rate} is never proven ({proof.held_against(history.harmless, pace)})"
    said = f"{rate} is proven after about {span(proof.takes)} ({proof.held_against(history.harmless, pace)})"
    if proof.takes > watch.guard.bake:
        said += f", and the bake is {span(watch.guard.bake)}: give it more traffic, or a longer bake"
    return said


def _recent(watch: Watch, track: Track) -> Sequence[Block]:
    """The last blocks, those of the present weight alone as soon as they are enough."""
    recent = track.history.blocks[-_RECENT:]
    own = [block for block in recent if block.end > _last_step(watch)]
    return own if len(own) >= _TOO_FEW else recent


def _is_idle(reading: object) -> bool:
    """Whether nothing came; not being answered says nothing."""
    return isinstance(reading, NoData) or getattr(reading, "total", None) == 0.0


def _pace(track: Track, recent: Sequence[Block]) -> Pace | None:
    """How evidence came in of late; None before there is enough to say."""
    threshold, history = track.threshold, track.history
    if threshold is None or history.harmless is None or len(recent) < _TOO_FEW:
        return None
    pairs = [pair_of(threshold, block.reading, history.harmless.bound) for block in recent]
    sizes = [pair[1] for pair in pairs if pair is not None and pair[1] > 0.0]
    if not sizes:
        return None
    seconds = len(recent) * history.interval.total_seconds()
    bets = math.fsum(weight_of_block(history.harmless, size) for size in sizes)
    return Pace(math.fsum(sizes) / len(sizes), len(sizes) / seconds, bets / seconds)
