"""How long a verdict takes with the requests that the candidate gets: what is told while its traffic is thin."""

import math

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.harmless import pair_of, weight_of_block
from watchdog.domain.judge.proving import Pace, proof_of_twice_the_limit
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.state import Phase, Track, Watch

_RECENT = 8  # blocks that the rate is taken from: those before were of another weight, perhaps
_TOO_FEW = 3


def outlook_of(watch: Watch) -> tuple[str, ...]:
    """A sentence for each rule that is judged by evidence, while the weights of a route are watched."""
    if watch.phase is not Phase.WATCHING or not watch.switch.kind.in_parts:
        return ()
    sentences = (_sentence(watch, track) for track in watch.tracks)
    return tuple(sentence for sentence in sentences if sentence)


def _sentence(watch: Watch, track: Track) -> str:
    threshold, history = track.threshold, track.history
    if threshold is None or track.rule.alpha is None or history.harmless is None:
        return ""
    pace = _pace(track)
    if pace is None:
        return ""
    proof = proof_of_twice_the_limit(
        track.rule, history.harmless, pace, history.calibration, bake=watch.guard.bake, interval=history.interval
    )
    bad = f"{number(proof.share, Dimension.RATIO)} {'bad' if history.harmless.bound is None else 'slow'} ones"
    rate = f"{track.rule.name}: at {pace.requests_per_second:.2g} requests a second a release with {bad}"
    if proof.takes is None:
        return f"{rate} is never proven"
    needed = math.ceil(proof.takes.total_seconds() * pace.requests_per_second)
    said = f"{rate} is proven after about {span(proof.takes)} ({needed:,} requests)"
    if proof.takes > watch.guard.bake:
        said += f", and the bake is {span(watch.guard.bake)}: give it more traffic, or a longer bake"
    return said


def _pace(track: Track) -> Pace | None:
    """How evidence came in of late; None before there is enough to say."""
    threshold, history = track.threshold, track.history
    recent = history.blocks[-_RECENT:]
    if threshold is None or history.harmless is None or len(recent) < _TOO_FEW:
        return None
    pairs = [pair_of(threshold, block.reading, history.harmless.bound) for block in recent]
    sizes = [pair[1] for pair in pairs if pair is not None and pair[1] > 0.0]
    if not sizes:
        return None
    seconds = len(recent) * history.interval.total_seconds()
    bets = math.fsum(weight_of_block(history.harmless, size) for size in sizes)
    return Pace(math.fsum(sizes) / len(sizes), len(sizes) / seconds, bets / seconds)
