"""The pasts of all sources that the guards of a backtest ask, as one thing to spend from."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Self

from watchdog.adapters.prometheus.history import HistoryPrometheus, Spending


class Histories:
    """The port `MetricSources`; of a name that nobody asks for it is the first one that answers.

    All of them share one `Spending`.
    """

    def __init__(self, by_name: Mapping[str, HistoryPrometheus]) -> None:
        self.by_name = by_name
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for source in self.by_name.values():
            await self._stack.enter_async_context(source)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def __call__(self, name: str) -> HistoryPrometheus:
        return self.by_name.get(name, self.first)

    @property
    def first(self) -> HistoryPrometheus:
        """That of the first guard."""
        return next(iter(self.by_name.values()))

    @property
    def url(self) -> str:
        """Where they are."""
        return ", ".join(dict.fromkeys(source.url for source in self.by_name.values()))

    @property
    def spent(self) -> Spending:
        """What was asked of all of them."""
        return self.first.spent

    def exhausted(self) -> bool:
        """Whether a question was refused because the samples were spent."""
        return any(source.exhausted() for source in self.by_name.values())
