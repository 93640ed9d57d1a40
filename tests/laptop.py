"""Someone at a laptop, beside a simulated town: `watchdog dry-run` with a credential of their own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from town import NAMESPACE, OWN, Town
from watchdog.cli.rehearsed import View
from watchdog.cli.rehearsed_lines import Fact
from watchdog.domain.rollout import Target
from watchdog.rehearsal.connecting import rehearsal
from watchdog.rehearsal.following import follow
from watchdog.rehearsal.looking_back import as_if, look_back
from watchdog.rulebook import read_rules
from watchdog.settings import load
from watchdog.simulator.access import Rule

READS = Rule(["get", "list", "watch"], ["*"])
IN_GUARDED = Rule(["get", "list", "watch"], ["*"], namespaces=[NAMESPACE])


class Notes(View):
    """What was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[Fact] = []

    def show(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, event: str) -> list[Fact]:
        """The facts of that kind."""
        return [fact for fact in self.facts if fact["event"] == event]


class Laptop:
    """`name` is whom the API server sees; without `rules` they may do everything."""

    def __init__(self, town: Town, name: str = "reader", rules: Sequence[Rule] | None = (READS,)) -> None:
        self.name = name
        self.view = Notes()
        self._town = town
        self._token = town.cluster.user(name, rules)
        self._stop = asyncio.Event()

    @property
    def requests(self) -> list[Any]:
        """Whatever they sent to the API server."""
        return [one for one in self._town.cluster.requests if one.user == self.name]

    @property
    def methods(self) -> set[str]:
        """By HTTP's words, dry runs and reviews among them."""
        return {one.method for one in self.requests}

    @asynccontextmanager
    async def _connected(self, *, rehearses: bool) -> AsyncIterator[Any]:
        settings = load(
            rules=self._town.rules_path,
            kubeconfig=self._town.cluster.kubeconfig(self._town.folder / f"kubeconfig-{self.name}", self._token),
            prometheus_url=self._town.prometheus.url,
            namespace=OWN,
        )
        rulebook = read_rules(self._town.rules_path.read_text(encoding="utf-8"), "rules.toml")
        async with rehearsal(settings, rulebook, self._town.clock, rehearses=rehearses) as here:
            self.view.begun(here.guarded, here.unseeded, here.unjudged, here.unlisted)
            yield here

    @asynccontextmanager
    async def follows(self, *, rehearses: bool = False) -> AsyncIterator[Notes]:
        """`watchdog dry-run`, until the block ends with Ctrl-C."""
        async with self._connected(rehearses=rehearses) as here:
            running = asyncio.create_task(follow(here, self.view.stepped, self._stop), name="dry-run")
            await self._town.sleep(2)
            yield self.view
            self._stop.set()
            await running
        self.view.ended()

    async def once(self, only: str = "") -> int:
        """`watchdog dry-run --once`; the exit code."""
        async with self._connected(rehearses=False) as here:
            target = Target.parse(only) if only else None
            await follow(here, self.view.stepped, self._stop, once=True, only=target)
        return self.view.ended()

    async def at(self, target: str, at: datetime, *, once: bool = False) -> int:
        """`watchdog dry-run --target T --at TIME`; the exit code."""
        async with self._connected(rehearses=False) as here:
            case = await as_if(here, Target.parse(target), at)
            self.view.begun_at(case)
            await look_back(here, case, self.view.stepped, self._stop, once=once)
        return self.view.ended()
