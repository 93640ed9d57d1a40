"""How a Prometheus is asked that cannot do what it is asked: by stated steps, each taken back when it has gone well.

- An answer does not come within the deadline: the deadline is doubled, up to half a minute.
- A question about many pods is refused (their regular expression is too long, or their samples are too many), and one
  about fewer is answered: no more than those are asked about at once from then on.
- A question that names a single revision's pods is refused, and the same by their expression is answered: so many
  names are not sent any more.
- A question about a single revision is refused for a long stretch, and answered for a shorter one: no longer stretches
  are asked for at once from then on.

A revision whose question is refused however short it is is none of these: it is refused by itself, and harms no other.
"""

from collections.abc import Callable, Mapping

from watchdog.ports import Clock

LONGEST_DEADLINE = 30.0
LONGEST_PIECE = 600.0  # seconds of raw samples that are asked for at once
SHORTEST_PIECE = 60.0
_QUICK_ANSWERS = 50  # in a row, each in half of the first deadline, before a longer one is given up
_AGAIN = 600.0  # seconds after which more is tried once more

Eased = Mapping[str, str]
"""What is done otherwise than one would: each step's name, with a sentence."""


class Easing:
    """The steps that were taken. `told` is called with all of them whenever that changes."""

    def __init__(self, clock: Clock, deadline: float, told: Callable[[Eased], None]) -> None:
        self._clock = clock
        self._first = deadline
        self._told = told
        self._quick = 0
        self._narrowed_at = 0.0
        self.deadline = deadline
        self.largest: int | None = None
        self.piece = LONGEST_PIECE
        self.longest_names: int | None = None

    @property
    def steps(self) -> Eased:
        """What is done otherwise now."""
        steps = {}
        if self.deadline > self._first:
            steps["deadline"] = f"answers are waited for {self.deadline:g} s"
        if self.largest is not None:
            steps["batch"] = f"at most {self.largest} revisions are asked about at once"
        if self.longest_names is not None:
            steps["names"] = f"pods are named in at most {self.longest_names} characters"
        if self.piece < LONGEST_PIECE:
            steps["stretch"] = f"at most {self.piece:g} s of samples are asked for at once"
        return steps

    def timed_out(self, deadline: float) -> None:
        """No answer came within this deadline."""
        self._quick = 0
        if deadline >= self.deadline:  # of several that were sent under one deadline, the first says it
            self._change(deadline=min(LONGEST_DEADLINE, max(self._first, 2.0 * deadline)))

    def answered(self, seconds: float) -> None:
        """An answer came after so long."""
        self._quick = self._quick + 1 if seconds <= self._first / 2.0 else 0
        if self._quick >= _QUICK_ANSWERS and self.deadline > self._first:
            self._quick = 0
            self._change(deadline=max(self._first, self.deadline / 2.0))

    def too_many(self, answered: int) -> None:
        """Questions about more revisions than so many were refused."""
        self._narrowed_at = self._clock.monotonic()
        self._change(largest=max(1, answered))

    def too_many_names(self, length: int) -> None:
        """The names of one revision's pods, so many characters together, were refused, and their expression was not."""
        self._narrowed_at = self._clock.monotonic()
        self._change(longest_names=length - 1)

    def may_name(self, names: str) -> bool:
        """Whether the names of a revision's pods may be sent."""
        return self.longest_names is None or len(names) <= self.longest_names

    def too_long(self, seconds: float) -> None:
        """A question about a longer stretch was refused for its length."""
        self._narrowed_at = self._clock.monotonic()
        self._change(piece=max(SHORTEST_PIECE, min(self.piece, seconds)))

    @property
    def narrowed(self) -> bool:
        """Whether questions are smaller than one would ask."""
        return self.largest is not None or self.longest_names is not None or self.piece < LONGEST_PIECE

    def widen(self) -> None:
        """Ask as ever once more, if it is time; if it is refused again, nothing is lost but some questions."""
        if not self.narrowed or self._clock.monotonic() - self._narrowed_at < _AGAIN:
            return
        self._narrowed_at = self._clock.monotonic()
        self._change(largest=None, longest_names=None, piece=LONGEST_PIECE)

    def _change(self, **changed: float | int | None) -> None:
        before = self.steps
        for name, value in changed.items():
            setattr(self, name, value)
        if self.steps != before:
            self._told(self.steps)
