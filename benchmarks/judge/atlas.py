"""Which worlds are played: one set to tune on, another to report on. They share no seed, burst length, rate or inflation."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.judge.traffic import Bursts, Weather
from benchmarks.judge.worlds import Fault, World

FAULTS: dict[str, Fault] = {
    "8 %": Fault(0.08),
    "20 %": Fault(0.2),
    "100 %": Fault(1.0),
    "20 % after 60 s": Fault(0.2, delay=60.0),
    "20 % after 180 s": Fault(0.2, delay=180.0),
    "growing to 20 % in 3 min": Fault(0.2, growing=180.0),
    "leaking to 20 % in 10 min": Fault(0.2, growing=600.0),
}
"""The faults of the mixture: each comes with each traffic."""

AT_ONCE = ("8 %", "20 %", "100 %")

ONE_POD = Fault(1.0, pods=0.1)
ONE_ENDPOINT = Fault(0.5, wave=20.0)


def broken(world: World, fault: str) -> World:
    """The same world with a bad release."""
    return replace(world, name=f"{world.name}: {fault}", fault=FAULTS[fault])


def bursting(length: float, level: float) -> Weather:
    """Bursts once in ten minutes, over a base rate of 0.5 %."""
    return Weather(bursts=Bursts(length, level))


def _inflated(inflation: float) -> Weather:
    return Weather(inflation=inflation)


REPORTED: Sequence[World] = (
    World(name="steady, 1 rps", rps=1.0),
    World(name="steady, 10 rps", rps=10.0),
    World(name="steady, 100 rps", rps=100.0),
    World(name="steady, 1,000 rps", rps=1000.0, pods=3),
    World(name="scrape of 5 s", scrape=5.0),
    World(name="scrape of 30 s", scrape=30.0),
    World(name="jitter, a tenth of the scrapes missed", jitter=1.5, missed=0.1, pods=2),
    World(name="variance x2, 10 rps", weather=_inflated(2.0)),
    World(name="variance x30, 10 rps", weather=_inflated(30.0)),
    World(name="variance x60, 100 rps", rps=100.0, weather=_inflated(60.0)),
    World(name="variance x176, 1,000 rps", rps=1000.0, weather=_inflated(176.0)),
    World(name="bursts 15 s of 20 %", weather=bursting(15.0, 0.2)),
    World(name="bursts 30 s of 8 %", weather=bursting(30.0, 0.08)),
    World(name="bursts 45 s of 8 %", weather=bursting(45.0, 0.08)),
    World(name="bursts 45 s of 8 %, 100 rps", rps=100.0, weather=bursting(45.0, 0.08)),
    World(name="bursts 60 s of 20 %", weather=bursting(60.0, 0.2)),
    World(name="bursts 75 s of 8 %, 100 rps", rps=100.0, weather=bursting(75.0, 0.08)),
    World(name="bursts 90 s of 8 %", weather=bursting(90.0, 0.08)),
    World(name="drift over the day, 100 rps", rps=100.0, weather=Weather(drift=0.6)),
    World(name="cold start, 3 pods", pods=3, rps=30.0, cold=0.06),
    World(name="rolling, 10 pods", pods=10, rps=100.0, rolling=20.0),
    World(name="pods doubled, 3 to 6", pods=3, rps=30.0, doubled_at=200.0),
    World(name="errors' series comes late", weather=Weather(base=0.0005), late_errors=True),
    World(name="10 pods at once", pods=10, rps=100.0),
)
"""Traffic that is reported: each with good releases and with every fault."""

TUNED_ON: Sequence[World] = (
    World(name="tuning: steady, 5 rps", rps=5.0),
    World(name="tuning: steady, 30 rps", rps=30.0),
    World(name="tuning: steady, 300 rps", rps=300.0, pods=2),
    World(name="tuning: scrape of 10 s", rps=30.0, scrape=10.0),
    World(name="tuning: scrape of 20 s", rps=30.0, scrape=20.0),
    World(name="tuning: jitter", rps=30.0, jitter=1.0, missed=0.05),
    World(name="tuning: variance x5, 5 rps", rps=5.0, weather=_inflated(5.0)),
    World(name="tuning: variance x20, 30 rps", rps=30.0, weather=_inflated(20.0)),
    World(name="tuning: variance x100, 300 rps", rps=300.0, weather=_inflated(100.0)),
    World(name="tuning: bursts 20 s of 20 %", rps=5.0, weather=bursting(20.0, 0.2)),
    World(name="tuning: bursts 20 s of 8 %", rps=30.0, weather=bursting(20.0, 0.08)),
    World(name="tuning: bursts 40 s of 8 %", rps=5.0, weather=bursting(40.0, 0.08)),
    World(name="tuning: bursts 40 s of 20 %", rps=30.0, weather=bursting(40.0, 0.2)),
    World(name="tuning: bursts 70 s of 8 %", rps=30.0, weather=bursting(70.0, 0.08)),
    World(name="tuning: drift over the day", rps=30.0, weather=Weather(drift=0.4)),
    World(name="tuning: cold start", pods=2, rps=30.0, cold=0.05),
    World(name="tuning: rolling, 6 pods", pods=6, rps=30.0, rolling=15.0),
    World(name="tuning: errors' series comes late", rps=5.0, weather=Weather(base=0.001), late_errors=True),
)

PARTLY_BROKEN: Sequence[World] = (
    World(name="one pod of ten fails everything", pods=10, rps=100.0, fault=ONE_POD),
    World(name="one pod of ten, rolling", pods=10, rps=100.0, rolling=20.0, fault=ONE_POD),
    World(name="one endpoint, 20 s a minute, 50 %", fault=ONE_ENDPOINT),
    World(name="one endpoint, 100 rps", rps=100.0, fault=ONE_ENDPOINT),
)
"""Releases of which a part is bad: reported, in no mixture."""

AWAY: dict[str, tuple[tuple[float, float], ...]] = {
    "away for 60 s": ((120.0, 180.0),),
    "away for 5 min": ((60.0, 360.0),),
    "away for the first 2 min": ((0.0, 120.0),),
    "away all the time": ((-60.0, 660.0),),
    "away 20 s of each 45 s": tuple((45.0 * k, 45.0 * k + 20.0) for k in range(14)),
    "away 50 s of each minute": tuple((60.0 * k, 60.0 * k + 50.0) for k in range(10)),
}
"""Prometheus's absences; each is played both with scrapes lost and with the query alone failing."""


def absences() -> tuple[World, ...]:
    """Good releases under each absence of Prometheus."""
    return tuple(
        World(name=f"{name}, {'nothing scraped' if blind else 'scraping goes on'}", away=away, blind=blind)
        for name, away in AWAY.items()
        for blind in (True, False)
    )
