"""promtool's notation of series: `0+10x60`, `1 2 3`, `_x3`, `stale`, one sample an interval.

`a+bxn` and `a-bxn` are a, a+b ... of n+1 samples; `axn` is a, n+1 times; `_` leaves a sample out, `_xn` leaves out n.
`stale` ends the series until its next sample. Numbers are Prometheus's: 1.5, .5, 1e6, NaN, Inf, each with a sign.
What promtool has beyond that, native histograms, is refused.
"""

import math
import re

from watchdog.rulebook.mistakes import Fault, shown
from watchdog.simulator.tsdb import STALE

Sample = float | None
"""None: left out. A value that `is STALE` ends the series."""

MOST_SAMPLES = 100_000

_ITEM = re.compile(r"\S+")
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BLANK = re.compile(r"_(?:x(?P<times>[0-9]+))?")
_VALUE = re.compile(
    rf"(?P<start>[+-]?{_NUMBER})(?:(?P<step>[+-]{_NUMBER})?x(?P<times>[0-9]+))?"
    # promtool reads Infx3 as a word.
    rf"|(?P<word>[+-]?(?i:nan|inf))(?:(?P<word_step>[+-]{_NUMBER})x(?P<word_times>[0-9]+))?"
)
_REMEDY = "write values like 5, _ or stale, and runs of them like 0+10x60, 5x3 or _x3, with blanks between"


def samples_of(text: str) -> tuple[Sample, ...]:
    """The samples that a text stands for; raises Fault at the first item that is none of the notation."""
    samples: list[Sample] = []
    if "{{" in text:
        what = "native histograms ({{ ... }}) are not part of rule tests"
        raise Fault(text.index("{{"), what, "write the classic series: NAME_bucket with its label le, NAME_sum")
    for item in _ITEM.finditer(text):
        samples += _expanded(item[0], item.start())
        if len(samples) > MOST_SAMPLES:
            raise Fault(item.start(), f"the series has more than {MOST_SAMPLES:,} samples", "write a shorter run")
    return tuple(samples)


def _expanded(item: str, at: int) -> list[Sample]:
    blank = _BLANK.fullmatch(item)
    if blank is not None:
        return [None] * (_times(blank["times"], at) if blank["times"] else 1)
    if item == "stale":
        return [STALE]
    value = _VALUE.fullmatch(item)
    if value is None:
        raise Fault(at, f"{shown(item)} is no value of a series", _remedy(item))
    start = float(value["start"] or value["word"])
    times = value["times"] or value["word_times"]
    if times is None:
        return [start]
    step = float(value["step"] or value["word_step"] or 0.0)
    run: list[Sample] = []
    for _ in range(_times(times, at) + 1):
        run.append(start)
        # Added one by one, as promtool does, so that both round alike.
        start = start + step if step else start
    return run


def _times(digits: str, at: int) -> int:
    if len(digits) > 6 or int(digits) > MOST_SAMPLES:
        raise Fault(at, f"the series has more than {MOST_SAMPLES:,} samples", "write a shorter run")
    return int(digits)


def _remedy(item: str) -> str:
    if item.lower().startswith("stale"):
        return "write stale alone; a longer silence is stale _x3"
    if re.fullmatch(rf"[+-]?{_NUMBER}[+-]{_NUMBER}", item):
        return f"say how often, as in {item}x60"
    if "," in item:
        return "put blanks between values, no commas"
    return _REMEDY


def last_of(samples: tuple[Sample, ...]) -> float | None:
    """The last real value of a series, for people."""
    return next((value for value in reversed(samples) if value is not None and not math.isnan(value)), None)
