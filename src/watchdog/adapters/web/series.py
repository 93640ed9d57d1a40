"""Gauges of which there are many: kept as plain values, written down a few hundred lines at a time.

An object of the library's for each series takes a kilobyte, and a page of all of them, made in one go, holds up the
event loop: with a thousand watches for a quarter of a second at each scrape.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from sys import intern
from typing import Generic, TypeVar

from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]
V = TypeVar("V")

_AT_ONCE = 200  # combinations of labels: about a millisecond's work


class _Kept(Generic[V]):
    """Of each combination of labels, of which the first is the target, the newest value."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str]) -> None:
        self._name = name
        self._head = f"# HELP {name} {help_text}\n# TYPE {name} gauge\n"
        self._labels = tuple(labels)
        self._values: dict[Labels, V] = {}

    def __setitem__(self, labels: Labels, value: V) -> None:
        if labels not in self._values:
            labels = tuple(map(intern, labels))  # a target's and a rule's names are in many
        self._values[labels] = value

    def get(self, *labels: str) -> V | None:
        """What was set last; None where nothing was."""
        return self._values.get(labels)

    def remove(self, *labels: str) -> None:
        """Drop one; there need be none."""
        self._values.pop(labels, None)

    def forget(self, target: str) -> None:
        """Drop all of a target."""
        for labels in [labels for labels in self._values if labels[0] == target]:
            del self._values[labels]

    def clear(self) -> None:
        """Drop all."""
        self._values.clear()

    @property
    def targets(self) -> set[str]:
        """Of whom there is anything."""
        return {labels[0] for labels in self._values}

    def parts(self) -> Iterator[bytes]:
        """The text, which is the same in both formats, piece by piece. What changes between two pieces may be in it."""
        yield self._head.encode()
        left = iter(tuple(self._values))
        while some := tuple(islice(left, _AT_ONCE)):
            told = [line for labels in some if labels in self._values for line in self._lines(labels)]
            yield "".join(told).encode()

    def _lines(self, labels: Labels) -> Iterator[str]:
        raise NotImplementedError

    def _line(self, value: float, *pairs: tuple[str, str]) -> str:
        named = ",".join([f'{name}="{_escaped(text)}"' for name, text in sorted(pairs)])
        return f"{self._name}{{{named}}} {floatToGoString(value)}\n"  # type: ignore[no-untyped-call]


class Numbers(_Kept[float]):
    """A gauge with labels."""

    def _lines(self, labels: Labels) -> Iterator[str]:
        yield self._line(self._values[labels], *zip(self._labels, labels, strict=True))


class States(_Kept[str]):
    """A gauge with one series more for each state: 1 for the present one, 0 for all others."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], state: str, states: Sequence[str]) -> None:
        super().__init__(name, help_text, labels)
        self._state, self._states = state, tuple(states)

    def _lines(self, labels: Labels) -> Iterator[str]:
        pairs, now = tuple(zip(self._labels, labels, strict=True)), self._values[labels]
        for state in self._states:
            yield self._line(float(state == now), *pairs, (self._state, state))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
