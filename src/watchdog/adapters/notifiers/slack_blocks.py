"""A notice as Slack shows it: Block Kit, within the limits that Slack publishes, and nothing in it but text.

The words of a notice come from people (names, annotations, answers of servers), so they stand in `plain_text` alone, in
which Slack reads no markup, and `&`, `<` and `>` are written as entities, as Slack asks for.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from watchdog.adapters.notifiers import text
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity

Block = dict[str, Any]

# https://docs.slack.dev/reference/block-kit: a message that exceeds one of them is refused as a whole.
HEADER, SECTION, BUTTON_TEXT, BUTTON_URL, BUTTONS, BLOCKS = 150, 3000, 75, 3000, 25, 50
_FALLBACK = 1000  # characters of what a phone shows before the message is opened
_STORY = 6500  # of all lines: of a message of more than 13,000 Slack takes nothing; all else is at most 6,400
_CONTEXT = 500
_REPEATED = "It was being sent when the watchdog was interrupted, so it may have come before."

# Each differs in its shape as well, for those who do not see its colour.
_SIGNS: Mapping[Severity, str] = MappingProxyType(
    {
        Severity.INFO: "\N{LARGE BLUE CIRCLE}",
        Severity.SUCCESS: "\N{WHITE HEAVY CHECK MARK}",
        Severity.WARNING: "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
        Severity.CRITICAL: "\N{POLICE CARS REVOLVING LIGHT}",
    }
)
_ENTITIES = MappingProxyType({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_NOTHING_TO_DO = frozenset({Topic.RECOVERED, Topic.PASSED, Topic.SUPERSEDED})


def ends_well(notice: Notice) -> bool:
    """Whether the notice only closes a story that was told before: a short message is enough then."""
    return notice.topic in _NOTHING_TO_DO


def message(notice: Notice, *, possible_repeat: bool, short: bool = False) -> dict[str, Any]:
    """What Slack is sent, without the channel. `short`: the headline and the links, for what follows up."""
    headline = f"{_SIGNS[notice.severity]} {text.title(notice, possible_repeat=possible_repeat)}"
    blocks = [*_headline(headline, short=short)]
    if not short:
        blocks += _story([text.calm(line) for line in notice.lines])
    blocks += _buttons(notice)
    blocks.append(_context(notice, possible_repeat=possible_repeat))
    return {
        "text": escaped(headline, _FALLBACK),
        "blocks": blocks[:BLOCKS],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def only_text(notice: Notice, *, possible_repeat: bool) -> dict[str, Any]:
    """The whole notice without a block, should Slack refuse them: nothing may be lost for its looks."""
    title = text.title(notice, possible_repeat=possible_repeat)
    body = text.plain(notice, possible_repeat=possible_repeat, limit=SECTION)
    return {"text": escaped(f"{title}\n{body}", SECTION), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def escaped(words: str, limit: int) -> str:
    """`words` with Slack's control characters as entities, at most `limit` long, none of them cut in two."""
    whole = "".join(_ENTITIES.get(character, character) for character in words)
    if length(whole) <= limit:
        return whole
    kept, room = [], limit - 1
    for character in words:
        piece = _ENTITIES.get(character, character)
        room -= length(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def length(words: str) -> int:
    """Characters as JavaScript counts them, in which an emoji is two: the larger of what Slack may mean."""
    return len(words) + sum(character > "\uffff" for character in words)


def _plain(words: str, limit: int) -> Block:
    return {"type": "plain_text", "text": escaped(words, limit), "emoji": False}


def _headline(headline: str, *, short: bool) -> list[Block]:
    """The whole story in one line: large where it fits a header, whole where it does not."""
    if short or length(escaped(headline, SECTION)) > HEADER:
        return [{"type": "section", "text": _plain(headline, SECTION)}]
    return [{"type": "header", "text": _plain(headline, HEADER)}]


def _story(lines: Sequence[str]) -> list[Block]:
    """Sections of whole lines; what does not fit goes from the end, for half a line may say the opposite."""
    sections: list[str] = []
    room = _STORY
    for line in lines:
        shown = escaped(f"• {line}", SECTION - 2)
        room -= length(shown)
        if room < 0:
            sections.append("…")
            break
        if sections and length(sections[-1]) + 1 + length(shown) <= SECTION:
            sections[-1] += f"\n{shown}"
        else:
            sections.append(shown)
    return [{"type": "section", "text": {"type": "plain_text", "text": one, "emoji": False}} for one in sections]


def _buttons(notice: Notice) -> list[Block]:
    buttons = [
        {
            "type": "button",
            "text": _plain(name, BUTTON_TEXT),
            "url": url,
            "action_id": f"link-{number}",
        }
        for number, (name, url) in enumerate(text.links(notice))
        if length(url) <= BUTTON_URL
    ]
    return [{"type": "actions", "elements": buttons[:BUTTONS]}] if buttons else []


def _context(notice: Notice, *, possible_repeat: bool) -> Block:
    """The small print: which watch it is, and when this was so."""
    facts = [f"{notice.at:%Y-%m-%d %H:%M:%S} UTC"]
    if notice.watch:
        facts.append(f"watch {text.calm(notice.watch)}")
    if possible_repeat:
        facts.append(_REPEATED)
    return {"type": "context", "elements": [_plain(" · ".join(facts), _CONTEXT)]}
