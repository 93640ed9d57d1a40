"""What is measured, and all that runs for it but the watchdog."""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.prometheus import Running, free_port, prometheus
from benchmarks.scale.lines import Program
from benchmarks.scale.plan import name_of, rules
from benchmarks.scale.processes import CONFIGURATION, certificate, metrics, told

_SINGLES = 20
_AT_ONCE = 100
_LAST_WORDS = 8  # lines of each log


@dataclass(frozen=True)
class Wish:
    """What is measured: so many watches, blocks and scrapes of `interval` seconds, `steady` intervals of calm."""

    targets: int
    interval: float = 15.0
    steady: int = 6
    peers: int = 3  # intervals in which the same is asked as peers ask it
    singles: int = _SINGLES
    at_once: int = _AT_ONCE
    warm: int = 2  # intervals before the peers ask, thrice
    per_second: float = 10.0  # releases, while they begin: the API server must not be what is measured
    settle: int = 3  # intervals after the last release, before the calm is measured
    takeover: bool = True
    plane: bool = False  # on a real control plane (within in_netns.sh), not on the simulated API server
    profile: Path | None = None  # where what the calm's CPU goes to is drawn; then nothing else is measured

    @property
    def tipping(self) -> tuple[list[str], list[str]]:
        """Who tips alone, and who with others."""
        alone = min(self.singles, (self.targets + 1) // 2)
        together = min(self.at_once, (self.targets - alone) // 2)
        names = [name_of(number) for number in range(self.targets)]
        return names[:alone], names[alone : alone + together] if together > 1 else []


@dataclass
class Bench:
    """All that runs."""

    wish: Wish
    directory: Path
    source: Running
    exporter: Program
    world: Program
    standins: Program
    environment: Mapping[str, str]

    def sleep(self, intervals: float) -> None:
        """Let so many intervals pass."""
        time.sleep(intervals * self.wish.interval)

    def prometheus_cpu(self) -> float:
        """Seconds of CPU that Prometheus has used, in its own words."""
        return metrics(self.source.url)["process_cpu_seconds_total"]

    def show_pods(self) -> None:
        """Tell the exporter which pods there are."""
        self.exporter.ask("pods", pods=self.world.ask("pods"))


@contextmanager
def workplace() -> Iterator[Path]:
    """A directory for all that runs; if it fails, the ends of their logs are shown before they are gone."""
    with tempfile.TemporaryDirectory(prefix="watchdog-bench-") as name:
        directory = Path(name)
        try:
            yield directory
        except Exception:
            for log in sorted(directory.rglob("*log")):
                if words := log.read_text(errors="replace").splitlines()[-_LAST_WORDS:]:
                    print(f"--- {log.name}", *(line[:500] for line in words), sep="\n", file=sys.stderr)
            raise


def started(wish: Wish, directory: Path, stack: ExitStack) -> Bench:
    """Everything but the watchdog, until the stack is unwound."""
    ports = [free_port() for _ in range(2)]
    cert, key = certificate(directory)
    exporter = stack.enter_context(Program("exporter", str(ports[0]), directory=directory))
    standins = stack.enter_context(Program("standins", str(ports[1]), str(cert), str(key), directory=directory))
    world_of = (str(wish.targets), str(ports[0]), str(directory / "kubeconfig"))
    kind = ("plane_world", *world_of, "watchdog") if wish.plane else ("world", *world_of)
    world = stack.enter_context(Program(*kind, directory=directory))
    (directory / "rules.toml").write_text(rules(wish.targets, wish.interval))
    configuration = CONFIGURATION.format(scrape=wish.interval, port=ports[0])
    source = stack.enter_context(prometheus(directory, configuration))
    if wish.plane:
        world.ask("install", prometheus=source.url, interval=wish.interval)
        world.until("initialised", wish.targets)
    exporter.ask("pods", pods=world.ask("pods"))
    return Bench(wish, directory, source, exporter, world, standins, told(directory, ports[1]))
