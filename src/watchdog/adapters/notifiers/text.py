"""A notice as people read it: the same words for every channel."""

import re

from watchdog.domain.effects import Notice
from watchdog.domain.text import cut

REPEAT_MARK = "(possible repeat) "
_REPEAT_LINE = "It was being sent when the watchdog was interrupted, so it may have come before."
_LONGEST_ID = 200
_MENTION = re.compile(r"@(?=(everyone|here|channel|all)\b)", re.IGNORECASE)
# What RFC 3986 has in no address; and parentheses, which end one in Markdown.
_NOT_IN_A_LINK = re.compile(r"[^]!#$&'*+,./:;=?@\[_~%A-Za-z0-9-]")
_MEANT_AS_MARKDOWN = re.compile(r"([\\<\[])")


def title(notice: Notice, *, possible_repeat: bool, limit: int = 1000) -> str:
    """One line; the mark stands first, where nothing cuts it off."""
    return cut((REPEAT_MARK if possible_repeat else "") + calm(notice.title), limit)


def plain(notice: Notice, *, possible_repeat: bool, limit: int = 100_000) -> str:
    """The body without any markup."""
    last = "\n".join(f"{name}: {calm(url)}" for name, url in _places(notice))
    return _body([calm(line) for line in notice.lines], last, possible_repeat, notice, limit)


def markdown(notice: Notice, *, possible_repeat: bool, limit: int = 100_000) -> str:
    """The body in Markdown that every dialect shares: a list, and a link.

    The notice's words come from people (names, annotations), so nothing in them becomes a link, an image, HTML or a
    call to everyone in the room.
    """
    lines = ["- " + _MEANT_AS_MARKDOWN.sub(r"\\\1", calm(line)) for line in notice.lines]
    last = " · ".join(f"[{name}]({_link(url)})" for name, url in _places(notice))
    return _body(lines, last, possible_repeat, notice, limit)


def links(notice: Notice) -> list[tuple[str, str]]:
    """Where to go from a notice, each with its name: the watch, the query, the runbook. Web addresses alone."""
    named = [("Open the watch", notice.link), *notice.links.items(), ("Runbook", notice.facts.get("runbook", ""))]
    return [(calm(name) or "Link", _link(url)) for name, url in named if url.startswith(("http://", "https://"))]


def _body(lines: list[str], last: str, possible_repeat: bool, notice: Notice, limit: int) -> str:
    tail = [
        text
        for text in (last, f"{_REPEAT_LINE} Notice {cut(calm(notice.id), _LONGEST_ID)}." if possible_repeat else "")
        if text
    ]
    room = limit - sum(len(text) + 2 for text in tail)
    kept = "\n".join(lines)
    if len(kept) > room:
        # Whole lines go, from the end: half a line may say the opposite of the whole.
        while lines and len("\n".join([*lines, "…"])) > room:
            lines = lines[:-1]
        kept = "\n".join([*lines, "…"])
    return "\n\n".join([kept, *tail]) if kept else "\n\n".join(tail)


def _places(notice: Notice) -> list[tuple[str, str]]:
    """The links that are short enough to stand in a text."""
    named = (("More", notice.link), ("Runbook", notice.facts.get("runbook", "")))
    return [(name, url) for name, url in named if url]


def calm(text: str) -> str:
    """One line of printable characters that calls nobody."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return _MENTION.sub("@\u200b", " ".join(line.split()))


def _link(url: str) -> str:
    return _NOT_IN_A_LINK.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode(errors="replace")), url)
