"""Pieces of HTML that several pages share. Whatever a record holds, it stays text: all text goes through `words`."""

import base64
import hashlib
import importlib.resources
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import quote

from watchdog.adapters.web.pages.style import STYLE
from watchdog.domain.judge.verdict import span
from watchdog.drawing.elements import words

LONGEST = 2000  # characters of a sentence, a query or a name; what is longer is cut, and the JSON has it whole

_BADGES = {
    "passed": "good", "recovered": "good", "pass": "good", "sent": "good",
    "rolled-back": "bad", "failed": "bad", "not-recovered": "bad", "breach": "bad", "would-roll-back": "bad",
    "gave-up": "bad", "refused": "bad",
    "held": "doubt", "holding": "doubt", "notified": "doubt", "inconclusive": "doubt", "unknown": "doubt",
    "deciding": "doubt", "acting": "doubt", "marked missed": "doubt", "marked false-alarm": "doubt",
    "watching": "live", "recovering": "live",
}  # fmt: skip
_WHEN = ' class="when"'
_SIGNS = {"good": "✓", "bad": "✕", "doubt": "!", "live": "●"}


@cache
def style_path() -> str:
    """Where the stylesheet is served; its name holds its digest, so that it may be kept for ever."""
    return f"/assets/page.{_digest(STYLE)}.css"


MARK = (
    '<path d="M11 1l9 4v6c0 5-4 8.5-9 10-5-1.5-9-5-9-10V5z" fill="#0072B2"/>'
    '<path d="M6.5 11.2l3.2 3.2 6-6.4" fill="none" stroke="#fff" stroke-width="2.2"/>'
)
"""A shield: paths within 22 by 22."""

ICON = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22">{MARK}</svg>'
"""The page's icon, as a file."""


@cache
def icon_path() -> str:
    """Where the icon is served."""
    return f"/assets/icon.{_digest(ICON)}.svg"


@cache
def script() -> str:
    """The only script: it looks for news and asks for the page again."""
    return importlib.resources.files(__package__).joinpath("live.js").read_text(encoding="utf-8")


@cache
def script_path() -> str:
    """Where the script is served."""
    return f"/assets/live.{_digest(script())}.js"


@cache
def _style_hash() -> str:
    """The stylesheet as a Content-Security-Policy names it: no other style is taken."""
    return f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def document(title: str, body: str, *, alone: bool = False) -> str:
    """A whole page. `alone`: a file that needs nobody, with its stylesheet within and without a script."""
    if alone:
        policy = f"default-src 'none'; style-src '{_style_hash()}'; form-action 'none'; base-uri 'none'"
        head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{STYLE}</style>'
    else:
        head = (
            f'<link rel="stylesheet" href="{style_path()}">\n<script src="{script_path()}" defer></script>\n'
            f'<link rel="icon" type="image/svg+xml" href="{icon_path()}">'
        )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{words(title)}</title>\n{head}\n</head>\n<body>\n"
        f'<a class="skip" href="#main">Skip to the content</a>\n{body}\n</body>\n</html>\n'
    )


def said(text: object, most: int = LONGEST) -> str:
    """Other people's text as markup."""
    return words("" if text is None else str(text), most)


def pre(text: object) -> str:
    """A query or the like, as it was sent: copied whole, wrapped where the page is narrow."""
    lines = str(text).split("\n")
    return f'<pre tabindex="0"><code>{chr(10).join(said(line, 10_000) for line in lines)}</code></pre>'


def badge(state: object) -> str:
    """A state as a word with a sign and a colour; any of the three is enough to tell it."""
    tone = _BADGES.get(str(state), "none")
    sign = f'<span aria-hidden="true">{_SIGNS[tone]}</span> ' if tone in _SIGNS else ""
    return f'<span class="badge b-{tone}">{sign}{said(state, 60)}</span>'


def time(at: datetime | None, *, day: bool = True) -> str:
    """A moment, for people and machines."""
    if at is None:
        return "-"
    shown = f"{at:%Y-%m-%d %H:%M:%S} UTC" if day else f"{at:%H:%M:%S} UTC"
    return f'<time datetime="{at.isoformat()}">{shown}</time>'


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, as people say it."""
    if at is None:
        return "-"
    return f"{span(max(now - at, timedelta(0)))} ago"


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """A list of facts whose texts are markup already; empty ones are left out."""
    return "<dl>" + "".join(f"<dt>{said(name)}</dt> <dd>{text}</dd> " for name, text in rows if text) + "</dl>"


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are markup already; the first of a row is its head. Narrow, each row is a block."""
    head = "".join(f'<th scope="col">{said(name)}</th>' for name in heads)
    body = "".join(
        "<tr>"
        + f'<th scope="row"{_WHEN if heads[0] == "at" else ""}>{row[0]}</th>'
        + "".join(_cell(name, cell) for name, cell in zip(heads[1:], row[1:], strict=True))
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<table><caption class="quiet">{said(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}</tbody></table>"
    )


def _cell(head: str, cell: str) -> str:
    """Narrow, a cell names its column, short ones stand beside each other, and empty ones are not shown."""
    kind = ' class="none"' if cell in ("-", "") else ' class="near"' if head in ("value", "limit") else ""
    return f'<td data-head="{said(head)}"{kind}>{cell}</td>'


def name(text: object) -> str:
    """A target's name, which may be broken after its slashes."""
    return said(text).replace("/", "/<wbr>")


def watch_link(watch: object, text: str) -> str:
    """A link to a watch's page around markup."""
    return f'<a href="/watches/{quote(str(watch)[:253], safe="", errors="replace")}">{text}</a>'
