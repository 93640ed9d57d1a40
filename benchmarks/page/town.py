"""A thousand guarded targets of which a hundred are watched: what the page is made from, from a simulated town."""

import time
from dataclasses import dataclass, field
from typing import Any

from six_rules import six_rules
from town import NAMESPACE, PART_OF, Town, tell
from watchdog.domain.state import Watch

MINUTES = 3  # of each watch that are over when it is looked at
RULES = f"""
version = 1
[guards.services]
namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
rules      = ["error-rate", "latency", "memory", "crash"]
{six_rules("error-rate", "latency", "memory", "crash")}"""


@dataclass
class Seen:
    """What was found in the town."""

    watches: list[Watch] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    news_a_second: float = 0.0
    first: float = 0.0  # seconds of CPU until the first page was had, which reads the kept records
    next: list[float] = field(default_factory=list)  # seconds of CPU of later pages, each of another moment
    page: bytes = b""


def look(targets: int, watched: int) -> Seen:
    """Play the town on simulated time, ask it for the page over HTTP."""
    seen = Seen()

    def furnish(town: Town) -> None:
        for index in range(targets):
            town.cluster.deploy(NAMESPACE, name(index), f"plasma/{name(index)}:2.3.1", replicas=1, labels=PART_OF)

    def name(index: int) -> str:
        return f"service-{index:04}"

    async def story(town: Town) -> None:
        assert town.watchdog is not None
        for index in range(0, targets, max(targets // watched, 1)):
            town.deploy(name(index), f"plasma/{name(index)}:2.4.0")
        await town.sleep(60 * (MINUTES - 1))
        told, tell_them = 0, town.watchdog.observer.on_news

        def counted() -> None:
            nonlocal told
            told += 1
            tell_them()

        town.watchdog.observer.on_news = counted
        await town.sleep(60)
        seen.news_a_second = told / 60
        await _asked(town, seen)
        terms = town.watchdog._terms
        assert terms is not None
        seen.watches = [watch for supervisor in terms.supervisors for watch in supervisor.watches]

    tell(story, furnish, rules=RULES, scrape_interval=15.0)
    return seen


async def _asked(town: Town, seen: Seen) -> None:
    import aiohttp  # noqa: PLC0415 - as late as the town itself

    assert town.watchdog is not None
    async with aiohttp.ClientSession(town.watchdog.url) as session:
        for turn in range(6):
            await town.sleep(2)
            began = time.process_time()
            async with session.get("/", headers={"Accept-Encoding": "identity"}) as answer:
                seen.page = await answer.read()
            took = time.process_time() - began
            if turn:
                seen.next.append(took)
            else:
                seen.first = took
