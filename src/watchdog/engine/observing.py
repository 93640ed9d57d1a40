"""What the engine reports of itself, for metrics; the web adapter's metrics fulfil it."""

from datetime import datetime
from typing import Protocol

from watchdog.domain.effects import PutBackAnswer
from watchdog.domain.judge import Verdict
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.state import Watch


class Observer(Protocol):
    """Told of each fact as it happens; must return at once and never raise."""

    def switch_seen(self, kind: SwitchKind) -> None:
        """A switch of a guarded target was seen."""
        ...

    def watches_open(self, count: int) -> None:
        """How many watches are open now."""
        ...

    def stepped(self, watch: Watch) -> None:
        """A watch took a step; perhaps nothing of it has changed."""
        ...

    def judged(self, target: Target, verdict: Verdict) -> None:
        """A rule was judged."""
        ...

    def acted(self, watch: Watch, answer: PutBackAnswer, *, scaling: bool) -> None:
        """A provider answered a put-back."""
        ...

    def ended(self, watch: Watch, now: datetime) -> None:
        """A watch ended."""
        ...

    def delivery(self, channel: str, result: str) -> None:
        """A notice was sent, failed once, or was given up."""
        ...

    def unguarded(self, target: Target, marks: tuple[str, ...]) -> None:
        """Why a guarded target is out of our hands: `off` or `hold` (annotations), `version`, `unreadable`."""
        ...
