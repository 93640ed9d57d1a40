"""Colours and their meaning. Okabe and Ito's palette is told apart with any kind of colour vision; what differs in
colour differs in dash or shape as well. Each tone has a shade for light and one for dark paper.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"

Shape = Literal["circle", "ring", "square", "box", "triangle", "down", "diamond", "cross", "plus"]


class Tone(StrEnum):
    """What a mark means; the picture's stylesheet knows it as the class `wd-TONE`."""

    VALUE = "value"
    LIMIT = "limit"
    BASELINE = "baseline"
    EVIDENCE = "evidence"
    SWITCH = "switch"
    BREACH = "breach"
    ACT = "act"
    RECOVERY = "recovery"
    GOOD = "good"
    DOUBT = "doubt"  # inconclusive, held, superseded: neither good nor bad
    MUTED = "muted"
    INK = "ink"  # words
    FAINT = "faint"  # lesser words
    GRID = "grid"
    FRAME = "frame"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Shade:
    """A colour on light paper and on dark paper."""

    light: str
    dark: str


# Contrast with its paper is at least 3 to 1 for marks and 4.5 to 1 for words (WCAG 2.1); a test computes it.
SHADES: dict[Tone, Shade] = {
    Tone.VALUE: Shade("#0072B2", "#56B4E9"),
    Tone.LIMIT: Shade("#D55E00", "#F0883E"),
    Tone.BASELINE: Shade("#6E7781", "#9DA7B1"),
    Tone.EVIDENCE: Shade("#A3477E", "#E09AC4"),
    Tone.SWITCH: Shade("#24292F", "#E6EDF3"),
    Tone.BREACH: Shade("#D55E00", "#F0883E"),
    Tone.ACT: Shade("#A3477E", "#E09AC4"),
    Tone.RECOVERY: Shade("#007A5A", "#35C79E"),
    Tone.GOOD: Shade("#007A5A", "#35C79E"),
    Tone.DOUBT: Shade("#946A00", "#E69F00"),
    Tone.MUTED: Shade("#818B95", "#76808B"),
    Tone.INK: Shade("#1F2328", "#E6EDF3"),
    Tone.FAINT: Shade("#59636E", "#9DA7B1"),
    Tone.GRID: Shade("#E6E9EC", "#2B323A"),
    Tone.FRAME: Shade("#AFB8C1", "#56606B"),
    Tone.PAPER: Shade("#FFFFFF", "#0D1117"),
}

# For curves that mean nothing by themselves but must be told apart: colours, in order, each with its shape.
SERIES: tuple[tuple[Tone, Shape, str], ...] = (
    (Tone.VALUE, "circle", ""),
    (Tone.LIMIT, "square", "6 3"),
    (Tone.GOOD, "triangle", "2 3"),
    (Tone.EVIDENCE, "diamond", "8 3 2 3"),
    (Tone.DOUBT, "down", "4 2"),
    (Tone.INK, "cross", "1 3"),
    (Tone.MUTED, "ring", "10 4"),
)


def fill(tone: Tone) -> dict[str, str]:
    """The attributes that fill an element with a tone."""
    return {"class_": f"wd-f wd-{tone}", "fill": SHADES[tone].light}


def stroke(tone: Tone) -> dict[str, str]:
    """The attributes that draw an element's outline in a tone, and nothing inside."""
    return {"class_": f"wd-s wd-{tone}", "stroke": SHADES[tone].light, "fill": "none"}


def stylesheet() -> str:
    """The rules that make every picture follow the reader's light or dark setting.

    A page serves them once in its own stylesheet; a picture that stands alone carries them within.
    """
    light = "".join(f"--wd-{tone}:{shade.light};" for tone, shade in SHADES.items())
    dark = "".join(f"--wd-{tone}:{shade.dark};" for tone, shade in SHADES.items())
    tones = "".join(f".wd .wd-{tone}{{--wd:var(--wd-{tone})}}" for tone in SHADES)
    return (
        f".wd{{{light}color-scheme:light dark}}"
        f"@media (prefers-color-scheme:dark){{.wd{{{dark}}}}}"
        f"{tones}.wd .wd-f{{fill:var(--wd)}}.wd .wd-s{{stroke:var(--wd)}}"
        "@media (forced-colors:active){.wd{forced-color-adjust:none}}"
        "@media print{.wd{" + light + "}}"
    )
