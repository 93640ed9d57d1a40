"""Whether a condition fits its metric: statistics, units, sensible limits; and the domain's threshold out of both."""

import re
from decimal import Decimal

from watchdog.domain.conditions import (
    AboveBaseline,
    Absolute,
    Dimension,
    HistogramMetric,
    Limit,
    Metric,
    ShareOfLimit,
    Statistic,
    Threshold,
    TimesBaseline,
    Unit,
)
from watchdog.rulebook.conditions import STATISTICS, Condition, Form
from watchdog.rulebook.mistakes import Fault, shown

UNITS: dict[Dimension, tuple[Unit, ...]] = {
    Dimension.RATIO: (Unit.PERCENT,),
    Dimension.SECONDS: (Unit.MILLISECONDS, Unit.SECONDS),
    Dimension.BYTES: (Unit.KIBIBYTES, Unit.MEBIBYTES, Unit.GIBIBYTES),
    Dimension.CORES: (Unit.NONE, Unit.MILLI),
    Dimension.PLAIN: (Unit.NONE,),
}
_WHAT = {
    Dimension.RATIO: "ratio",
    Dimension.SECONDS: "duration",
    Dimension.BYTES: "number of bytes",
    Dimension.CORES: "number of CPU cores",
    Dimension.PLAIN: "plain number",
}
_EXAMPLES = {
    Dimension.RATIO: '"5%"',
    Dimension.SECONDS: '"300ms" or "1.5s"',
    Dimension.BYTES: '"512MiB"',
    Dimension.CORES: '"500m" or "1.5"',
    Dimension.PLAIN: '"5"',
}
_BARE_EXAMPLE = {Dimension.RATIO: Unit.PERCENT, Dimension.SECONDS: Unit.MILLISECONDS, Dimension.BYTES: Unit.MEBIBYTES}


def threshold(condition: Condition, metric: Metric) -> Threshold:
    """The condition over its metric, in base units; raises Fault where they do not fit."""
    _check_statistic(condition, metric)
    return Threshold(metric, condition.statistic, condition.op, _limit(condition, metric), condition.text.strip())


def _check_statistic(condition: Condition, metric: Metric) -> None:
    if isinstance(metric, HistogramMetric):
        if condition.statistic is Statistic.VALUE:
            what = f"{metric.name} is a histogram and has no single value"
            examples = ", ".join(f"{statistic}({metric.name})" for statistic in STATISTICS)
            raise Fault(condition.measure_at, what, f"write one of {examples}")
    elif condition.statistic is not Statistic.VALUE:
        what = f"{condition.statistic}(...) needs a histogram, and {metric.name} is none"
        raise Fault(condition.measure_at, what, f'write "{metric.name}" alone')


def _limit(condition: Condition, metric: Metric) -> Limit:
    if condition.form is Form.SHARE_OF_LIMIT:
        return _share_of_limit(condition, metric)
    if condition.form is Form.TIMES_BASELINE:
        return _times_baseline(condition, metric)
    check_unit(condition.number, condition.unit, metric.dimension, condition.number_at)
    value = in_base_units(condition.number, condition.unit)
    if condition.form is Form.ABSOLUTE:
        _check_absolute(condition, metric, value)
        return Absolute(value)
    _check_shift(condition)
    return AboveBaseline(value if condition.form is Form.PLUS_BASELINE else -value)


def _share_of_limit(condition: Condition, metric: Metric) -> Limit:
    if isinstance(metric, HistogramMetric) or metric.dimension not in (Dimension.BYTES, Dimension.CORES):
        what = f"{shown(condition.limit_text)} is a share of the containers' own CPU or memory limit"
        what += f", and {metric.name} is a {_WHAT[metric.dimension]}"
        raise Fault(condition.limit_at, what, f"write a limit of its own, like {_EXAMPLES[metric.dimension]}")
    if not 0 < condition.number < 100:
        what = f'a container is never above 100% of its limit, so "{condition.op} {condition.limit_text}" says nothing'
        if not condition.number:
            what = f'"{condition.op} {condition.limit_text}" says nothing'
        raise Fault(condition.number_at, what, 'write a share between 0% and 100%, as in "90% limit"')
    return ShareOfLimit(in_base_units(condition.number, condition.unit))


