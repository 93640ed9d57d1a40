"""What can be wrong with a template: found where it is read, or, of what no sample shows, where it is used."""

from collections.abc import Collection


class TemplateFault(ValueError):
    """A template that is not in force: `line` (from 1) and, where one is at fault, the `word` in it.

    `known` has what could have been meant by the word; `remedy` says what would be right where there is none.
    """

    def __init__(self, line: int, message: str, remedy: str, *, word: str = "", known: Collection[str] = ()) -> None:
        super().__init__(f"line {line}: {message}; {remedy}")
        self.line = line
        self.message = message
        self.remedy = remedy
        self.word = word
        self.known = tuple(known)


class RenderingFailed(Exception):
    """A template could not be filled in with these values, and why; `line` (from 1) is where it failed."""

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.line = line


class TooMuch(ValueError):
    """A step of a template makes a longer text than any notice has."""
