"""Who may write in a guarded namespace, or the records, cannot forge what the watchdog says of them.

Markup, newlines, terminal escapes, marks that turn the text around, and whole books, where people may write text.
"""

import asyncio
import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.verbs import a_cluster, call_beside
from town import NAMESPACE, Town, tell
from watchdog.adapters.logs import LogFormat, set_up
from watchdog.adapters.notifiers import text
from watchdog.domain.annotations import HOLD
from watchdog.simulator.traffic import Course

FORGED = '2026-03-02T03:00:00 {"time": "forged", "level": "info", "event": "forged"}'
EVIL = (
    f"x\r\n{FORGED}\n03:00:00 INFO    forged watch=1\x1b[2J\x1b]0;owned\x07\x1b[31m\u202egnp.exe\u2066\u200b\x00\x9b1m"
    " @everyone <!channel> <script>alert(1)</script> <img src=x onerror=alert(1)> [click](javascript:alert(1))"
    " *b* `code` [bold]rich[/bold] [link=http://evil]x[/link] {{ secret.SLACK_URL }} ${HOME} %s %(message)s \ud800"
).replace("\ud800", "")
HUGE = "A" * 200_000
CONTROLS = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})  # controls, formats (RTL marks among them), line separators


def furnish(town: Town) -> None:
    town.furnish("research", "brand")
    labels = {"metadata": {"labels": {"evil": "x"}, "annotations": {"a": EVIL, "huge": HUGE}}}
    town.cluster.patch("deployments", NAMESPACE, "research", labels, manager="evil\x1b[31m\u202e<b>")


async def a_bad_release_of_a_stranger(town: Town) -> None:
    town.behaves(image(town), errors=Course.step(0.004, 0.5, after=20))
    town.cluster.deploy(NAMESPACE, "research", image(town), cause=EVIL, manager=manager())
    annotations = {"rollback-watchdog.dev/switched-by": EVIL, "rollback-watchdog.dev/guard": f"off; until={EVIL}"}
    town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": {"annotations": annotations}})
    record = await town.outcome("research")
    assert record["outcome"] in ("rolled-back", "held"), record["reason"]
    town.cluster.deploy(NAMESPACE, "brand", "brand:v2", cause=HUGE)
    until = town.clock.now() + timedelta(hours=1)
    hold = {"metadata": {"annotations": {HOLD: f"until={until.isoformat()}; {EVIL}{HUGE[:60_000]}"}}}
    town.cluster.patch("deployments", NAMESPACE, "brand", hold)
    await town.sleep(120)


def image(_: Town) -> str:
    return f"research:v2{EVIL}"


def manager() -> str:
    return "evil\x1b[31m\u202e<b>"


def shown_lines(shown: str, where: str, allowed: str = "\n") -> None:
    """Nothing in it steers a terminal or hides from a reader."""
    bad = {char for char in shown if unicodedata.category(char) in CONTROLS and char not in allowed}
    assert not bad, f"{where}: {bad!r}"


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.mark.usefixtures("_logging_as_it_was")
@pytest.mark.parametrize("style", list(LogFormat))
def test_what_a_stranger_writes_on_objects_forges_no_line_breaks_no_notice_and_no_page(
    style: LogFormat, tmp_path: Path
) -> None:
    records: list[dict[str, Any]] = []
    log = io.StringIO()

    async def story(town: Town) -> None:
        set_up("debug", style, town.clock, stream=log)
        await a_bad_release_of_a_stranger(town)
        assert town.watchdog is not None
        async with httpx.AsyncClient(base_url=town.watchdog.url, trust_env=False) as client:
            for path in ("/api/watches", "/metrics", "/readyz"):
                answer = await client.get(path)
                shown_lines(answer.text, path)
            for record in town.records():
                one = await client.get(f"/api/watches/{record['watch']}")
                shown_lines(one.text, "one watch")
                assert one.headers["Content-Type"].startswith("application/json")
                assert one.json()["watch"] == record["watch"]
                assert len(one.text) < 512 * 1024
        records.extend(town.records())
        for name, channel in town.channels.items():
            assert channel.told, name
            for notice, _ in channel.told:
                told(notice)
        for event in town.cluster.list("events", NAMESPACE):
            assert len(event["note"]) <= 1024

    tell(story, furnish)
    log_lines(log.getvalue(), style)
    assert len(records) >= 2
    asyncio.run(told_by_verbs(records, tmp_path))


def log_lines(written: str, style: LogFormat) -> None:
    shown_lines(written, "the log")
    lines = written.splitlines()
    assert len(lines) > 10
    for line in lines:
        if style is LogFormat.JSON:
            fact = json.loads(line)
            assert fact["event"] != "forged"
            assert fact["time"] != "forged"
        else:
            assert re.match(r"\d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR|CRITICAL) ", line) or line.startswith("    ")
            assert not re.match(r"\d\d:\d\d:\d\d \w+ +forged", line)


def told(notice: Any) -> None:
    title = text.title(notice, possible_repeat=False)
    plain = text.plain(notice, possible_repeat=True)
    markdown = text.markdown(notice, possible_repeat=True)
    shown_lines(title, "a title", allowed="\u200b")
    for body in (plain, markdown):
        shown_lines(body, "a notice", allowed="\n\u200b")
        assert "@everyone" not in body
    assert "\n" not in title
    assert not re.search(r"(?<!\\)<(script|img|!channel)", markdown)
    assert not re.search(r"(?<!\\)\[click\]\(", markdown)
    assert len(title) <= 1000


async def told_by_verbs(records: list[dict[str, Any]], folder: Path) -> None:
    """The verbs, of records that somebody has written into the records' own namespace as well."""
    forged = dict.fromkeys(records[0], EVIL) | {"watch": "forged-by-hand", "rules": {EVIL: EVIL}, "notices": EVIL}
    odd = records[0] | {"watch": "odd", "rules": {EVIL: {"finding": EVIL, "sentence": HUGE, "query": EVIL}},
                        "notices": [{"title": EVIL, "at": EVIL, "deliveries": {EVIL: EVIL}}, EVIL, 7],
                        "peers": [EVIL]}  # fmt: skip
    nested = records[0] | {"watch": "nested", "rules": None, "notices": {"x": 1}, "peers": {"y": []}, "state": EVIL}
    async with a_cluster(folder, *records, forged, odd, nested) as settings:
        for words in (
            ("status",), ("history",), ("history", "-o", "json"), ("status", "-o", "json"),
            *(("explain", str(record["watch"]), *more)
              for record in (*records, forged, odd, nested) for more in ((), ("-o", "json"))),
        ):  # fmt: skip
            done = await call_beside(*words, **settings)
            assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
            assert "forged-by-hand" in done.output or words[0] != "history"
            shown_lines(done.output, f"watchdog {' '.join(words)}")
            if "json" in words:
                json.loads(done.output.splitlines()[0] if words[0] != "explain" else done.output)