def _times_baseline(condition: Condition, metric: Metric) -> Limit:
    upward = condition.op.upward
    if (condition.number <= 1) if upward else not 0 < condition.number < 1:
        what = f'"{condition.op} {condition.limit_text}" is breached by a release that is as good as stable'
        example = f"{condition.op} 2x baseline" if upward else f"{condition.op} 0.5x baseline"
        raise Fault(
            condition.limit_at, what, f'write a factor {"above" if upward else "between 0 and"} 1, as in "{example}"'
        )
    if metric.floor is None:
        what = f'{metric.name} has no floor, and "{condition.limit_text}" of next to nothing is next to nothing'
        remedy = f"add floor = ... to [metrics.{metric.name}]: the least value that counts as a baseline"
        raise Fault(condition.metric_at, what, remedy)
    return TimesBaseline(float(condition.number))


def _check_shift(condition: Condition) -> None:
    upward = condition.op.upward
    if condition.number == 0 or upward is not (condition.form is Form.PLUS_BASELINE):
        what = f'"{condition.op} {condition.limit_text}" is breached by a release that is as good as stable'
        sign = "+" if upward else "-"
        number = f"{condition.number:f}" if condition.number else "N"
        raise Fault(condition.limit_at, what, f'write "{condition.op} baseline {sign} {number}{condition.unit}"')


def _check_absolute(condition: Condition, metric: Metric, value: float) -> None:
    if metric.dimension is Dimension.RATIO and (value > 1 or (value == 1 and condition.op == ">")):
        what = f'a ratio is never above 100%, so "{condition.op} {condition.limit_text}" says nothing'
        raise Fault(condition.number_at, what, "write a limit below 100%")
    if value == 0 and condition.op == "<" and metric.dimension is not Dimension.PLAIN:
        what = f'{metric.name} is never negative, so "{condition.op} {condition.limit_text}" says nothing'
        raise Fault(condition.number_at, what, "write a limit above zero")
    if value < 0 and metric.dimension is not Dimension.PLAIN:
        raise Fault(condition.limit_at, f"{metric.name} is never negative", "write a positive limit")


def check_unit(number: Decimal, unit: Unit, dimension: Dimension, at: int) -> None:
    """Raise Fault where the unit is not one of the dimension's."""
    if unit in UNITS[dimension]:
        return
    bare = f"{number:f}"
    if unit is Unit.NONE:
        sensible = dimension is not Dimension.RATIO or number < 100
        example = f'"{bare}{_BARE_EXAMPLE[dimension]}"' if sensible else _EXAMPLES[dimension]
        what = f"{bare} has no unit, and the metric is a {_WHAT[dimension]}"
        raise Fault(at, what, f"write it with its unit, as in {example}")
    raise Fault(at, f'"{bare}{unit}" is no {_WHAT[dimension]}', f"write it like {_EXAMPLES[dimension]}")


def in_base_units(number: Decimal, unit: Unit) -> float:
    """A written number in base units, exactly: 7% is 0.07."""
    return float(number * Decimal(str(unit.scale)))


_QUANTITY = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>%|[A-Za-z]*)")


def parse_quantity(text: str, dimension: Dimension) -> float:
    """Read "10ms", "32MiB", "50m" or "0.5%" as a number of the dimension's base unit; raises Fault."""
    match = _QUANTITY.fullmatch(text)
    example = {
        Dimension.RATIO: '"0.5%"',
        Dimension.SECONDS: '"10ms"',
        Dimension.BYTES: '"32MiB"',
        Dimension.CORES: '"50m"',
        Dimension.PLAIN: "10",
    }[dimension]
    if match is None or len(match["number"]) > 20 or match["unit"] not in list(Unit):
        raise Fault(0, f"{shown(text)} is no quantity", f"write it like {example}")
    number, unit = Decimal(match["number"]), Unit(match["unit"])
    check_unit(number, unit, dimension, 0)
    return in_base_units(number, unit)
