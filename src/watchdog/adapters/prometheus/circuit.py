"""When a Prometheus that does not answer is left in peace, and when it is asked again: a circuit breaker.

A state and what may happen to it; no clock, no I/O. Times are seconds that never go back.
"""

from dataclasses import dataclass, replace

OPENS_AFTER = 5  # failures in a row, whatever was asked
PROBES_EVERY = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed: all may be asked. Open: only, now and then, whether it is back. Begin with `Circuit()`.

    After a good probe one failure more opens it again: a cheap question says little of the costly ones.
    """

    failures: int = 0
    probed: float | None = None  # when it opened, or was last asked whether it is back; None: closed

    @property
    def open(self) -> bool:
        """Whether questions are spared."""
        return self.probed is not None

    def probe_due(self, now: float) -> bool:
        """Whether it is time to ask if it is back."""
        return self.probed is not None and now - self.probed >= PROBES_EVERY

    def probing(self, now: float) -> "Circuit":
        """A probe goes out."""
        return replace(self, probed=now)

    def back(self) -> "Circuit":
        """The probe was answered: half open."""
        return Circuit(failures=OPENS_AFTER - 1)

    def answered(self) -> "Circuit":
        """A question was answered, also one that was under way when it opened."""
        return Circuit()

    def failed(self, now: float) -> "Circuit":
        """A question was not answered; those that were under way when it opened change nothing."""
        if self.open:
            return self
        failures = self.failures + 1
        return Circuit(failures, now if failures >= OPENS_AFTER else None)
