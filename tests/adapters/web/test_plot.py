"""The plot of a watch by itself: a picture that renders anywhere, says what it shows, and can do nothing."""

import base64
import hashlib
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from adapters.simulated import simulated
from adapters.web.pages.records import a_record
from adapters.web.test_site import FakeView, serving
from watchdog.adapters.web.pages import picture

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("query", ["", "?rule=error-rate"])
@simulated
async def test_a_watch_has_a_plot_of_the_rule_that_decides(query: str) -> None:
    async with serving() as (session, _), session.get(f"/watches/w1/plot.svg{query}") as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
        text = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    drawn = ET.fromstring(text)
    assert drawn.tag == f"{SVG}svg"
    assert (drawn.findtext(f"{SVG}title") or "").startswith("error-rate of ")
    assert drawn.findtext(f"{SVG}desc")
    # Its stylesheet is let through by its hash; a script or an address in it would not be.
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; sandbox"


@pytest.mark.parametrize(
    "path", ["/watches/none/plot.svg", "/watches/w1/plot.svg?rule=crash", "/watches/w1/plot.svg?rule=x"]
)
@simulated
async def test_where_there_is_nothing_to_draw_it_says_so(path: str) -> None:
    async with serving() as (session, _), session.get(path) as answer:
        assert (answer.status, answer.content_type) == (404, "text/plain")
        assert "nothing was measured" in await answer.text()


@simulated
async def test_out_of_reach_is_no_missing_plot() -> None:
    view = FakeView()
    view.away = True
    async with serving(view) as (session, _), session.get("/watches/w1/plot.svg") as answer:
        assert (answer.status, await answer.text()) == (503, "the API server <does> not answer\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@simulated
async def test_a_plot_is_only_read(method: str) -> None:
    async with serving() as (session, _), session.request(method, "/watches/w1/plot.svg") as answer:
        assert answer.status == 405


def test_hostile_names_stay_text_in_a_plot() -> None:
    hostile = "</title><script>alert(1)</script>\x00\u202e"
    record: dict[str, Any] = {**a_record(watch="w1"), "target": hostile}
    rules = record["rules"]
    record["rules"] = {hostile: {**rules["error-rate"], "text": hostile, "sentence": hostile}}
    text = picture(record, hostile)
    assert text is not None
    tags = {one.tag.removeprefix(SVG) for one in ET.fromstring(text).iter()}
    assert not tags & {"script", "foreignObject", "a", "image"}
    assert "href" not in text
    assert not re.search(r"\son\w+=", text)
