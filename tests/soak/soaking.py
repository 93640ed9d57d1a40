"""One soak from its seed to its verdict."""

import asyncio
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from soak.invariants import owed, violations
from soak.weighing import Weight, weight
from soak.world import Wear, World, run, world
from town import START
from watchdog.simulator.clock import run_simulated


@dataclass
class Report:
    """What one seed came to."""

    seed: int
    switches: int = 0
    bad: int = 0
    owed: int = 0
    acts: int = 0
    records: int = 0
    most_records: int = 0
    hours: float = 0.0
    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)
    weights: list[Weight] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The violations, one a line."""
        return [f"{name}: {line}" for name, found in self.violations.items() for line in found]


def soak(
    seed: int, wear: Wear, *, switches: int, hours: float = 0.0, weigh: bool = False, log: Path | None = None
) -> Report:
    """Let a town of this seed live until so many switches (and so many hours), and judge its history."""
    report = Report(seed)

    async def main() -> None:
        with tempfile.TemporaryDirectory(prefix="watchdog-soak-") as folder:
            async with world(seed, wear, Path(folder)) as made:

                def hourly(here: World) -> None:
                    _trim(here)
                    if weigh and here.watchdog is not None:
                        report.weights.append(weight(len(report.weights) + 1, here.watchdog))
                        print(report.weights[-1], flush=True)

                await run(made, switches=switches, hours=hours, each_hour=hourly)
                _judge(made, report)

    with _logged(log):
        run_simulated(main())
    return report


def _judge(made: World, report: Report) -> None:
    history = made.history
    acted = {act.switch.number for act in history.acts if act.switch is not None}
    due = [switch for switch in history.switches if owed(switch, history, made.patience)]
    report.switches, report.bad = len(history.switches), sum(one.bad is not None for one in history.switches)
    report.owed, report.acts = len(due), len(history.acts)
    report.records, report.most_records = len(history.records), history.most_records
    report.hours = made.sky.clock.monotonic() / 3600
    report.events = made.counts
    report.kills = sum(count for name, count in made.counts.items() if name.startswith("kill"))
    report.faults = made.sky.counted()
    report.outcomes = Counter(record.last.outcome or "open" for record in history.records.values())
    report.notices = len(history.told)
    report.violations = violations(history, made.patience)
    report.events["bad releases acted on without being owed it"] = len(acted - {switch.number for switch in due})


def _trim(made: World) -> None:
    """Let the world forget what is only of its own past, so that what grows is the watchdog."""
    made.town.cluster._api.requests.clear()
    made.town.prometheus.requests.clear()
    made.town._performed.clear()


def _simulated(record: logging.LogRecord) -> bool:
    """Stamp a line with the world's own time."""
    seconds = 0.0
    with suppress(RuntimeError):
        seconds = asyncio.get_running_loop().time()
    record.at = f"{START + timedelta(seconds=seconds):%H:%M:%S}"
    return True


@contextmanager
def _logged(path: Path | None) -> Iterator[None]:
    """The watchdog's own log, into a file or nowhere."""
    root = logging.getLogger("watchdog")
    handler: logging.Handler = logging.NullHandler() if path is None else logging.FileHandler(path, mode="w")
    handler.setFormatter(logging.Formatter("%(at)s %(levelname)s %(message)s %(facts)s", defaults={"facts": ""}))
    handler.addFilter(_simulated)
    before = (root.level, root.propagate)
    root.addHandler(handler)
    root.setLevel(logging.INFO if path else logging.CRITICAL + 1)
    root.propagate = False
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        root.level, root.propagate = before
