"""Suggestions as a patch: a unified diff that `git apply` and `patch` take, the reasons above it as comments."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from watchdog.domain.text import printable
from watchdog.replay.tuning.searching import Suggestion
from watchdog.rulebook.editing import edited


def patched(text: str, suggestions: Sequence[Suggestion]) -> str:
    """The file with all suggestions taken up."""
    return edited(text, [edit for suggestion in suggestions for edit in suggestion.edits])


def patch(text: str, name: str, suggestions: Sequence[Suggestion], summary: Sequence[str]) -> str:
    """The whole patch; without any change, the reasons alone."""
    reasons = [f"# {printable(line)}" for line in summary]
    reasons += [f"# {printable(f'{suggestion.rule}: {suggestion.reason}')}" for suggestion in suggestions]
    return "".join(f"{line}\n" for line in reasons) + "".join(_diff(text, patched(text, suggestions), name))


def _diff(old: str, new: str, name: str) -> Iterator[str]:
    shown = _path(name)
    for line in difflib.unified_diff(_lines(old), _lines(new), f"a/{shown}", f"b/{shown}"):
        yield line
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"


def _path(name: str) -> str:
    """What the patch calls the file: from the folder that it is taken up in, and without a git revision."""
    path = PurePath(name.rpartition(":")[2])
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()


def _lines(text: str) -> list[str]:
    """Lines as diff sees them: other separators than the line feed separate nothing."""
    *whole, last = text.split("\n")
    return [f"{line}\n" for line in whole] + ([last] if last else [])
