"""`watchdog explain`: a short incident report at 80 columns, in ASCII, in Markdown; hostile words stay words."""

import asyncio
import html
import io
import os
import pty
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.web.pages.markup_reading import read
from builders import a_rule, a_watch
from cli.test_mark import HOSTILE, ended
from cli.verbs import a_cluster, call_beside, environment, spawn
from watchdog.cli.explained import print_story
from watchdog.cli.explained_markdown import markdown
from watchdog.domain.record import record_of
from watchdog.domain.state import Phase

LONG = "x" * 10_000
LOCALE = ("LC_ALL", "LC_CTYPE", "LANG", "PYTHONIOENCODING", "PYTHONUTF8")
PUBLIC = "https://prometheus.example.com"


def undone(**changes: Any) -> dict[str, Any]:
    known = {"acted_at": "2026-03-02T12:01:02+00:00", "put_back_to": "research-5f6d (research:2.3.1)",
             "put_back_complete_at": "2026-03-02T12:01:05+00:00", "bake_until": "2026-03-02T12:11:05+00:00",
             "recovery": "recovered", "candidate": "research-7c9d (research:2.4.0)",
             "slices": ["97 % of the failures are POST /checkout"]}  # fmt: skip
    return ended("research-1", "rolled-back", **{**known, **changes})


PARTS = ("What happened on 2026-03-02", "Impact", "Where it hurts", "What changed", "Evidence", "Decision", "Told",
         "What to look at next")  # fmt: skip


async def test_it_reads_like_an_incident_report(tmp_path: Path) -> None:
    record = undone(changes=["research image: 2.3.1, now 2.4.0"], commits="https://git.example.com/compare/a...b")
    async with a_cluster(tmp_path, record) as settings:
        told = (await call_beside("explain", "research-1", **settings)).stdout
        linked = await call_beside("explain", "research-1", **settings, PROMETHEUS_PUBLIC_URL=PUBLIC)
    places = [told.index(f"\n{part}") for part in PARTS]
    assert places == sorted(places)
    assert record["headline"] in told.splitlines()[1]
    for words in (
        "97 % of the failures are POST /checkout", "research image: 2.3.1, now 2.4.0", "Saved by acting: about ",
        "commits: https://git.example.com/compare/a...b", "kubectl -n production get replicaset research-7c9d",
    ):  # fmt: skip
        assert words in told
    assert "⠒ candidate" in told
    assert "S switch 0:00" in told
    assert f"{PUBLIC}/graph?" in linked.stdout
    assert f"{PUBLIC}/graph?" not in told


async def test_without_a_breach_each_rule_with_numbers_has_a_plot(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, ended("brand-2", "passed")) as settings:
        told = (await call_beside("explain", "brand-2", **settings)).stdout
    assert told.count("⠒ candidate") == 1
    assert "Impact" in told, "failed requests are told of a release that passed as well"
    assert "Saved" not in told


async def test_in_ascii_nothing_else_is_written_and_nothing_is_missing(tmp_path: Path) -> None:
    record = undone(reason="größer – als gedacht", switched_by="Zoë")
    async with a_cluster(tmp_path, record) as settings:
        process = await spawn("explain", "research-1", folder=tmp_path, **settings)
        unicode, _ = await process.communicate()
        plain = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "watchdog", "explain", "research-1", cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
            env=environment(**settings) | {"PYTHONIOENCODING": "ascii"}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            stdout, stderr = await plain.communicate()
    assert (process.returncode, plain.returncode, stderr) == (0, 0, b"")
    told = stdout.decode("ascii")
    assert "* candidate" in told
    assert "limit 5 %" in told
    assert "gr??er" in told
    assert "größer – als gedacht" in unicode.decode()
    assert all(part in told for part in PARTS if part != "What changed")


@pytest.mark.parametrize(
    ("locale", "ascii_alone"),
    [({"LC_ALL": "C"}, True), ({"LANG": "C"}, True), ({"LANG": "C", "LC_ALL": "C.UTF-8"}, False), ({}, False),
     ({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, False)],
)  # fmt: skip
async def test_in_the_c_locale_it_is_ascii_though_python_would_write_utf_8(
    tmp_path: Path, locale: dict[str, str], ascii_alone: bool
) -> None:
    async with a_cluster(tmp_path, undone()) as settings:
        known = {name: value for name, value in environment(**settings).items() if name not in LOCALE}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "watchdog", "explain", "research-1", cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
            env=known | locale,
        )  # fmt: skip
        async with asyncio.timeout(60):
            stdout, _ = await process.communicate()
    assert process.returncode == 0
    assert stdout.isascii() is ascii_alone
    assert ("* candidate" in stdout.decode()) is ascii_alone


