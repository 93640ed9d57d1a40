"""Time in a town, and what came of it: the watchdog's records, its notices and its metrics."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fake_channel import FakeChannel
from watchdog.app import Watchdog
from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.cluster import SimulatedCluster


class Outcomes:
    """The part of a town that is asked what happened."""

    own: str  # the watchdog's own namespace
    clock: SimulatedClock
    cluster: SimulatedCluster
    channels: Mapping[str, FakeChannel]
    watchdog: Watchdog | None
    _task: asyncio.Task[None] | None

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.sleep(seconds)
        if self._task is not None and self._task.done():
            self._task.result()

    async def until(self, holds: Callable[[], object], within: float = 1800.0, every: float = 1.0) -> None:
        """Let time pass until `holds()`; fails the story after so many seconds."""
        end = self.clock.monotonic() + within
        while not holds():
            assert self.clock.monotonic() < end, f"not within {within:.0f} s; records: {self.summaries()}"
            await self.sleep(every)

    def records(self, target: str = "") -> list[dict[str, Any]]:
        """All records (of a target's name), oldest first."""
        found = [
            json.loads(one["data"]["record.json"])
            for one in self.cluster.list("configmaps", self.own)
            if one["metadata"].get("labels", {}).get("rollback-watchdog.dev/record") == "watch"
        ]
        mine = [record for record in found if not target or record["target"].rsplit("/", 1)[-1] == target]
        return sorted(mine, key=lambda record: str(record["opened_at"]))

    def summaries(self) -> list[str]:
        """One line a record, for failures."""
        return [
            f"{r['target']} {r['candidate']}: {r['phase']} {r['recovery'] or ''} {r['reason']} "
            f"{ {name: rule['finding'] + ' ' + rule['sentence'] for name, rule in r['rules'].items()} }"
            for r in self.records()
        ]

    async def outcome(self, target: str, *, number: int = 1, within: float = 1800.0) -> dict[str, Any]:
        """The record of the target's first (or another) watch, once it has ended."""

        def ended() -> bool:
            records = self.records(target)
            return len(records) >= number and records[number - 1]["outcome"] is not None

        await self.until(ended, within)
        return self.records(target)[number - 1]

    async def phase(self, target: str, phase: str, *, number: int = 1, within: float = 1800.0) -> dict[str, Any]:
        """The record of the target's watch, once it is in that phase."""

        def there() -> bool:
            records = self.records(target)
            return len(records) >= number and records[number - 1]["phase"] == phase

        await self.until(there, within)
        return self.records(target)[number - 1]

    def moment(self, text: str) -> datetime:
        """A moment of a record."""
        return datetime.fromisoformat(text)

    def told(self, channel: str = "releases") -> list[str]:
        """The topics that the channel was told, in order."""
        return [notice.topic.value for notice, _ in self.channels[channel].told]

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of one of the watchdog's own metrics; None where there is no such series."""
        assert self.watchdog is not None
        registry = self.watchdog.metrics.registry
        value = registry.get_sample_value(name, labels)
        # To Prometheus a label without a value is none.
        return value if value is not None else registry.get_sample_value(name, {"source": "", **labels})
