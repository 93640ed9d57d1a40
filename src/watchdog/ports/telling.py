"""Whom people are told through."""

from typing import Protocol

from watchdog.domain.effects import Notice


class NotDelivered(Exception):
    """The channel did not take the notice; `unsure` when it may have, `retry_after` in seconds if it said so."""

    final = False  # True: another try would be refused as well

    def __init__(self, detail: str, *, unsure: bool = False, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.unsure = unsure
        self.retry_after = retry_after


class Notifier(Protocol):
    """One channel."""

    name: str

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Send, once, within a few seconds; raises `NotDelivered`. Retries are the caller's."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...
