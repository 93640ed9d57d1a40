"""The HTML report: one file that needs nothing, shows every switch, and keeps other people's text text."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from drawing.pictures import of_class, titles
from replay.reports import BEGIN, a_comparison, a_path, a_report, a_rule, a_switch, fortnight
from watchdog.replay.rendering.curves import FACTORS, curves
from watchdog.replay.rendering.html import html
from watchdog.replay.report import Label, Note, Severity

HOSTILE = (
    "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>\"'\u202e\x00\x1b[2J\n" + "y" * 10_000
)
_VOID = {"meta", "input", "br", "img", "link"}


class Page(HTMLParser):
    """What a browser would see: tags in order, their attributes, and whether they close as they opened."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data) -> None:
        self.text.append(data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [
            found
            for name, found in self.tags
            if name == tag and all(value in (found.get(key) or "").split() for key, value in attributes.items())
        ]


def pictures(text: str) -> list[ET.Element]:
    return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def test_one_file_needs_nothing_else_and_allows_nothing_else() -> None:
    text = html(a_comparison(fortnight()))
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe", "object", "embed", "form")]
    (policy,) = [each["content"] or "" for each in page.all("meta") if each.get("http-equiv")]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not [tag for tag, found in page.tags if "style" in found or any(key.startswith("on") for key in found)]
    links = [found.get("href") or "" for _, found in page.tags if "href" in found]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)|@import|@font-face", text)


def test_every_switch_is_on_the_timeline_and_leads_to_its_details() -> None:
    report = fortnight()
    text = html(report)
    (timeline,) = [each for each in pictures(text) if of_class(each, "wd-row")]
    events = of_class(timeline, "wd-event")
    assert len(events) == len(report.real)
    anchors = {link.get("href") for link in timeline.iter("{http://www.w3.org/2000/svg}a")}
    ids = {f"#{found['id']}" for found in Page(text).all("details", **{"class": "switch"})}
    assert anchors == ids
    assert len(ids) == len(report.real)
    assert any("rolled-back after 2 min by error-rate; bad (label file)" in each for each in titles(timeline))


def test_the_evidence_crosses_its_threshold_where_the_rule_breached() -> None:
    switch = a_switch(1, label=Label.BAD, at=BEGIN, rules=(a_rule(a_path(BEGIN, bad_from=9, gap=range(4, 7))),))
    drawn = [each for each in pictures(html(a_report([switch]))) if of_class(each, "wd-moment-breach")]
    (picture,) = drawn
    breach = switch.rules[0].breached_at
    assert breach is not None
    minutes, seconds = divmod(int((breach - BEGIN).total_seconds()), 60)
    said = titles(picture)
    assert f"error-rate breached: +{minutes}:{seconds:02}" in said
    assert "limit 5 %" in said
    assert "needed: 2,000 to 1" in said
    # The value and the evidence are both unknown for a while, and both say so.
    assert [each.startswith(("candidate: no data", "evidence: no data")) for each in said].count(True) == 2


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    text = html(a_comparison(fortnight()))
    page = Page(text)
    ids = [found["id"] for _, found in page.tags if found.get("id")]
    assert len(set(ids)) == len(ids)
    for _, found in page.tags:
        for one in (found.get("aria-labelledby") or "").split():
            assert one in ids
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert {(found.get("href") or "#")[1:] for found in page.all("a")} <= set(ids)


