"""A pipeline in a town: it waits and switches as the verbs do, on simulated time."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from town import NAMESPACE, OWN, Town
from watchdog.domain.flipping import FlipCheck, Objection
from watchdog.domain.rollout import Target
from watchdog.domain.state import Watch
from watchdog.domain.waiting import Wanted, standing
from watchdog.engine.flipping import Considered
from watchdog.engine.waiting import Patience, Waited, Waiting
from watchdog.releasing import outlook, switch_of
from watchdog.rulebook import read_rules
from watchdog.settings import Settings, load


def settings_of(town: Town) -> Settings:
    return load(kubeconfig=town.cluster.kubeconfig(town.folder / "pipeline"), namespace=OWN)


class Pipeline:
    """What it said, and what it was shown."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.said: list[str] = []
        self.shown: list[str] = []

    def _show(self, watch: Watch, now: datetime) -> None:
        self.shown.append(standing(watch, now))

    async def wait(
        self,
        name: str,
        *,
        kind: str = "deployment",
        api: str = "",
        opening: float = 120,
        ending: float = 3600,
        others: Iterable[str] = (),
        **wanted: object,
    ) -> Waited:
        """`watchdog wait`."""
        target = Target.parse(f"{NAMESPACE}/{kind}/{name}")
        asked = Wanted(target, others=frozenset(others), **wanted)  # type: ignore[arg-type]
        patience = Patience(timedelta(seconds=opening), timedelta(seconds=ending))
        async with outlook(settings_of(self.town), self.town.clock, api) as there:
            waiting = Waiting(there, self.town.clock, patience, show=self._show, say=self.said.append)
            return await waiting.wait(asked)

    async def switch(
        self,
        to: str,
        service: str = "gateway",
        *,
        override: Iterable[FlipCheck] = (),
        reason: str = "",
        kind: str = "service",
        weight: int | None = None,
    ) -> tuple[Considered | Objection, Objection | None]:
        """`watchdog switch --no-wait`: what was considered, and what became of it.

        Where no watchdog was ever started, that is passed over.
        """
        if self.town.watchdog is None:
            override, reason = [*override, FlipCheck.UNGUARDED], reason or "a story without a watchdog"
        switch = switch_of(
            settings_of(self.town),
            self.town.clock,
            Target.parse(f"{NAMESPACE}/{kind}/{service}"),
            to,
            reason=reason,
            overridden=frozenset(override),
            weight=weight,
            rulebook=read_rules(self.town.rules_path.read_text(encoding="utf-8")),
        )
        async with switch as there:
            found = there.considered
            if isinstance(found, Objection) or found.flip is None:
                return found, None
            answer = await there.carry_out(found.flip)
            assert answer is None or isinstance(answer, Objection), answer
            return found, answer


def ended(waited: Waited) -> tuple[str | None, str | None]:
    """The outcome that was waited for, and the recovery."""
    assert waited.watch is not None, waited.why
    watch = waited.watch
    return (watch.outcome and watch.outcome.value, watch.recovery and watch.recovery.value)
