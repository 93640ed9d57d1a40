"""What `advance` answers: the watch as it is then, and what the shell shall do, in this order."""

from dataclasses import dataclass

from watchdog.domain.copies import with_fields
from watchdog.domain.effects import Effect
from watchdog.domain.state import Watch


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a watch."""

    watch: Watch
    effects: tuple[Effect, ...] = ()

    def then(self, later: "Step") -> "Step":
        """This step's effects, then those of the step that was taken from its watch."""
        return with_fields(later, effects=(*self.effects, *later.effects))
