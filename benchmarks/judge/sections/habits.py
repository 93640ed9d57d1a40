"""What calibration from history buys a service with habits, and what a poisoned history costs."""

from benchmarks.judge.atlas import AT_ONCE, broken, bursting
from benchmarks.judge.contestants import CALIBRATED, MAIN, STRONGEST, contestants
from benchmarks.judge.page import Section, percent, seconds
from benchmarks.judge.running import Played, Task
from benchmarks.judge.scoring import false_rollbacks, median
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.worlds import World

_LENGTHS = (15, 30, 45, 60, 75, 90)
_LEVELS = (0.08, 0.2)
_STEADY = World(name="habits: steady")
_POISONED = World(name="habits: steady, an outage of 3 min in the history", poisoned=True)


def _worlds() -> list[World]:
    bursty = [
        World(name=f"habits: bursts {length} s of {level:.0%}", weather=bursting(length, level))
        for level in _LEVELS
        for length in _LENGTHS
    ]
    return [*bursty, _STEADY, _POISONED]


def tasks(sizes: Sizes) -> list[Task]:
    """Good releases and faults at once, each with a week of the service's past."""
    clean = [Task(world, "habits", sizes.habits_good, history=True) for world in _worlds()]
    return clean + [
        Task(broken(world, fault), "habits", sizes.habits_bad, history=True) for world in _worlds() for fault in AT_ONCE
    ]


def told(played: Played, sizes: Sizes) -> Section:
    """The section."""
    section = Section("A service's own habits")
    section.say(
        "Calibrated: before the release the same judge was run over 50 windows of ten minutes of the week before, and "
        "needs one nat more than what it reached there, capped so that a fault of 20 % is still proven in eight blocks. "
        f"{sizes.habits_good} good releases each, {sizes.habits_bad} bad ones of each fault; 10 requests per second."
    )
    field = contestants("habits")
    section.table(
        ["world", "policy", "false rollbacks", *AT_ONCE],
        [
            [
                world.name.removeprefix("habits: "),
                each.name,
                percent(false_rollbacks([played[world.name, each.name]])),
                *(seconds(median(played[broken(world, fault).name, each.name].took)) for fault in AT_ONCE),
            ]
            for world in _worlds()
            for each in field
        ],
    )
    clean, poisoned = (
        median(played[broken(world, "8 %").name, CALIBRATED].took).value for world in (_STEADY, _POISONED)
    )
    bursty = [world for world in _worlds() if world not in (_STEADY, _POISONED)]
    before, after, theirs = (
        false_rollbacks([played[world.name, name] for world in bursty]) for name in (MAIN, CALIBRATED, STRONGEST)
    )
    section.claim(
        "A service with a burst every ten minutes is not rolled back for its habit, and an outage last week does not blind "
        "the judge today.",
        after.value < before.value / 2 and poisoned <= clean + 15.0,
        f"Bursts of all lengths: {percent(before)} of the good releases are sent back, calibrated {percent(after)} "
        f"({STRONGEST}: {percent(theirs)}). 8 % are found in {clean:.0f} s, after an outage in the history in "
        f"{poisoned:.0f} s.",
    )
    return section
