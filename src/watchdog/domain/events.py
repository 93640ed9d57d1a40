"""What can happen to a watch: the only way into `advance`."""

from collections.abc import Mapping
from dataclasses import dataclass

from watchdog.domain.changes import Changes
from watchdog.domain.effects import DeliveryState, PutBackAnswer
from watchdog.domain.judge.peers import Comparison
from watchdog.domain.live import Live
from watchdog.domain.measurement import Baseline, Block, ProbeRound
from watchdog.domain.rollout import Revision, ServiceFlip, WeightStep
from watchdog.domain.state import Slice


@dataclass(frozen=True, slots=True)
class Looked:
    """The target was looked at; `live.fresh` answers a `Look`, and brings along how the peers fare.

    `compared` is None where nothing was to be compared (see `shared_cause.to_compare`).
    """

    live: Live
    compared: Comparison | None = None


@dataclass(frozen=True, slots=True)
class LookFailed:
    """The API server did not answer a `Look`."""

    detail: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One block of the rules that are measured in Prometheus, by rule; all blocks have the same index."""

    blocks: Mapping[str, Block]


@dataclass(frozen=True, slots=True)
class RecoveryMeasured:
    """The same for the revision that was gone back to; the grid begins at the completed put-back."""

    blocks: Mapping[str, Block]


@dataclass(frozen=True, slots=True)
class BaselineMeasured:
    """What rules measured of stable before the switch."""

    baselines: Mapping[str, Baseline]


@dataclass(frozen=True, slots=True)
class Described:
    """What differs between stable and the candidate."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class Sliced:
    """Where breached rules hurt, which was asked after it was decided what to do about them."""

    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Probed:
    """One round of a probe rule."""

    rule: str
    round: ProbeRound


@dataclass(frozen=True, slots=True)
class PutBackAnswered:
    """How the act went."""

    answer: PutBackAnswer


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another revision took over: `by`, and who did it where that is known; `what`, where it is no other revision."""

    by: Revision
    who: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """Another Service was flipped between the same two Deployments for the same release."""

    flip: ServiceFlip


@dataclass(frozen=True, slots=True)
class Stepped:
    """The candidate's part of a route's traffic moved, up or down."""

    step: WeightStep
    weights: Mapping[str, str]  # the route's, by backend


@dataclass(frozen=True, slots=True)
class RightEnded:
    """The guard was removed or set to notify: the watch may only tell from now on."""

    why: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The watchdog was started again and found this watch open in its journal."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time passed; `measured` says that every block due by now was measured and handed in before."""

    measured: bool = True


@dataclass(frozen=True, slots=True)
class DeliveryMoved:
    """A notice got further with one channel, or did not."""

    notice: str
    channel: str
    state: DeliveryState
    detail: str = ""


Event = (
    Looked
    | LookFailed
    | Measured
    | RecoveryMeasured
    | BaselineMeasured
    | Described
    | Sliced
    | Probed
    | PutBackAnswered
    | Superseded
    | Joined
    | Stepped
    | RightEnded
    | Resumed
    | Ticked
    | DeliveryMoved
)
