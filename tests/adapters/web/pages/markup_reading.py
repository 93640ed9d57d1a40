"""Reads a page as a browser would, strictly: what is not well formed or not harmless is a failure."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br", "wbr", "input", "hr", "img"}
PHRASES = {"p", "h1", "h2", "h3", "dt", "dd", "th", "td", "li", "caption", "figcaption", "summary", "option"}


@dataclass
class Element:
    """One element, with the text within it."""

    tag: str
    attributes: dict[str, str]
    within: tuple[str, ...]
    text: str = ""
    below: list["Element"] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Its text, with single spaces."""
        return " ".join(self.text.split())


class Page(HTMLParser):
    """All elements of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.all: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {[one.tag for one in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {tag} {names}"
        one = Element(tag, {name: value or "" for name, value in attrs}, tuple(each.tag for each in self._open))
        for each in self._open:
            each.below.append(one)
        self.all.append(one)
        if tag not in VOID:
            self._open.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for each in self._open:
            each.text += data

    def tags(self, tag: str, kind: str = "") -> list[Element]:
        """The elements of a tag, perhaps of a class."""
        return [
            one for one in self.all if one.tag == tag and (not kind or kind in one.attributes.get("class", "").split())
        ]

    def by_id(self, key: str) -> Element:
        """The one element of that id."""
        (one,) = [one for one in self.all if one.attributes.get("id") == key]
        return one

    def rows(self) -> list[list[str]]:
        """The cells of the bodies of all tables."""
        return [
            [cell.words for cell in row.below if cell.tag in ("td", "th")]
            for row in self.tags("tr")
            if "tbody" in row.within
        ]

    def section(self, key: str) -> Element:
        """The section of a heading's id."""
        (one,) = [one for one in self.tags("section") if one.attributes.get("aria-labelledby") == key]
        return one


def read(text: str) -> Page:
    """The page, held to what every page must keep."""
    page = Page(text)
    for one in page.all:
        assert not [name for name in one.attributes if name.startswith("on")], one
        assert "style" not in one.attributes, one
        assert one.attributes.get("href", "/")[:1] in ("/", "#") or one.attributes["href"].startswith("https://"), one
        assert one.tag not in ("iframe", "object", "embed", "base", "img"), one
        if one.tag == "svg":
            assert one.attributes.get("role") == "img" or one.attributes.get("aria-hidden") == "true", one
            assert one.attributes.get("aria-hidden") or any(each.tag == "title" for each in one.below), one
        if one.tag == "form":
            assert one.attributes["method"] == "get"
        if one.tag == "select":
            assert "label" in one.within
        if one.tag == "table":
            assert one.below[0].tag == "caption"
            assert all(each.attributes.get("scope") in ("col", "row") for each in one.below if each.tag == "th")
    ids = [one.attributes["id"] for one in page.all if "id" in one.attributes]
    assert len(ids) == len(set(ids)), "an id twice"
    for one in page.all:
        for pointed in one.attributes.get("aria-labelledby", "").split():
            assert pointed in ids, f"{pointed} names nothing"
    assert [one.attributes["lang"] for one in page.tags("html")] == ["en"]
    assert len(page.tags("h1")) == 1
    assert len(page.tags("main")) == 1
    levels = [int(one.tag[1]) for one in page.all if one.tag in ("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    for script in page.tags("script"):
        assert not script.text, "a script within the page"
    return page
