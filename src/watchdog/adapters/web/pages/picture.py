"""The plot of a watch as a picture by itself, for an incident document or a wiki."""

import base64
import hashlib
from functools import cache

from watchdog.adapters.web.pages.plots import figure_of
from watchdog.domain.reading import Record, items, rules_of
from watchdog.drawing.tones import stylesheet


def picture(record: Record, rule: str = "") -> str | None:
    """The plot of that rule as an SVG document; without a name, of the one that decided, else of the first with one.

    None where there is nothing to draw.
    """
    rules = rules_of(record)
    if rule:
        chosen = [one for one in rules if one.name == rule]
    else:
        breached = items(record.get("breached"))
        chosen = sorted(rules, key=lambda one: one.name not in breached)
    for one in chosen:
        figure = figure_of(record, one, "plot")
        if figure is not None:
            return figure.svg()
    return None


@cache
def picture_policy() -> str:
    """The Content-Security-Policy of a picture: its own stylesheet by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; sandbox"
