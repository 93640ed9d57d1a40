"""docs/pull-request.png and docs/backtest.png: the comment as a forge would show it, and the head of the HTML report.

`make pictures` takes them, with chromium, from a backtest of made-up history in a real Prometheus.
"""

import asyncio
import re
import tempfile
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.backtest.history import RULES, build
from benchmarks.backtest.plan import Fault, Plan
from markdown_it import MarkdownIt

from chromium import chromium
from cli.verbs import call
from simulator.prometheus.real import prometheus

DOCS = Path(__file__).parents[2] / "docs"
END = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
FAULTS = (Fault.FEW_ERRORS, Fault.MANY_ERRORS, Fault.SLOW, Fault.LATE_ERRORS, Fault.MEMORY)
NEW = RULES.replace("> 5%", "> 2%").replace("memory > 1.5x baseline", "memory > 2.5x baseline")

DOTS = {"🔴": "#cf222e", "🟠": "#bc4c00", "🟢": "#1a7f37", "⚪": "#818b98"}
"""Not every machine has a font for them."""

STYLE = """
body { margin: 0; padding: 24px; background: #fff; color: #1f2328; width: 1012px; box-sizing: border-box;
       font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, "DejaVu Sans", sans-serif }
.comment { border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; color: #59636e }
.head b { color: #1f2328 }
.body { padding: 16px }
h3 { font-size: 1.25em; margin: 24px 0 16px; line-height: 1.25 } h4 { font-size: 1em; margin: 24px 0 12px }
.body > :first-child { margin-top: 0 }
code { background: #818b981f; border-radius: 6px; padding: .2em .4em;
       font: 85% ui-monospace, "DejaVu Sans Mono", monospace }
h3 code { font-size: inherit }
table { border-collapse: collapse; display: block; width: max-content; max-width: 100%; margin: 0 0 16px }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px } th { font-weight: 600 }
tr:nth-child(2n) td { background: #f6f8fa }
details { margin-bottom: 8px } summary { cursor: pointer }
ul { padding-left: 2em; margin: 0 0 16px } p { margin: 0 0 16px }
.task { list-style: none; margin-left: -1.4em } .task input { margin: 0 .4em 0 0 }
"""


def shown(markdown: str) -> str:
    """A comment's page: GitHub's tables, task lists and colours, near enough for a picture."""
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    for mark, colour in DOTS.items():
        html = html.replace(mark, f'<span style="color: {colour}">&#9679;</span>')
    for mark, box in (("[x]", " checked"), ("[ ]", "")):
        html = html.replace(f"<li>{mark}", f'<li class="task"><input type="checkbox" disabled{box}>')
        html = html.replace(f"<li>\n<p>{mark}", f'<li class="task"><p><input type="checkbox" disabled{box}>')
    head = '<div class="head"><b>github-actions</b> bot commented</div>'
    return (
        f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>'
        f'<div class="comment">{head}<div class="body">{html}</div></div>'
    )


async def photographed(folder: Path) -> None:
    """Have chromium draw both pages into PNGs of their sizes."""
    async with chromium() as browser:
        for name, picture, size in (
            ("comment.html", "pull-request.png", (1012, 890)),
            ("backtest.html", "backtest.png", (1100, 1345)),
        ):
            page = await browser.opens((folder / name).resolve().as_uri(), size)
            await browser(lambda page=page, picture=picture: page.screenshot(path=DOCS / picture))


def reports(folder: Path) -> tuple[str, str]:
    """What a pull request says as markdown, and a backtest as HTML."""
    build(Plan(days=4, services=3, switches=14, bad=len(FAULTS), shared=1, end=END, faults=FAULTS), folder)
    (folder / "rules.toml").write_text(NEW)
    (folder / "main:rules.toml").write_text(RULES)
    with prometheus("global: {}\n", folder) as real, chdir(folder):
        words = ("backtest", "rules.toml", "--since", "4d", "--until", END.isoformat(), "--prometheus", real.url)
        asked = (("-o", "markdown", "--against", "main:rules.toml"), ("-o", "html"))
        found = [call(*words, "--cache", "cache", *more) for more in asked]
    assert [ran.exit_code for ran in found] == [0, 0], found
    markdown, html = (re.sub(r"(http.{1,5}//)127\.0\.0\.1:\d+", r"\1prometheus:9090", ran.stdout) for ran in found)
    return markdown, html


def main() -> None:
    """Take both pictures."""
    with tempfile.TemporaryDirectory(prefix="watchdog-pictures-") as name:
        folder = Path(name)
        markdown, html = reports(folder)
        (folder / "backtest.html").write_text(html, encoding="utf-8")
        (folder / "comment.html").write_text(shown(markdown), encoding="utf-8")
        asyncio.run(photographed(folder))


if __name__ == "__main__":
    main()
