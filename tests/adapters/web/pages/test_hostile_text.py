"""Whatever names, annotations, errors and queries hold, it stays text: on both pages and in the file."""

from typing import Any

import pytest

from adapters.web.pages.markup_reading import read
from adapters.web.pages.records import a_record
from builders import at
from watchdog.adapters.web.pages import Fact, Filter, Health, Overview, Setting, missing_page, status_page, watch_page

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></main><h1>gone</h1>",
    "</pre></code><iframe src=//evil>",
    "a\u202egnp.exe\u2066",
    "two\nlines\r\n\x1b[31mred\x07\x00",
    "]]><!--",
    "&lt;b&gt;&amp;",
    "javascript:alert(1)",
    "x" * 10_000,
    "\ud800",
]


def poisoned(value: Any, text: str) -> Any:
    """The same document with every text in it exchanged, and every name of a mapping that is not ours."""
    match value:
        case str():
            return text
        case list():
            return [poisoned(one, text) for one in value]
        case dict():
            return {key: poisoned(one, text) for key, one in value.items()}
        case _:
            return value


def documents(text: str) -> list[dict[str, Any]]:
    """A record poisoned everywhere, and one poisoned but for what has a form, so that the rest is shown."""
    record = a_record(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    everywhere = poisoned(record, text)
    kept = {name: record[name] for name in ("switched_at", "opened_at", "bake_until", "schema", "state")}
    rule = record["rules"]["error-rate"]
    shaped = {**poisoned(rule, text), **{name: rule[name] for name in ("path", "dimension", "at", "asks", "stable")}}
    return [everywhere, {**everywhere, **kept, "phase": "watching", "outcome": None, "rules": {text: shaped},
                         "left": {text: text}, "notices": [{"title": text, "deliveries": {text: text}}]}]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_it_stays_text_everywhere(text: str) -> None:
    for record in documents(text):
        health = Health((Fact(text, text, "bad"),), (text,))
        pages = [
            status_page(
                Overview([record] * 13, [{**record, "outcome": text}], health, at(60)), Filter(text, text, text)
            ),
            status_page(Overview([record], [], health, at(60)), Filter()),
            watch_page(record, Setting(at(60), health, "https://prometheus.example.com")),
            watch_page(record, Setting(at(60))),
            missing_page(text, text),
        ]
        for page in pages:
            page.encode()  # a lone surrogate could not be sent
            assert "\u202e" not in page
            assert "\x1b" not in page
            assert "\x00" not in page
            assert len(page) < 3_000_000
            shown = read(page)
            assert not [one for one in shown.all if one.attributes.get("src", "").startswith("x")]
            assert not [one for one in shown.all if one.attributes.get("href", "").startswith("javascript")]
            assert "gone" not in [one.words for one in shown.tags("h1")]


def test_the_page_still_says_what_the_text_was() -> None:
    record = a_record(reason=HOSTILE[0], phase="holding")
    assert HOSTILE[0] in read(status_page(Overview([record], [], Health(), at(60)), Filter())).tags("article")[0].words
