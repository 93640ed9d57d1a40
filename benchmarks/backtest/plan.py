"""What happens in the history: services, their switches, which of them are bad and how, and a shared outage."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes spells hashes with
NAMESPACE = "production"
REPLICAS = 2
SERVICES = ("gateway", "research", "brand", "content", "agent")
READY_AFTER = timedelta(seconds=4)
NEXT_POD = timedelta(seconds=8)
PUT_BACK_AFTER = timedelta(minutes=25)
OUTAGE_AFTER, OUTAGE_LASTS = timedelta(minutes=2), timedelta(minutes=12)


class Fault(StrEnum):
    """What is wrong with a release."""

    NONE = "none"
    ERRORS = "errors"  # 8 % of its requests fail
    MANY_ERRORS = "many errors"  # 30 %
    FEW_ERRORS = "few errors"  # 3 %: below the limit that rules begin with
    LATE_ERRORS = "late errors"  # 15 %, from the third minute on
    SLOW = "slow"  # three times as slow
    CPU = "cpu"  # three times the CPU
    MEMORY = "memory"  # twice the memory
    CRASH = "crash"  # its containers crash from the second minute on
    HEALTH = "health"  # its health checks fail from the second minute on
    OUTAGE = "outage"  # nothing: all services fail while it is watched


FAULTS = (
    Fault.ERRORS,
    Fault.MANY_ERRORS,
    Fault.LATE_ERRORS,
    Fault.SLOW,
    Fault.CPU,
    Fault.MEMORY,
    Fault.CRASH,
    Fault.HEALTH,
)


@dataclass(frozen=True)
class Pod:
    """One pod; `ended` None: it lives on."""

    service: str
    template: str
    name: str
    created: datetime
    ready: datetime
    ended: datetime | None
    fault: Fault
    switched: datetime  # when its release began: faults count from there


@dataclass(frozen=True)
class Switch:
    """One release."""

    service: str
    template: str
    at: datetime
    fault: Fault
    put_back: datetime | None

    @property
    def target(self) -> str:
        return f"{NAMESPACE}/deployment/{self.service}"

    @property
    def bad(self) -> bool:
        return self.fault not in (Fault.NONE, Fault.OUTAGE)


@dataclass(frozen=True)
class Plan:
    """A whole history, up to `end`."""

    days: float
    services: int
    switches: int
    bad: int
    shared: int
    end: datetime
    faults: tuple[Fault, ...] = FAULTS
    seed: int = 1
    scrape: float = 15.0
    releases: tuple[Switch, ...] = field(init=False)
    pods: tuple[Pod, ...] = field(init=False)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        releases = tuple(_releases(self, chance))
        object.__setattr__(self, "releases", releases)
        object.__setattr__(self, "pods", tuple(_pods(self, releases, chance)))

    @property
    def begin(self) -> datetime:
        return self.end - timedelta(days=self.days)

    @property
    def names(self) -> tuple[str, ...]:
        return SERVICES[: self.services]

    def outages(self) -> Iterator[tuple[datetime, datetime]]:
        """When all services fail."""
        for release in self.releases:
            if release.fault is Fault.OUTAGE:
                yield release.at + OUTAGE_AFTER, release.at + OUTAGE_AFTER + OUTAGE_LASTS


def _releases(plan: Plan, chance: random.Random) -> Iterator[Switch]:
    """Evenly spread, the services in turn; the faults among them in turn."""
    first = plan.begin + timedelta(hours=3)
    step = (plan.end - timedelta(hours=2) - first) / plan.switches
    numbers = range(plan.switches)
    special = chance.sample([*numbers], plan.bad + plan.shared)
    faults = {number: plan.faults[k % len(plan.faults)] for k, number in enumerate(special[: plan.bad])}
    faults |= dict.fromkeys(special[plan.bad :], Fault.OUTAGE)
    for number in numbers:
        at = (first + number * step + timedelta(seconds=chance.uniform(0, 0.1) * step.total_seconds())).replace(
            microsecond=0
        )
        fault = faults.get(number, Fault.NONE)
        put_back = None if fault in (Fault.NONE, Fault.OUTAGE) else at + PUT_BACK_AFTER
        yield Switch(plan.names[number % plan.services], _hash(chance), at, fault, put_back)


def _pods(plan: Plan, releases: tuple[Switch, ...], chance: random.Random) -> Iterator[Pod]:
    for service in plan.names:
        serving = _hash(chance)
        # What served, since when, with which fault: one stretch of pods each.
        stretches = [(plan.begin - timedelta(hours=1), serving, Fault.NONE)]
        for release in (one for one in releases if one.service == service):
            stretches.append((release.at, release.template, release.fault))
            if release.put_back is not None:
                stretches.append((release.put_back, serving, Fault.NONE))
            else:
                serving = release.template
        for index, (at, template, fault) in enumerate(stretches):
            following = stretches[index + 1][0] if index + 1 < len(stretches) else None
            for number in range(REPLICAS):
                created = at + number * NEXT_POD
                # The next one's pod is ready before this one is told to end.
                ended = (
                    None if following is None else following + number * NEXT_POD + READY_AFTER + timedelta(seconds=1)
                )
                name = f"{service}-{template}-{''.join(chance.choices(LETTERS, k=5))}"
                yield Pod(service, template, name, created, created + READY_AFTER, ended, fault, at)


def _hash(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=10))
