"""Mistakes of a rules file: each with its place, what is wrong, and what would be right."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

OUTSIDE = "a secret stands outside of [channels] and [sources]"
FOR_THESE_ONLY = "secrets are for channels and sources only; remove it"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake (or warning) of a rules file; lines and columns count from 1, columns in characters."""

    line: int
    column: int
    message: str
    remedy: str
    filename: str = "rules.toml"

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}:{self.column}: {self.message}; {self.remedy}"


class RulesError(ValueError):
    """A rules file that is not in force: all its mistakes, in the file's order."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class Fault(ValueError):
    """A mistake inside one text: `index` is where in the text; the reader of the text turns it into a Mistake."""

    def __init__(self, index: int, message: str, remedy: str) -> None:
        self.index = index
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}")


class Lines:
    """Turns offsets of a text into lines and columns."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column."""
        return self._starts[line - 1] + column - 1


class Mistakes:
    """Gathers the mistakes and warnings of one file."""

    def __init__(self, lines: Lines, filename: str) -> None:
        self._lines = lines
        self._filename = filename
        self._mistakes: dict[tuple[int, str], Mistake] = {}
        self._warnings: dict[tuple[int, str], Mistake] = {}

    def add(self, offset: int, message: str, remedy: str) -> None:
        """Note a mistake; the same one twice (a rule that two guards use) counts once."""
        self._mistakes.setdefault((offset, message), self._at(offset, message, remedy))

    def warn(self, offset: int, message: str, remedy: str) -> None:
        """Note what is allowed but hardly meant."""
        self._warnings.setdefault((offset, message), self._at(offset, message, remedy))

    def _at(self, offset: int, message: str, remedy: str) -> Mistake:
        line, column = self._lines.place(offset)
        return Mistake(line, column, message, remedy, self._filename)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All mistakes, in the file's order."""
        return _in_order(self._mistakes.values())

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """All warnings, in the file's order."""
        return _in_order(self._warnings.values())


def _in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    return tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was probably meant: that which is most alike, and at least so much (from 0 to 1)."""
    known = tuple(known)
    if word.lower() in known:
        return word.lower()
    matches = get_close_matches(word, known, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def suggest(word: str, known: Iterable[str], none: str = "there is none yet") -> str:
    """The remedy for an unknown word: the nearest known one, else all of them."""
    known = tuple(known)
    match = nearest(word, known)
    if match is not None:
        return f'did you mean "{match}"?'
    return f"known are {', '.join(known)}" if known else none


def shown(text: str, limit: int = 60) -> str:
    """A text as a mistake quotes it: in double quotes, on one line, not too long."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= limit else f'"{line[: limit - 1]}…"'
