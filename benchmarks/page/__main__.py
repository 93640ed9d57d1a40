"""`make bench-page`: the status page at 1,000 targets and 100 open watches, and 100 viewers of it.

The town is played on simulated time. Its watches are then served in real time by the daemon's own view, pages, news and
server, with as many changes a second as the town had, and looked at from a process of its own.
"""

import argparse
import asyncio
import gzip
import json
import os
import platform
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from benchmarks.page.town import MINUTES, Seen, look
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.web import News, Site, WebServer
from watchdog.adapters.web.heard import Heard
from watchdog.adapters.web.pages import Filter, Health, Overview, status_page
from watchdog.domain.record import outline_of, record_of
from watchdog.ports import Keeping
from watchdog.settings import load
from watchdog.showing import Showing, Sources

T = TypeVar("T")

RESULTS = Path(__file__).parents[1] / "results" / "page.md"


@dataclass(frozen=True)
class Looked:
    """What so many viewers cost and had."""

    viewers: int
    core: float  # of one core, the server's process alone
    pages: int
    seconds: Sequence[float]  # that each took to arrive, sorted


class Kept:
    """A journal and brakes with nothing but ended records."""

    def __init__(self, ended: Sequence[dict[str, Any]]) -> None:
        self._ended = ended

    async def records(self, kept: Keeping[T], *, open_only: bool = False) -> Sequence[T]:
        """What was kept."""
        found = () if open_only else map(kept, self._ended)
        return [one for one in found if one is not None]

    async def pause(self) -> None:
        """Nothing is paused."""

    async def acts(self) -> Sequence[Any]:
        """Nobody acted."""
        return ()


async def looked(seen: Seen, viewers: int, seconds: float, *, deaf: int = 0) -> Looked:
    """Serve the town's watches for a while, with so many viewers and some who never read."""
    clock, watches = SystemClock(), seen.watches
    ended = [{**record_of(one), "outcome": "passed", "ended_at": clock.now().isoformat()} for one in watches[:50]]
    kept: Any = Kept(ended)

    async def outlines() -> Sequence[dict[str, Any]]:
        return [outline_of(one) for one in watches]

    async def none(_: str) -> None:
        return None

    sources = Sources(kept, kept, Heard(clock), outlines, none, lambda: "leader", lambda: ("0" * 12, ""), lambda: ())
    settings = load(rules=Path(__file__), prometheus_url="http://127.0.0.1:9090", namespace="watchdog")
    news = News()

    async def nothing() -> Sequence[dict[str, Any]]:
        return ()

    server = WebServer(
        "127.0.0.1", 0, ready=lambda: (True, []), metrics=lambda: (), watches=nothing, watch=none,
        site=Site(Showing(settings, clock, sources), news),
    )  # fmt: skip
    await server.start()
    port = int(server.url.rpartition(":")[2])
    silent = [await _deaf(port, path) for path in ("/events", "/") for _ in range(deaf)]
    changing = asyncio.create_task(_changes(news, clock, seen.news_a_second))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.page.viewers", server.url, str(viewers), str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await clock.sleep(3)  # until all are there
    cpu, wall = time.process_time(), time.monotonic()
    out, _ = await process.communicate()
    core = (time.process_time() - cpu) / (time.monotonic() - wall)
    changing.cancel()
    for one in silent:
        one.close()
    await server.stop()
    told = json.loads(out)
    return Looked(viewers, core, told["pages"], told["seconds"])


async def _changes(news: News, clock: SystemClock, a_second: float) -> None:
    while True:
        await clock.sleep(1 / max(a_second, 0.1))
        news.tell()


async def _deaf(port: int, path: str) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.connect(("127.0.0.1", port))
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return one


def thousand_open(seen: Seen) -> int:
    """Bytes of the page with ten times as many open watches."""
    now = seen.watches[0].opened + timedelta(minutes=MINUTES)
    many = [outline_of(replace(one, id=f"{one.id}-{turn}")) for turn in range(10) for one in seen.watches]
    return len(status_page(Overview(many, (), Health(), now), Filter()).encode())


def report(seen: Seen, targets: int, found: Sequence[Looked], deaf: Looked) -> str:
    """The results as a page."""
    packed = len(gzip.compress(seen.page, 5))
    rows = "\n".join(
        f"| {one.viewers} | {one.core:.1%} | {one.pages:,} | {_ms(_share(one.seconds, 0.5))} | {_ms(_share(one.seconds, 0.99))} |"
        for one in found
    )
    return f"""# What the status page costs

`make bench-page`, {time.strftime("%Y-%m-%d")}, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}.

{targets:,} guarded targets with {len(seen.watches)} open watches of four rules, {MINUTES} minutes old, on a simulated cluster; the page over HTTP,
by the daemon that watches them.

| the page | |
|---|---|
| CPU of a page of a new moment, the asking client's own included (median of {len(seen.next)}) | {_ms(median(seen.next))} |
| CPU of the very first one, which reads the kept records from the API server, the simulated one's own included | {_ms(seen.first)} |
| bytes | {len(seen.page):,} |
| bytes as a browser is sent it (gzip) | {packed:,} |
| bytes with ten times as many open watches | {thousand_open(seen):,} |

The times above are CPU of the processes named, not what anybody waits; that is below.

Viewers with live pages, for as long as the watches change {seen.news_a_second:.0f} times a second (as those {len(seen.watches)} did); CPU of the server's
process alone, rendering included; each page's time is wall time as a viewer had it,
who shares the machine with the server and asks when all others do.

| viewers | of a core | pages sent | half of them within | 99 % within |
|---|---|---|---|---|
{rows}
| {deaf.viewers}, beside 20 who never read | {deaf.core:.1%} | {deaf.pages:,} | {_ms(_share(deaf.seconds, 0.5))} | {_ms(_share(deaf.seconds, 0.99))} |
"""


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.page", description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--open", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--print", action="store_true", help="instead of writing the results")
    asked = parser.parse_args()
    seen = look(asked.targets, asked.open)
    found = [asyncio.run(looked(seen, viewers, asked.seconds)) for viewers in (1, 100, 200)]
    deaf = asyncio.run(looked(seen, 100, asked.seconds, deaf=10))
    text = report(seen, asked.targets, found, deaf)
    if asked.print:
        print(text)
    else:
        RESULTS.write_text(text, encoding="utf-8")
        print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
