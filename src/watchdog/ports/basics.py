"""Time, and what it means that something outside does not answer: what every port may speak of."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Return after that long, once it is awaited."""
        ...


class OutOfReach(Exception):
    """A component did not answer, or answered in a way that another try may mend.

    `final`: another try would be answered the same (a right that is missing, no such object).
    """

    def __init__(self, sentence: str = "", *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


class TooLarge(OutOfReach):
    """A record that will be refused each time, for its size: whoever made it must keep less."""
