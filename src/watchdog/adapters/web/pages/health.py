"""How the watchdog itself is: what a person asks before believing the rest of the page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from watchdog.adapters.web.pages.markup import said

Standing = Literal["good", "doubt", "bad", "none"]

_SIGN = {"good": "✓", "doubt": "!", "bad": "✕", "none": ""}
_SAID = {"good": "well", "doubt": "look at this", "bad": "wrong", "none": ""}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that can be well or not; `text` says it in a few words."""

    name: str
    text: str
    standing: Standing = "none"


@dataclass(frozen=True, slots=True)
class Health:
    """The facts in the order in which they are shown, and those that stand above everything else."""

    facts: Sequence[Fact] = field(default_factory=tuple)
    alarms: Sequence[str] = field(default_factory=tuple)  # nothing acts, or nothing is seen: said first


def strip(health: Health) -> str:
    """What is not well, as badges beside the name; one that says so where all is well."""
    wrong = [fact for fact in health.facts if fact.standing in ("bad", "doubt")]
    if not wrong:
        return _mark("good", "the watchdog itself is well")
    return "".join(_mark(fact.standing, f"{fact.name}: {fact.text}") for fact in wrong[:4])


def section(health: Health) -> str:
    """All of it."""
    rows = "".join(
        f"<dt>{said(fact.name)}</dt> <dd>{_sign(fact.standing)}{said(fact.text)}</dd> " for fact in health.facts
    )
    return f'<section aria-labelledby="health"><h2 id="health">The watchdog itself</h2><dl>{rows}</dl></section>'


def alarms(health: Health) -> str:
    """What nobody may miss."""
    return "".join(f'<p class="note" role="status"><b>{said(one)}</b></p>' for one in health.alarms)


def _mark(standing: str, text: str) -> str:
    return f'<span class="badge b-{standing}"><span aria-hidden="true">{_SIGN[standing]}</span> {said(text, 80)}</span>'


def _sign(standing: str) -> str:
    if standing == "none":
        return ""
    quiet = f'<span class="quiet">{_SAID[standing]}: </span>' if standing != "good" else ""
    return f'<span class="tone b-{standing}" aria-hidden="true">{_SIGN[standing]}</span> {quiet}'
