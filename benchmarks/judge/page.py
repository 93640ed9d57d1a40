"""The report as a page of Markdown: claims first, then tables, each number with its interval."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from benchmarks.judge.scoring import Estimate


class Held(Enum):
    """Whether a claim holds in what was measured."""

    YES = "holds"
    NO = "does NOT hold"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something the judge must show, and the numbers that say whether it does."""

    text: str
    held: Held
    because: str


@dataclass(slots=True)
class Section:
    """One part of the report, with the claims it decides and the pictures it needs (name to SVG)."""

    title: str
    lines: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)

    def say(self, *paragraphs: str) -> None:
        """Add paragraphs."""
        for paragraph in paragraphs:
            self.lines += [paragraph, ""]

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table."""
        self.lines += [_row(heads), _row(["---"] * len(heads)), *map(_row, rows), ""]

    def picture(self, name: str, svg: str, alternative: str) -> None:
        """Add a picture, kept beside the report."""
        self.pictures[name] = svg
        self.lines += [f"![{alternative}]({name})", ""]

    def claim(self, text: str, held: bool | None, because: str) -> None:
        """Say whether something that was promised holds."""
        self.claims.append(Claim(text, Held.UNKNOWN if held is None else Held.YES if held else Held.NO, because))


def whole(title: str, introduction: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole page. What does not hold comes first, whatever else there is to say."""
    claims = sorted(
        (claim for section in sections for claim in section.claims), key=lambda claim: claim.held != Held.NO
    )
    lines = [f"# {title}", ""]
    failed = [claim for claim in claims if claim.held is Held.NO]
    if failed:
        lines += [f"**{len(failed)} of {len(claims)} promises do not hold in these runs:**", ""]
        lines += [f"- {claim.text} {claim.because}" for claim in failed] + [""]
    for paragraph in introduction:
        lines += [paragraph, ""]
    if claims:
        lines += ["## What it must show, and whether it does", ""]
        lines += [_row(["promise", "", "measured"]), _row(["---"] * 3)]
        lines += [_row([claim.text, claim.held.value, claim.because]) for claim in claims] + [""]
    for section in sections:
        lines += [f"## {section.title}", "", *section.lines]
    return "\n".join(lines).rstrip() + "\n"


def percent(share: Estimate) -> str:
    """A share with its interval: `1.7 % (0.6–3.7)`."""
    return f"{_short(share.value * 100)} % ({_short(share.low * 100)}–{_short(share.high * 100)})"


def number(estimate: Estimate) -> str:
    """A number with its interval: `12.3 (11.8–12.9)`."""
    return f"{_short(estimate.value)} ({_short(estimate.low)}–{_short(estimate.high)})"


def seconds(estimate: Estimate) -> str:
    """A time with its interval; `never` where most runs had none."""
    if math.isinf(estimate.value):
        return "never"
    high = "never" if math.isinf(estimate.high) else f"{estimate.high:.0f}"
    return f"{estimate.value:.0f} s ({estimate.low:.0f}–{high})"


def brief(value: float) -> str:
    """A bare number of three digits at most."""
    return _short(value)


def _short(value: float) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.1 or value == 0.0:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.2g}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
