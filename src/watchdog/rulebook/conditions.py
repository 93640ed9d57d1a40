"""The condition grammar: `MEASURE OP LIMIT`, as in `p95(http_latency) > 2x baseline`.

`parse_condition` knows the words alone; whether a limit fits the metric it is compared with is for `limits`, since a
metric is another one in another guard's dialect.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from watchdog.domain.conditions import Op, Statistic, Unit
from watchdog.rulebook.mistakes import Fault, nearest, shown
from watchdog.rulebook.shapes import Text

STATISTICS = tuple(statistic for statistic in Statistic if statistic is not Statistic.VALUE)
_TOKEN = re.compile(
    r"\s+|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>>=|<=|==|!=|=>|=<|>|<|=)|(?P<sign>.)",
    re.ASCII,
)
_EXAMPLE = 'write MEASURE OP LIMIT, as in "http_error_rate > 5%" or "p95(http_latency) > 2x baseline"'
_LIMIT_FORM = 'write a number with its unit ("5%", "300ms", "512MiB"), "2x baseline" or "baseline + 100ms"'


class Form(StrEnum):
    """How a limit is meant."""

    ABSOLUTE = "N"
    TIMES_BASELINE = "Nx baseline"
    PLUS_BASELINE = "baseline + N"
    MINUS_BASELINE = "baseline - N"
    SHARE_OF_LIMIT = "N% limit"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as written, before it meets its metric. The indices say where in the text its parts stand."""

    metric: str
    statistic: Statistic
    op: Op
    form: Form
    number: Decimal
    unit: Unit = Unit.NONE
    measure_at: int = field(default=0, compare=False)
    metric_at: int = field(default=0, compare=False)
    limit_at: int = field(default=0, compare=False)
    number_at: int = field(default=0, compare=False)
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        measure = self.metric if self.statistic is Statistic.VALUE else f"{self.statistic}({self.metric})"
        return f"{measure} {self.op} {self.limit_text}"

    @property
    def limit_text(self) -> str:
        """The limit in its canonical writing."""
        number = f"{self.number:f}{self.unit}"
        match self.form:
            case Form.ABSOLUTE:
                return number
            case Form.TIMES_BASELINE:
                return f"{number}x baseline"
            case Form.PLUS_BASELINE:
                return f"baseline + {number}"
            case Form.MINUS_BASELINE:
                return f"baseline - {number}"
            case Form.SHARE_OF_LIMIT:
                return f"{number} limit"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return shown(self.text) if self.text else "the end"


