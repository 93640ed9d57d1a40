"""`template` of a channel: its mistakes are found here, with their places, before any notice is told with it."""

import re
from collections.abc import Callable

from watchdog.rulebook.mistakes import Fault, suggest


def template_of(part: str) -> Callable[[str], str]:
    """A parser of the template of a title or a body; raises Fault."""

    def parse(text: str) -> str:
        from watchdog.templating import TemplateFault, checked  # noqa: PLC0415 - Jinja, only where there is a template

        try:
            return checked(text, part)
        except TemplateFault as fault:
            remedy = suggest(fault.word, fault.known) if fault.known else fault.remedy
            raise Fault(_index(text, fault.line, fault.word), fault.message, remedy) from None

    return parse


def _index(text: str, line: int, word: str) -> int:
    """Where the word stands in its line; without one, where the line begins."""
    lines = text.split("\n")
    start = sum(len(one) + 1 for one in lines[: line - 1])
    written = lines[line - 1] if line <= len(lines) else ""
    found = re.search(rf"\b{re.escape(word)}\b", written) if word else None
    return start + (found.start() if found else len(written) - len(written.lstrip()))
