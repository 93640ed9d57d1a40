"""Where the time went, drawn: each function as wide as the CPU that it and what it calls took."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from watchdog.drawing.elements import element, fitted, title, width
from watchdog.drawing.figure import Figure, document, heading, key_of
from watchdog.drawing.painting import SMALL, text
from watchdog.drawing.scales import Linear
from watchdog.drawing.tones import Tone, fill

_WIDTH = 1280.0
_EDGE = 14.0
_ROW = 17.0
_SIZE = 11.0
_LEAST = 1.5  # pixels: what is narrower is left out
_WAITING = ("select", "poll")  # the loop, while there is nothing to do
_OURS = "watchdog/"


@dataclass(frozen=True, slots=True)
class Flame:
    """One function on one stack: where it begins, how long it took (seconds), how deep it is called."""

    name: str
    file: str
    begin: float
    seconds: float
    depth: int

    @property
    def tone(self) -> Tone:
        """Ours, a library's, or the interpreter's own."""
        if self.file.startswith(_OURS):
            return Tone.VALUE
        return Tone.DOUBT if "/" in self.file and not self.file.startswith("asyncio/") else Tone.MUTED


def busy(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what was mere waiting for sockets and timers."""
    kept = [busy(child) for child in frame["children"] if child["name"] not in _WAITING]
    waited = sum(_waited(child) for child in frame["children"])
    return {**frame, "children": kept, "seconds": frame["seconds"] - waited}


def _waited(frame: Mapping[str, Any]) -> float:
    if frame["name"] in _WAITING:
        return float(frame["seconds"])
    return sum(_waited(child) for child in frame["children"])


def flames(frame: Mapping[str, Any], begin: float = 0.0, depth: int = 0) -> Iterator[Flame]:
    """All functions, callers before what they call, the longest first."""
    yield Flame(frame["name"], frame["file"], begin, frame["seconds"], depth)
    for child in sorted(frame["children"], key=lambda child: -child["seconds"]):
        yield from flames(child, begin, depth + 1)
        begin += child["seconds"]


def below_the_loop(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the frames from the program's first to the loop's: they are the same in each stack."""
    while frame["name"] != "_run_once" and frame["children"]:
        frame = max(frame["children"], key=lambda child: float(child["seconds"]))
    return frame


def drawn(told: Mapping[str, Any], heading_words: str) -> str:
    """The picture as SVG."""
    root = below_the_loop(busy(told["root"]))
    shown = [one for one in flames(root) if one.seconds / root["seconds"] * (_WIDTH - 2 * _EDGE) >= _LEAST]
    said = _said(told)
    figure = Figure(heading_words, said, "", Linear(0.0, 1.0), (), subtitle=said, width=_WIDTH)
    parts, top = heading(figure, _EDGE, _WIDTH - _EDGE)
    parts.append(text(_EDGE, top + SMALL, _LEGEND, tone=Tone.FAINT))
    top += 2 * SMALL
    scale = (_WIDTH - 2 * _EDGE) / root["seconds"]
    parts += [_box(one, top, scale, root["seconds"]) for one in shown]
    height = top + (max(one.depth for one in shown) + 1) * _ROW + _EDGE
    body = "".join(parts)
    key = key_of("", body)
    return document(figure, key, body, height, f"{key}-gap", alone=True)


_LEGEND = "Blue: the watchdog's own functions. Brown: libraries. Grey: Python's loop and its built-in functions."


def _said(told: Mapping[str, Any]) -> str:
    collected = sum(each["seconds"] for each in told["collections"].values())
    longest = max(each["longest"] for each in told["collections"].values())
    return (
        f"{told['CPU seconds']:.1f} s of CPU within {told['seconds']:.0f} s, the sampler's own included; "
        f"of these {collected:.1f} s collecting garbage, {1000 * longest:.0f} ms at the longest"
    )


def _box(one: Flame, top: float, scale: float, whole: float) -> str:
    x, y, wide = _EDGE + one.begin * scale, top + one.depth * _ROW, one.seconds * scale
    said = title(f"{one.name} ({one.file}): {100 * one.seconds / whole:.1f} %")
    box = element(
        "rect", x=x, y=y, width=max(wide - 0.6, 0.4), height=_ROW - 1, rx=1.5, opacity="0.30", **fill(one.tone)
    )
    name = fitted(one.name, wide - 6, _SIZE)
    words = text(x + 3, y + _ROW - 5, name, size=_SIZE) if wide > width("mm…", _SIZE) else ""
    return element("g", said, box, words)