def parse_condition(text: str) -> Condition:
    """Read a condition; raises Fault at the token that is wrong, saying what was expected there."""
    return _Parser(text).condition()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [
            _Token(match.lastgroup, match[0], match.start()) for match in _TOKEN.finditer(text) if match.lastgroup
        ]
        self._tokens.append(_Token("end", "", len(text)))
        self._next = 0

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += 1 if token.kind != "end" else 0
        return token

    def _expect(self, kind: str, expected: str, remedy: str, text: str | None = None) -> _Token:
        token = self._take()
        if token.kind != kind or (text is not None and token.text != text):
            raise Fault(token.at, f"in the condition stands {token} where {expected} should", remedy)
        return token

    def condition(self) -> Condition:
        if not self._text.strip():
            raise Fault(0, "the condition is empty", _EXAMPLE)
        measure_at = self._token.at
        metric, statistic = self._measure()
        op = self._op()
        condition = self._limit(metric, statistic, op, measure_at)
        self._end()
        return condition

    def _measure(self) -> tuple[_Token, Statistic]:
        word = self._expect("word", "a metric", _EXAMPLE)
        if self._token.text != "(":
            return word, Statistic.VALUE
        if word.text not in STATISTICS:
            match = nearest(word.text, STATISTICS)
            remedy = f'did you mean "{match}"?' if match else f"known are {', '.join(STATISTICS)}"
            raise Fault(
                word.at, f"{word} is no statistic", f"{remedy} (known are {', '.join(STATISTICS)})" if match else remedy
            )
        self._take()
        metric = self._expect("word", "a metric", f'write "{word.text}(METRIC)"')
        self._expect("sign", '")"', f'write "{word.text}({metric.text})"', ")")
        return metric, Statistic(word.text)

    def _op(self) -> Op:
        token = self._expect("op", "a comparison", 'write >, >=, < or <=, as in "http_error_rate > 5%"')
        if token.text not in list(Op):
            meant = {"=>": ">=", "=<": "<="}.get(token.text, "> or <")
            raise Fault(token.at, f"{token} is no comparison of a condition", f"write {meant}")
        return Op(token.text)

    def _limit(self, metric: _Token, statistic: Statistic, op: Op, measure_at: int) -> Condition:
        limit_at = number_at = self._token.at
        negative = False
        if self._token.kind == "word":
            form = self._from_baseline()
            number_at = self._token.at
            number, unit = self._number()
        else:
            negative = self._token.text == "-"
            if negative:
                self._take()
            number, unit = self._number(times=not negative)
            form = self._form(unit)
        return Condition(
            metric.text, statistic, op, form, -number if negative else number, Unit.NONE if unit == "x" else Unit(unit),
            measure_at, metric.at, limit_at, number_at, self._text,
        )  # fmt: skip

    def _from_baseline(self) -> Form:
        word = self._take()
        if word.text != "baseline":
            remedy = 'did you mean "baseline"?' if nearest(word.text, ["baseline"]) else _LIMIT_FORM
            raise Fault(word.at, f"in the condition stands {word} where a limit should", remedy)
        sign = self._take()
        if sign.text == "+":
            return Form.PLUS_BASELINE
        if sign.text == "-":
            return Form.MINUS_BASELINE
        remedy = 'write "2x baseline" or "baseline + 100ms"'
        raise Fault(sign.at, f'in the condition stands {sign} where "+" or "-" should', remedy)

    def _number(self, *, times: bool = False) -> tuple[Decimal, str]:
        token = self._expect("number", "a number", _LIMIT_FORM)
        if len(token.text) > 20:
            raise Fault(token.at, f"{token} has too many digits", "write 20 digits at most")
        unit = self._token
        known = [*filter(None, Unit), *(["x"] if times else [])]
        if unit.text == "%" or (unit.kind == "word" and unit.at == token.at + len(token.text)):
            self._take()
        elif unit.kind == "word" and unit.text in known:
            raise Fault(
                unit.at, f"between the number and its unit {unit} stands a blank", f'write "{token.text}{unit.text}"'
            )
        else:
            return Decimal(token.text), ""
        if unit.text not in known:
            match = next((word for word in known if word.lower() == unit.text.lower()), None) or nearest(
                unit.text, known
            )
            remedy = f'did you mean "{token.text}{match}"?' if match else f"known are {', '.join(known)}, or none"
            raise Fault(unit.at, f"{unit} is no unit", remedy)
        return Decimal(token.text), unit.text

    def _form(self, unit: str) -> Form:
        if unit == "x":
            if self._token.kind == "word" and self._token.text != "baseline":
                raise Fault(
                    self._token.at,
                    f'in the condition stands {self._token} where "baseline" should',
                    'write "2x baseline"',
                )
            self._expect("word", '"baseline"', 'write "2x baseline"', "baseline")
            return Form.TIMES_BASELINE
        if unit == "%" and self._token.text == "limit":
            self._take()
            return Form.SHARE_OF_LIMIT
        if self._token.text == "baseline":
            raise Fault(self._token.at, 'a number stands before "baseline" without an x', 'write "2x baseline"')
        return Form.ABSOLUTE

    def _end(self) -> None:
        token = self._token
        if token.kind == "end":
            return
        if token.text == "for":
            raise Fault(token.at, 'a condition has no "for" in it', 'write it beside the condition: for = "1m"')
        if token.text in ("and", "or"):
            raise Fault(token.at, f"a condition has no {token} in it", "write one rule for each condition")
        raise Fault(token.at, f"in the condition stands {token} where it should end", _EXAMPLE)


CONDITION_PATTERN = (
    r"^\s*((p50|p95|p99|avg)\s*\(\s*[A-Za-z_][A-Za-z0-9_]*\s*\)|[A-Za-z_][A-Za-z0-9_]*)\s*(>=?|<=?)\s*"
    r"(-?\s*[0-9]+(\.[0-9]+)?(\s*%|m|ms|s|KiB|MiB|GiB)?|[0-9]+(\.[0-9]+)?x\s+baseline|[0-9]+(\.[0-9]+)?\s*%\s*limit"
    r"|baseline\s*[+-]\s*[0-9]+(\.[0-9]+)?(\s*%|m|ms|s|KiB|MiB|GiB)?)\s*$"
)
CONDITION = Text("condition", '"http_error_rate > 5%"', parse_condition, CONDITION_PATTERN)
