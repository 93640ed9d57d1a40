"""Which values of a rule are tried: some steps to either side of what is written, as edits of the file's text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from watchdog.domain.conditions import Threshold
from watchdog.domain.rules import Rule
from watchdog.rulebook.conditions import Condition, Form, parse_condition
from watchdog.rulebook.editing import Edit

_FACTORS = tuple(map(Decimal, ("0.25", "0.35", "0.5", "0.7", "0.85", "1.2", "1.5", "2", "3")))
_HOLDS = (0, 30, 60, 120, 180, 300)
_HOLDS_WEIGHED = (0, 30, 60)  # evidence does the waiting there
_CONFIDENCES = ("90%", "95%", "99%", "99.5%", "99.9%", "99.95%", "99.99%", "99.999%")
_DIGITS = 2

Axis = Literal["limit", "for", "confidence"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value of one key. `strictness` orders the values of an axis: the higher, the sooner the rule breaches."""

    axis: Axis
    value: str  # as the edit writes it
    shown: str  # with its unit: `7%`, `2.5x baseline`
    strictness: float

    def edit(self, rule: str) -> Edit:
        """The change of the text."""
        return Edit(rule, self.axis, self.value)


def candidates(rule: Rule) -> Iterator[Candidate]:
    """What is tried of a rule, without what it says now. Nothing of probes, signs, budgets and alerts."""
    if not isinstance(rule.check, Threshold):
        return
    condition = parse_condition(rule.check.text)
    yield from _limits(condition)
    for seconds in _HOLDS_WEIGHED if rule.alpha is not None else _HOLDS:
        if timedelta(seconds=seconds) != rule.hold:
            yield Candidate("for", _duration(seconds), _duration(seconds), -float(seconds))
    if rule.alpha is not None:
        for text in _CONFIDENCES:
            alpha = float((100 - Decimal(text.rstrip("%"))) / 100)
            if abs(alpha - rule.alpha) > 0.01 * rule.alpha:
                yield Candidate("confidence", text, text, alpha)


def now(rule: Rule, axis: Axis) -> tuple[str, float]:
    """What the rule says now on an axis, as it is shown, and its strictness."""
    assert isinstance(rule.check, Threshold)
    match axis:
        case "limit":
            condition = parse_condition(rule.check.text)
            return condition.limit_text, _strictness(condition, condition.number)
        case "for":
            seconds = rule.hold.total_seconds()
            return _duration(seconds), -seconds
        case "confidence":
            alpha = rule.alpha or 0.0
            return f"{100 * (1 - alpha):.6g}%", alpha


def _limits(condition: Condition) -> Iterator[Candidate]:
    seen = {condition.number}
    for factor in _FACTORS:
        number = _scaled(condition, factor)
        if number in seen or number <= 0:
            continue
        seen.add(number)
        changed = Condition(condition.metric, condition.statistic, condition.op, condition.form, number, condition.unit)
        yield Candidate("limit", f"{number:f}", changed.limit_text, _strictness(condition, number))


def _scaled(condition: Condition, factor: Decimal) -> Decimal:
    """The limit's number, moved. A factor of the baseline keeps its side of 1: what is scaled is its distance."""
    if condition.form is Form.TIMES_BASELINE:
        one = Decimal(1)
        if condition.number > one:
            return _rounded(one + (condition.number - one) * factor, _DIGITS + 1)
        return _rounded(one - (one - condition.number) * min(factor, one), _DIGITS + 1)
    return _rounded(condition.number * factor, _DIGITS)


def _rounded(number: Decimal, digits: int) -> Decimal:
    if number <= 0:
        return number
    return number.quantize(Decimal(1).scaleb(number.adjusted() - digits + 1)).normalize()


def _strictness(condition: Condition, number: Decimal) -> float:
    """A lower limit is stricter where more is worse."""
    value = -float(number) if condition.form is Form.MINUS_BASELINE else float(number)
    return -value if condition.op.upward else value


def _duration(seconds: float) -> str:
    if seconds and seconds % 60 == 0:
        return f"{seconds / 60:.0f}m"
    return f"{seconds:g}s"


def axis_of(found: Sequence[Candidate], axis: Axis) -> list[Candidate]:
    """The candidates of one axis, from the laxest to the strictest."""
    return sorted((each for each in found if each.axis == axis), key=lambda each: each.strictness)
