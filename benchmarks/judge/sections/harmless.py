"""What is no release's fault: gaps in what is measured, errors' series that come late, cold starts, more pods."""

from collections.abc import Sequence

from benchmarks.judge.atlas import absences
from benchmarks.judge.contestants import BY_DEFAULT, FORGIVING, MAIN, contestants
from benchmarks.judge.page import Section, percent
from benchmarks.judge.running import Played, Task
from benchmarks.judge.scoring import false_rollbacks
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.traffic import Weather
from benchmarks.judge.worlds import World

STATED = 0.001
"""False rollbacks per watch that `confidence = "99.9%"` allows."""

_LATE = Weather(base=0.0005)

BEGINNINGS: Sequence[World] = (
    World(name="errors' series late, 1 rps", rps=1.0, weather=_LATE, late_errors=True),
    World(name="errors' series late, 10 rps, 3 pods", pods=3, weather=_LATE, late_errors=True),
    World(name="errors' series late, rolling", pods=6, rps=30.0, rolling=20.0, weather=_LATE, late_errors=True),
    World(name="cold start of 2 min, from 6 %", rps=30.0, pods=3, cold=0.06),
    World(name="cold start of 2 min, from 12 %", rps=30.0, pods=3, cold=0.12),
    World(name="cold start of 2 min, from 6 %, rolling", rps=60.0, pods=6, rolling=20.0, cold=0.06),
    World(name="pods doubled", rps=30.0, pods=3, doubled_at=200.0),
    World(name="pods doubled, each cold from 6 %", rps=30.0, pods=3, doubled_at=200.0, cold=0.06),
)


def tasks(sizes: Sizes) -> list[Task]:
    """Good releases all."""
    return [Task(world, "main", sizes.harmless) for world in (*absences(), *BEGINNINGS)]


def told(played: Played, sizes: Sizes) -> Section:
    """The section."""
    section = Section("Gaps, late series, cold starts, more pods")
    section.say(
        f"{sizes.harmless} good releases each. While Prometheus is away, nobody gets an answer; it has scraped meanwhile, or "
        "it has not. A cold start fails the given share of a pod's requests at its birth, falling to nothing in 2 minutes."
    )
    gaps, beginnings = absences(), BEGINNINGS
    _table(section, played, gaps)
    wrong = sum(played[world.name, MAIN].rolled_back for world in gaps)
    runs = sum(played[world.name, MAIN].runs for world in gaps)
    section.claim(
        "Prometheus down, in any pattern, never rolls back.",
        wrong == 0,
        f"{wrong} of {runs} good releases were rolled back, in {len(gaps)} patterns.",
    )
    _table(section, played, beginnings)
    beyond = [world.name for world in beginnings if false_rollbacks([played[world.name, FORGIVING]]).low > STATED]
    total = false_rollbacks([played[world.name, FORGIVING] for world in beginnings])
    shorter = false_rollbacks([played[world.name, BY_DEFAULT] for world in beginnings if world.cold])
    section.claim(
        "An errors' series absent until the first error, a cold start of 2 minutes, pods doubled: no false rollback beyond "
        "the stated rate of 0.1 %, with a warm-up as long as the cold start.",
        not beyond and total.low <= STATED,
        f"In all: {percent(total)}."
        + (f" Beyond it: {', '.join(beyond)}." if beyond else "")
        + f" With the default warm-up of 30 s {percent(shorter)} of the cold starts are sent back, all where 12 % of the "
        "first requests fail: no judge can know that this is not the release.",
    )
    return section


def _table(section: Section, played: Played, worlds: Sequence[World]) -> None:
    section.say("False rollbacks:")
    section.table(
        ["policy", *(world.name for world in worlds)],
        [
            [each.name, *(f"{false_rollbacks([played[world.name, each.name]]).value:.1%}" for world in worlds)]
            for each in contestants("main")
        ],
    )
