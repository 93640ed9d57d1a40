"""People who release: good versions and bad ones, hurried or patient, now and then quicker than the watchdog."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from soak.history import Badness, History
from town import NAMESPACE, Town
from watchdog.simulator.behaviour import Health
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.traffic import Course, Latency


class Habits(Protocol):
    """What of the wear concerns people."""

    rest: tuple[float, float]
    hurried: float
    bad: float


BADNESS: Mapping[str, tuple[float, Mapping[str, Any]]] = {
    "half of the requests fail": (0.0, {"errors": Course.constant(0.5)}),
    "a fifth of the requests fails": (0.0, {"errors": Course.constant(0.2)}),
    "all requests fail": (0.0, {"errors": Course.constant(1.0)}),
    "half of the requests fail, late": (40.0, {"errors": Course.step(0.004, 0.5, after=40)}),
    "slow": (0.0, {"latency": Latency(0.4, 1.5)}),
    "health answers 503": (20.0, {"health": Health.fails(after=20)}),
}
CRASHES = "crash loop"


@dataclass
class Person:
    """Releases one service, for ever."""

    name: str
    colours: bool
    town: Town
    history: History
    rng: random.Random
    wear: Habits
    number: int = 1
    _last_bad: str = ""
    _bads: list[str] = field(default_factory=list)

    @property
    def target(self) -> str:
        """As records write it."""
        return f"{NAMESPACE}/{'service' if self.colours else 'deployment'}/{self.name}"

    async def live(self) -> None:
        """Release, wait, release again."""
        await self.town.clock.sleep(self.rng.uniform(0, 30))
        while True:
            if self.colours:
                await self._flip()
                wait = self._until_watched()
            else:
                self.deploy_now()
                hurried = self.rng.random() < self.wear.hurried
                wait = self.rng.uniform(8, 90) if hurried else self._until_watched()
            await self.town.clock.sleep(wait)

    def deploy_now(self) -> None:
        """Roll out another image: mostly a new one, now and then one that was bad before."""
        if self._bads and self.rng.random() < 0.06:
            image = self.rng.choice(self._bads)
            if image != self.town.serving_image(self.name):
                self.town.deploy(self.name, image)
                return
        self.town.deploy(self.name, self._image())

    async def _flip(self) -> None:
        """Release to the idle colour, wait until it is ready, and flip."""
        green = "green" if self.town.colour(self.name) == "blue" else "blue"
        self.town.deploy(f"{self.name}-{green}", self._image())
        await self.town.clock.sleep(self.rng.uniform(10, 20))
        if self.town.cluster.rolled_out(NAMESPACE, f"{self.name}-{green}"):
            self.town.flip(self.name, green)

    def _until_watched(self) -> float:
        """Long enough for the bake, or for the act and its recovery."""
        return 150 + 60 + 25 + self.rng.uniform(*self.wear.rest)

    def _image(self) -> str:
        self.number += 1
        image = f"{self.name}:v{self.number}"
        if self.rng.random() >= self.wear.bad:
            self.history.images[image] = None
            return image
        kinds = [*BADNESS] if self.colours else [*BADNESS, CRASHES]
        kind = self.rng.choice(kinds)
        image += "-bad"
        since = {"since": "traffic"} if self.colours else {}
        if kind == CRASHES:
            self.town.lives_as(image, PodBehaviour(exits_after=3.0))
            self.history.images[image] = Badness(kind, 0.0)
        else:
            after, changes = BADNESS[kind]
            self.town.behaves(image, **changes, **since)
            self.history.images[image] = Badness(kind, after)
        self._bads = [*self._bads, image][-4:]
        return image
