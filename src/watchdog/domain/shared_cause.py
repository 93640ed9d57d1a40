"""Whether a rollback would not help, because peers that nobody touched fail alike at the same time.

Once a watch was held for that, the end of the trouble must not look like the release's fault: peers may recover some
seconds before the candidate, whose recent minute still holds the outage. So it is acted on only when the rule holds
over a window that begins after the last moment at which the peers failed alike.
"""

from collections.abc import Iterator
from datetime import datetime

from watchdog.domain.conditions import Threshold
from watchdog.domain.judge.peers import Comparison, PeerFinding, RuleCompared, stretch_of
from watchdog.domain.judge.verdict import Verdict
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Probe
from watchdog.domain.state import Phase, Refusal, RefusalReason, Track, Watch

_NAMED = 4  # peers that a sentence names


def to_compare(watch: Watch) -> tuple[Track, ...]:
    """The breached rules to compare with peers before an act; none where no comparison could hold it.

    What was put back in part is not asked for its reasons again; signs of Kubernetes are never excused by peers.
    """
    if watch.left or not watch.may_act or not _comparable(asking(watch)):
        return ()
    breached = tuple(track for name in watch.breached if (track := watch.track(name)) is not None)
    if watch.phase is Phase.HOLDING and not any(track.verdict and track.verdict.literal for track in breached):
        return ()
    return tuple(track for track in breached if _comparable((track,)))


def asking(watch: Watch) -> tuple[Track, ...]:
    """The breached rules that ask for a rollback now: those that hold as written; where none does, all of them."""
    breached = tuple(track for name in watch.breached if (track := watch.track(name)) is not None)
    return tuple(track for track in breached if track.verdict and track.verdict.literal) or breached


def verdict_to_compare(track: Track) -> Verdict | None:
    """The verdict whose window peers are measured over: the present one while the rule holds, else the breach."""
    return track.verdict if track.verdict is not None and track.verdict.literal else track.breach


def uncompared(watch: Watch) -> bool:
    """Whether a rule has begun to ask since peers were last compared, and they must be compared again."""
    tracks = asking(watch)
    known = watch.comparison
    return known is not None and _comparable(tracks) and any(known.of(track.rule.name) is None for track in tracks)


def shared_until(watch: Watch) -> datetime | None:
    """The end of the newest stretch over which peers failed alike, this comparison included."""
    rules = _excuses(watch)
    return max((one.end for one in rules), default=watch.shared_until)


def shared_cause(watch: Watch) -> Iterator[Refusal]:
    """The refusal `shared-cause`, where each rule that asks for the rollback is excused by the peers."""
    excuses = _excuses(watch)
    if excuses:
        yield Refusal(RefusalReason.SHARED_CAUSE, "; ".join(_excuse(watch, one) for one in excuses))
    elif watch.shared_until is not None and not watch.left and _overshadowed(watch, watch.shared_until):
        moment = f"{watch.shared_until:%H:%M:%S} UTC"
        why = f"its peers failed alike until {moment}; what it does by itself is judged over a whole window after that"
        yield Refusal(RefusalReason.SHARED_CAUSE, why)


def told_of(watch: Watch, comparison: Comparison) -> tuple[str, ...]:
    """One line a rule on how the peers fared, for notices."""
    return tuple(_line(watch, one) for one in comparison.rules)


def _comparable(tracks: tuple[Track, ...]) -> bool:
    return bool(tracks) and all(isinstance(track.rule.check, Threshold | Probe) for track in tracks)


def _excuses(watch: Watch) -> tuple[RuleCompared, ...]:
    """What excuses each rule that asks; empty if one of them is not excused."""
    if watch.comparison is None or watch.left:
        return ()
    compared = [watch.comparison.of(track.rule.name) for track in asking(watch)]
    excuses = tuple(one for one in compared if one is not None and one.shared)
    return excuses if len(excuses) == len(compared) else ()


def _overshadowed(watch: Watch, until: datetime) -> bool:
    """Whether all that asks was measured, at least in part, while the peers still failed alike."""
    tracks = asking(watch)
    if not _comparable(tracks):
        return False
    verdicts = [verdict for track in tracks if (verdict := verdict_to_compare(track)) is not None]
    return all(_began(verdict) < until for verdict in verdicts)


def _began(verdict: Verdict) -> datetime:
    return verdict.evidence.window_start or stretch_of(verdict)[0]


def _excuse(watch: Watch, one: RuleCompared) -> str:
    alike = sorted(one.alike, key=lambda peer: (-(peer.value or 0.0), peer.target))
    named = [f"{_name(watch, peer.target)} {peer.shown}" for peer in alike[:_NAMED]]
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    peers = f"{len(alike)} of {len(one.usable)} peers that nobody touched break {one.rule} too"
    return f"a rollback would not help: {peers} ({', '.join(named)}{more})"


def _line(watch: Watch, one: RuleCompared) -> str:
    if one.why:
        return f"Peers on {one.rule}: none compared, {one.why}"
    return f"Peers on {one.rule}: {', '.join(_fared(watch, peer) for peer in one.peers)}"


def _fared(watch: Watch, peer: PeerFinding) -> str:
    name = _name(watch, peer.target)
    if not peer.usable:
        return f"{name} not usable ({peer.sentence})"
    return f"{name} {peer.shown}{', alike' if peer.alike else ''}"


def _name(watch: Watch, target: Target) -> str:
    return target.name if target.namespace == watch.switch.target.namespace else f"{target.namespace}/{target.name}"
