"""The text format in which an application shows its metrics to whoever scrapes it."""

from itertools import groupby

from watchdog.simulator.dialects import METADATA, Values
from watchdog.simulator.promql.numbers import written_value
from watchdog.simulator.traffic import Life

CONTENT_TYPE = "text/plain; version=0.0.4"
_SUFFIXES = ("_bucket", "_sum", "_count")


def exposition(life: Life, values: Values) -> str:
    """The series that exist, family by family. `values` are those of the dialect's shape, then the queue's depth."""
    names = [*life.shape.series, ("queue_depth", {})]
    shown = [(name, labels, value) for (name, labels), value in zip(names, values, strict=True) if value is not None]
    lines = []
    for family, samples in groupby(shown, key=lambda sample: _family(sample[0])):
        kind, text = METADATA[family]
        lines += [f"# HELP {family} {text}", f"# TYPE {family} {kind}"]
        for name, labels, value in samples:
            inner = ",".join(f'{key}="{label}"' for key, label in labels.items())
            lines.append(f"{name}{{{inner}}} {written_value(value)}" if inner else f"{name} {written_value(value)}")
    return "\n".join(lines) + "\n"


def _family(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.removesuffix(suffix) in METADATA:
            return name.removesuffix(suffix)
    return name