async def test_a_number_and_its_unit_stay_on_one_line_of_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("COLUMNS", "80")
    lines = [f"{'x' * n} it had 0.26 % of all, in 340 ms" for n in range(60, 76)]
    print_story(undone(slices=lines))
    told = shown.getvalue().splitlines()
    assert not any(re.search(r"\d$", line.rstrip()) and line.startswith("  x") for line in told)
    assert " ".join(" ".join(told).split()).count("0.26 % of all, in 340 ms") == len(lines)
    assert "\ue000" not in shown.getvalue()


def test_a_rollback_by_hand_is_not_said_to_have_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    watch = replace(a_watch(a_rule(), by_hand="ana: checkout is down"), phase=Phase.ROLLED_BACK)
    print_story(record_of(watch))
    told = capsys.readouterr().out
    assert "error-rate  not judged" in told
    assert "not judged: a rollback by hand" in told
    assert "no-data" not in told


async def test_on_a_terminal_of_80_columns_only_what_is_copied_is_wider(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, undone()) as settings:
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "watchdog", "explain", "research-1", cwd=tmp_path, stdin=theirs, stdout=theirs,
            env=environment(**settings) | {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"},
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        reading = asyncio.create_task(asyncio.to_thread(_all_of, ours))
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        os.close(theirs)
        told = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", (await reading).decode())
        os.close(ours)
    wide = [line for line in told.splitlines() if len(line.rstrip()) > 80]
    assert all("kubectl" in line or "{" in line for line in wide), wide
    assert "⠒ candidate" in told


def _all_of(terminal: int) -> bytes:
    found = b""
    try:
        while part := os.read(terminal, 65536):
            found += part
    except OSError:  # the other end was closed
        pass
    return found


async def test_markdown_is_written_to_a_file_and_says_the_same(tmp_path: Path) -> None:
    record = undone()
    path = tmp_path / "incident.md"
    async with a_cluster(tmp_path, record) as settings:
        shown = await call_beside("explain", "research-1", "-o", "markdown", **settings, PROMETHEUS_PUBLIC_URL=PUBLIC)
        kept = await call_beside("explain", "research-1", "-o", "markdown", "--to", str(path), **settings)
    assert (shown.exit_code, kept.exit_code, kept.stdout) == (0, 0, "")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# production/deployment/research: rolled-back, recovered\n")
    heads = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert heads == [part for part in PARTS if part != "What changed"]
    assert record["headline"] in html.unescape(text).replace("\u2060", "")
    assert "(https://prometheus.example.com/graph?" in shown.stdout
    assert "prometheus.example.com" not in text


@pytest.mark.parametrize(
    "hostile", [HOSTILE, LONG, "]] | x ![y](http://z) @all <script> `a` ```\n# head\n- [ ] x", "\u202egnirts"]
)
def test_hostile_words_are_neither_markup_nor_a_line_of_their_own_in_markdown(hostile: str) -> None:
    fields = ("target", "candidate", "stable", "reason", "switched_by", "guard", "put_back_to", "watch", "by_hand")
    rule = {**undone()["rules"]["error-rate"], "sentence": hostile, "text": hostile, "query": f"a ```` {hostile}"}
    notices = [{"id": "x/held", "title": hostile, "at": "", "deliveries": {hostile: hostile}}]
    record = undone() | dict.fromkeys(fields, hostile) | {"rules": {hostile: rule}, "notices": notices,
                                                          "slices": [hostile], "changes": [hostile]}  # fmt: skip
    text = markdown(record, PUBLIC)
    outside = re.sub(r"^( *)(`{3,})\w*\n.*?\n\1\2$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "`" not in outside
    assert "<script" not in outside
    assert "<b>" not in outside
    assert "![y]" not in outside
    assert "@all" not in outside
    lines = outside.splitlines()
    assert [line for line in lines if line.startswith("# ")] == lines[:1]
    cells = {line.count(" | ") for line in lines if line.startswith("| ")}
    assert len(cells) <= 2, "no name ends a cell: the two tables have each their number of columns"


async def test_the_page_of_the_watch_has_impact_slices_and_what_to_do_next(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, undone()) as settings:
        shown = read((await call_beside("explain", "research-1", "-o", "html", **settings)).stdout)
    assert "requests failed from the switch to" in shown.section("impact").words
    assert "POST /checkout" in shown.section("hurts").words
    assert "kubectl -n production get replicaset research-7c9d" in shown.section("next").words
