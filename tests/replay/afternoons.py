"""Afternoons of releases that the watchdog lives through, and what Prometheus and its records keep of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from replay.exporters import Exporters
from simulator.prometheus.real import RealPrometheus, prometheus_over
from town import RULES, Town, tell
from watchdog.adapters.clock import SystemClock
from watchdog.domain.record import watch_of
from watchdog.domain.state import Watch
from watchdog.replay.backtest import Rules, Wish
from watchdog.replay.recorded import of_records
from watchdog.replay.report import Report, SwitchReplay
from watchdog.replay.session import Politeness, backtest
from watchdog.rulebook import read_rules
from watchdog.settings import load
from watchdog.sources import Access


@dataclass(frozen=True)
class Afternoon:
    """What the live watchdog did, and where Prometheus's memory of it is."""

    watches: Sequence[Watch]
    end: datetime
    records: Sequence[Mapping[str, Any]]
    real: RealPrometheus

    def of(self, target: str) -> list[Watch]:
        """The watches of one target, in order."""
        return [watch for watch in self.watches if str(watch.switch.target) == target]

    def replayed(
        self, rules: str, *, recorded: bool = False, placebos: int = 0, access: Access | None = None
    ) -> Report:
        """A backtest of all of it; `recorded`: with the watchdog's own records."""
        listed = of_records(self.records).entries if recorded else ()
        wish = Wish(timedelta(hours=6), until=self.end, placebos=placebos, listed=listed, recorded=recorded)
        asking = access or Access(load(prometheus_url=self.real.url), secret=str, clock=SystemClock())
        found, _ = asyncio.run(backtest(asking, Rules("rules.toml", read_rules(rules)), None, wish, Politeness()))
        return found


@contextmanager
def lived_through(
    releases: Callable[[Town], Awaitable[None]],
    furnish: Callable[[Town], None],
    folder: Path,
    rules: str = RULES,
    *,
    exported: bool = True,
) -> Iterator[Afternoon]:
    """The afternoon in which these were released, kept in a real Prometheus; `exported`: with kube-state-metrics."""
    kept: list[tuple[list[dict[str, Any]], datetime, Town]] = []

    async def story(town: Town) -> None:
        if exported:
            Exporters(town)
        await town.sleep(60)
        await releases(town)
        kept.append((town.records(), town.clock.now(), town))

    tell(story, furnish, rules=rules)
    records, end, town = kept[0]
    with prometheus_over(town.prometheus.tsdb, folder) as real:
        yield Afternoon([watch_of(record) for record in records], end, records, real)


def assert_decided_in_its_second(replay: SwitchReplay, watch: Watch) -> None:
    """The replay decided when the live watch acted for the first time, or neither did."""
    if watch.first_attempt_at is None:
        assert replay.decided_at is None
    else:
        assert replay.decided_at is not None
        assert abs(replay.decided_at - watch.first_attempt_at) < timedelta(seconds=1), watch.id
