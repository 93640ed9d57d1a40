"""What the shell may do for a watch, and how it answers: the only way out of the domain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from watchdog.domain.channels import Topic
from watchdog.domain.owners import Owner
from watchdog.domain.rollout import Revision, SwitchKind, Target


@dataclass(frozen=True, slots=True)
class ServicePutBack:
    """One Service to point back: the whole selector it shall have, and what it must be for that to be right."""

    service: str
    uid: str
    resource_version: str
    selector: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Remedy:
    """An allowed act, with its preconditions. A provider does exactly this or nothing.

    With `scale_to` it only scales the destination's Deployment up (a blue that was scaled to zero); the traffic
    is put back by a later remedy. `uid` and `resource_version` are those of the object that is written. `owner` is who
    reconciles that object; with `suspends`, its reconciling is suspended first.
    """

    watch: str
    target: Target
    kind: SwitchKind
    candidate: Revision
    to: Revision
    uid: str
    resource_version: str
    services: tuple[ServicePutBack, ...] = ()
    scale_to: int | None = None
    owner: Owner | None = None
    suspends: bool = False


@dataclass(frozen=True, slots=True)
class PutBackDone:
    """The API server took the act. `left`: Services that could not be put back, with the reason."""

    at: datetime
    left: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PutBackConflicted:
    """A precondition no longer held (409, or 422 of a failed test): nothing was written. Read and plan again."""

    at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class PutBackRefused:
    """The API server refuses the act for good (403, 404, 422 of an invalid object): nothing was written."""

    at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class PutBackUnsure:
    """No answer (a reset, a timeout, a 5xx): it may or may not have been done. Read again."""

    at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Write:
    """One request that would change something: exactly what would be sent, and was not."""

    method: str
    path: str
    content_type: str
    body: str  # JSON, byte for byte


@dataclass(frozen=True, slots=True)
class PutBackWithheld:
    """A dry run: the act was made ready to the last byte, and not sent. Nothing was written."""

    at: datetime
    writes: tuple[Write, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)  # Services that would not be put back, with the reason
    detail: str = ""  # why the API server was not asked whether it would take them


PutBackAnswer = PutBackDone | PutBackConflicted | PutBackRefused | PutBackUnsure | PutBackWithheld


class Severity(StrEnum):
    """How loud a notice is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    CRITICAL = "critical"


class DeliveryState(StrEnum):
    """Where a notice stands with one channel. `SENDING` after a crash means: perhaps sent."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    GAVE_UP = "gave-up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one channel."""

    channel: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    detail: str = ""  # why the last attempt failed


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told once. `id` is the same at each repeat; `watch` ties the notices of one story."""

    id: str
    topic: Topic
    severity: Severity
    watch: str  # "" for notices of no watch, as of an invalid rules.toml
    target: str
    title: str  # the whole story in one line
    lines: tuple[str, ...]  # what, why, since when, what was done
    at: datetime
    link: str = ""
    links: Mapping[str, str] = field(default_factory=dict)  # more places to look at, by name
    facts: Mapping[str, str] = field(default_factory=dict)  # for machines: rule, value, limit, revisions ...


@dataclass(frozen=True, slots=True)
class Look:
    """Read the target fresh from the API server, with the destination and a dry run; answered by `Looked`."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """Do the remedy; the intent is journalled first. Answered by `PutBackAnswered`."""

    remedy: Remedy


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a notice to the guard's channels that want its topic; never waited for.

    Those that want `unless` as well are left out: they will hear the same story, whole, in a moment.
    """

    notice: Notice
    unless: Topic | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Write the watch to the journal."""


@dataclass(frozen=True, slots=True)
class Emit:
    """A Kubernetes Event on the target."""

    reason: str  # CamelCase
    note: str
    warning: bool = False


class Judgement(StrEnum):
    """What a watch found out about its candidate."""

    PASSED = "passed"
    SERVED = "served"  # for `bake`, without a breach, but not every rule could have fired
    DOUBTED = "doubted"  # breached, not rolled back, and still serving
    BAD = "bad"
    REVERTED = "reverted"  # bad, put back, and brought back by somebody


@dataclass(frozen=True, slots=True)
class Remember:
    """Change what is remembered of the target's candidate."""

    what: Judgement
    revision: Revision


Effect = Look | PutBack | Tell | Record | Emit | Remember
