"""The comment on a pull request: what changed first, whatever a name holds, within what GitHub takes."""

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from replay.reports import a_comparison, a_report, a_rule, a_switch, fortnight
from watchdog.replay.rendering.markdown import LIMIT, MARKER, markdown
from watchdog.replay.report import Label, Note, Severity

HOSTILE = [
    "a|b", "x\n| injected | row |", "</code></td><script>alert(1)</script>", "`code`", "[text](http://evil.example)",
    "![x](http://evil.example/x.png)", "<!-- comment", "-->", "@everyone", "closes #12", "**bold**", "</details>",
    "\u202egnp.exe", "\x1b[31m", "$x^2$", "~~gone~~", "http://evil.example", "www.evil.example", "x" * 10_000,
]  # fmt: skip


def rendered(text: str) -> str:
    """As a GFM renderer sees it."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)


def tables(text: str) -> list[list[str]]:
    """The cells of each row of each table."""
    rows = re.findall(r"<tr>(.*?)</tr>", rendered(text), re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def test_the_marker_is_the_first_line_and_the_headline_says_it_all() -> None:
    lines = markdown(fortnight()).splitlines()
    assert lines[0] == MARKER == "<!-- rollback-watchdog -->"
    assert "7 of 8 bad releases would have been caught, half of them within 3 min 15 s" in lines[3]
    assert "1 false alarm in 61 clean deploys (1.6 per 100, 95 % interval 0.0 to 6.6)" in lines[3]


def test_what_changes_comes_before_everything_else_and_the_worse_first() -> None:
    text = markdown(a_comparison(fortnight()))
    assert text.index("#### Against") < text.index("#### Rules") < text.index("Every switch")
    assert "<code>main:rules.toml</code>: 1 rollback more, 1 fewer, 40 s sooner" in text
    marks = [row[0] for row in tables(text) if (len(row) == 7 and "worse" in row[0]) or "better" in row[0]]
    assert marks == ["🔴 worse", "🟢 better", "🟢 better"]


def test_nothing_that_changes_is_said_too() -> None:
    unchanged = replace(a_comparison(fortnight()), differences=(), summary="no difference")
    assert "No switch is decided otherwise." in markdown(unchanged)


def test_details_are_folded_and_closed() -> None:
    text = markdown(a_comparison(fortnight()))
    assert text.count("<details>") == text.count("</details>") == 3


def test_a_report_that_is_partial_warns_at_the_top() -> None:
    text = markdown(fortnight())
    assert text.index("[!WARNING]") < text.index("#### Rules")
    assert "15 days are kept" in text


def test_a_rule_without_a_source_is_said_not_to_be_replayable() -> None:
    assert "- <code>health</code> on 70 switches: no metric holds its probes" in markdown(fortnight())


@pytest.mark.parametrize("evil", HOSTILE, ids=lambda text: repr(text[:12]))
def test_no_name_breaks_out_of_its_cell(evil: str) -> None:
    rule = a_rule(rule=evil, sentence=evil, text=evil, not_replayable=evil)
    switch = a_switch(1, label=Label.BAD, bad_from=3)
    hostile = replace(switch, target=evil, candidate=evil, first_rule=evil, label_source=evil, reason=evil,
                      rules=(*switch.rules, rule))  # fmt: skip
    usual = markdown(a_report([switch, a_switch(2)]))
    report = a_report([hostile, a_switch(2)], [Note(Severity.WARNING, evil, evil)], rules_file=evil, prometheus=evil)
    text = markdown(report)
    html = rendered(text)
    widths = {len(row) for row in tables(text)}
    assert widths == {7}
    assert len(tables(text)) == len(tables(usual)) + 1  # the rule's own row
    for tag in ("<script", "<a ", "<img", "<strong>everyone", "<em>", "<s>"):
        assert tag not in html
    assert text.count("<details>") == text.count("</details>")
    assert text.count("<!--") == 1
    assert "\u202e" not in text
    assert "\x1b" not in text
    # In code nothing is looked up; elsewhere no person is called and no issue closed.
    assert not re.search(r"@\w|#\d", re.sub(r"<code>.*?</code>", "", html))


@pytest.mark.parametrize("limit", [LIMIT, 20_000])
def test_five_hundred_switches_fit_and_what_was_cut_is_said(limit: int) -> None:
    report = fortnight(500, 60, 300)
    text = markdown(a_comparison(report), limit=limit)
    assert len(text.encode()) <= limit
    assert len(text) > limit * 0.8
    shown = sum(1 for row in tables(text) if len(row) == 7 and row[0].endswith((" missed", " caught", " passed")))
    cut = re.search(r"Cut to what a comment may hold: (\d+) switches more \((\d+) passed", text)
    assert cut is not None
    assert shown + int(cut[1]) + 2 == 500  # one false alarm and one without a label besides
    # What went wrong is never what is cut.
    assert "🔴 missed" in text
    assert "🟠 false alarm" in text
    assert text.rstrip().endswith("</details>")


def test_names_of_ten_kilobytes_everywhere_still_fit() -> None:
    long = "näme|" * 2_000
    switches = [replace(a_switch(index), target=long + str(index), reason=long) for index in range(500)]
    notes = [Note(Severity.WARNING, long, long) for _ in range(50)]
    assert len(markdown(a_report(switches, notes, prometheus=long, rules_file=long)).encode()) <= LIMIT


def test_a_backtest_that_found_nothing_says_so() -> None:
    text = markdown(a_report([]))
    assert "**no switch was found.**" in text
    assert all(len(row) == 7 for row in tables(text))