def test_whatever_a_name_holds_it_stays_text() -> None:
    rule = a_rule(a_path(BEGIN, bad_from=3), rule=HOSTILE, text=HOSTILE, sentence=HOSTILE, query=HOSTILE)
    switch = a_switch(1, label=Label.BAD, at=BEGIN, rules=(rule, a_rule(rule="x", not_replayable=HOSTILE)))
    hostile = replace(switch, id=HOSTILE, target=HOSTILE, candidate=HOSTILE, stable=HOSTILE, source=HOSTILE,
                      label_source=HOSTILE, reason=HOSTILE, served_until_why=HOSTILE, kind=HOSTILE,
                      notes=(HOSTILE,))  # fmt: skip
    notes = [Note(Severity.WARNING, HOSTILE, HOSTILE), Note(Severity.INFO, HOSTILE)]
    report = a_report(
        [hostile, a_switch(2), a_switch(3)], notes, rules_file=HOSTILE, prometheus=HOSTILE, digest=HOSTILE
    )
    comparison = replace(a_comparison(fortnight()), new=report, old_name=HOSTILE, summary=HOSTILE)
    page = Page(html(comparison))
    assert not page.all("script")
    assert not page.all("img")
    assert not [found for _, found in page.tags if any(key.startswith("on") for key in found)]
    text = "".join(page.text)
    assert "alert(1)" in text
    assert not re.search("[\u202e\x00\x1b]", text)
    assert len(text) < 200_000


def test_five_hundred_switches_stay_a_file_that_opens() -> None:
    report = fortnight(500, 60, 400)
    text = html(report)
    assert len(text.encode()) < 20_000_000
    assert len(Page(text).all("details", **{"class": "switch"})) == 500


def test_long_paths_are_drawn_with_fewer_points_that_keep_their_extremes() -> None:
    path = list(a_path(BEGIN, blocks=20_000))
    path[12_345] = replace(path[12_345], value=0.0499)
    switch = a_switch(1, at=BEGIN, rules=(a_rule(path),))
    report = a_report([switch])
    assert len(html(report)) < 60_000
    (picture,) = [each for each in pictures(html(report)) if "candidate" in titles(each)]
    (line,) = [each for each in of_class(of_class(picture, "wd-panel")[0], "wd-value") if each.tag.endswith("path")]
    heights = sorted(float(point.split()[1]) for point in re.split("[ML]", line.get("d") or "") if point)
    assert heights[1] - heights[0] > 50  # pixels: the one spike stands alone


def test_the_groups_say_what_went_wrong_and_those_are_open() -> None:
    page = Page(html(fortnight()))
    summaries = [text for text in page.text if re.search(r"\(\d+\)$", text)]
    assert summaries == [
        "Missed: known to be bad, and nothing was decided (1)",
        "False alarms: decided on a clean deploy (1)",
        "Caught: known to be bad (7)",
        "Would have been rolled back; nobody said whether they were bad (1)",
        "Passed (30)",
    ]
    groups = page.all("details", **{"class": "group"})
    assert ["open" in each for each in groups] == [True, True, True, False, False]


def test_switches_can_be_filtered_by_target_without_a_script() -> None:
    text = html(fortnight())
    radios = Page(text).all("input")
    assert [each.get("id") for each in radios] == ["every", "t0", "t1", "t2", "t3", "t4"]
    assert "main:has(#t4:checked) .switch:not(.t4){display:none}" in text
    assert len(Page(text).all("details", **{"class": "t4"})) == 8


def test_the_curve_trades_false_alarms_for_time() -> None:
    (curve,) = curves(fortnight())
    assert [each.factor for each in curve.settings] == list(FACTORS)
    times = [each.time_median for each in curve.settings if each.time_median is not None]
    assert times == sorted(times)
    assert times[0] < times[-1]
    alarms = [each.false_alarms for each in curve.settings]
    assert alarms == sorted(alarms, reverse=True)
    measured = next(each for each in curve.settings if each.factor == 1.0)
    assert (measured.caught, measured.bad, measured.false_alarms, measured.clean) == (7, 8, 1, 61)


@pytest.mark.parametrize(
    "switches", [[], [a_switch(0)], [a_switch(0, rules=(a_rule(),))]], ids=["none", "one", "blind"]
)
def test_a_backtest_with_little_in_it_is_still_a_page(switches) -> None:
    Page(html(a_report(switches)))
