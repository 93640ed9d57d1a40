"""Reads a picture back as an XML parser sees it."""

from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """The root of a picture; what is no well-formed XML fails here."""
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return root


def texts(root: ET.Element) -> list[str]:
    """All words that are drawn, without the halos behind them."""
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text") if each.get("aria-hidden") is None]


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    """The elements of a class, in order."""
    return [each for each in root.iter() if name in (each.get("class") or "").split()]


def titles(root: ET.Element) -> list[str]:
    """All tooltips, the picture's own first."""
    return [each.text or "" for each in root.iter(f"{SVG}title")]
