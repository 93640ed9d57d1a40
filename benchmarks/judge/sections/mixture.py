"""One setting for all worlds: false rollbacks against failed requests, over the whole mixture and world by world."""

from collections.abc import Sequence

from benchmarks.judge import pictures
from benchmarks.judge.atlas import AT_ONCE, FAULTS, PARTLY_BROKEN, REPORTED, TUNED_ON, broken
from benchmarks.judge.contestants import MAIN, OURS, Contestant, contestants
from benchmarks.judge.page import Section, brief, number, percent, seconds
from benchmarks.judge.running import Played, Task
from benchmarks.judge.scoring import median, misses, ninetieth
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.weighing import Weighed, dominating, tuned, weighed
from benchmarks.judge.worlds import World

_INTERVAL = 15.0


def tasks(sizes: Sizes) -> list[Task]:
    """The tuning set, the reported set, and releases of which a part is bad."""
    return [
        *_set(TUNED_ON, sizes.tuning_good, sizes.tuning_bad, first=500_000),
        *_set(REPORTED, sizes.good, sizes.bad),
        *(Task(world, "main", sizes.bad) for world in PARTLY_BROKEN),
    ]


def _set(worlds: Sequence[World], good: int, bad: int, first: int = 0) -> list[Task]:
    clean = [Task(world, "all", good, first=first) for world in worlds]
    return clean + [Task(broken(world, fault), "all", bad, first=first) for world in worlds for fault in FAULTS]


def best_tuned(played: Played) -> set[str]:
    """The setting of each peer that does best on the tuning set."""
    tuning = weighed(played, TUNED_ON, contestants("all"))
    best = tuned({name: each for name, each in tuning.items() if each.contestant.peer != OURS}, tuning[MAIN].false)
    return {each.contestant.name for each in best.values()}


def told(played: Played, sizes: Sizes) -> Section:
    """The section."""
    section = Section("One setting for all worlds")
    field = contestants("all")
    reported = weighed(played, REPORTED, field)
    ours, chosen = reported[MAIN], best_tuned(played)
    section.say(
        f"{len(REPORTED)} kinds of traffic, each with {sizes.good} good releases and {sizes.bad} of each of "
        f"{len(FAULTS)} faults ({', '.join(FAULTS)}); every traffic weighs the same, and every fault in it. Settings were "
        f"chosen on {len(TUNED_ON)} other kinds of traffic. The best-tuned setting of a peer is the one with the fewest "
        "failed requests among those that, there, roll back no more good releases than the watchdog "
        "(where it has none: the one that rolls back the fewest). "
        "Failed requests are given in seconds of the whole traffic: 6 s are 60 requests at 10 per second.",
    )
    peers = [each for each in reported.values() if each.contestant.peer != OURS]
    _dominance(section, peers, ours)
    section.picture(
        "pareto.svg",
        pictures.pareto(list(reported.values()), ours, chosen),
        "False rollbacks against failed requests for every setting of every policy: the watchdog lies down and left.",
    )
    _table(section, reported, chosen)
    _in_hindsight(section, played, field)
    _partly_broken(section, played)
    return section


def _dominance(section: Section, peers: Sequence[Weighed], ours: Weighed) -> None:
    better = dominating(peers, ours)
    names = ", ".join(f"{each.contestant.name} ({each.false:.1%}, {each.cost:.1f} s)" for each in better[:5])
    by_count = [each for each in peers if each.false <= ours.false and each.counted < ours.counted]
    section.claim(
        "Over the mixture of worlds no competitor, in any setting of its grid, has both fewer false rollbacks and fewer "
        "failed requests.",
        not better,
        f"The watchdog: {ours.false:.1%} and {ours.cost:.1f} s. "
        + (f"Better in both: {names}." if better else f"None of {len(peers)} settings is better in both.")
        + (f" Counted in requests, so that busy services weigh more, {len(by_count)} are." if by_count else ""),
    )


def _table(section: Section, reported: dict[str, Weighed], chosen: set[str]) -> None:
    section.table(
        ["policy", "setting", "false rollbacks per clean deploy", "misses", "median time", "90 %", "failed until then"],
        [
            [
                each.contestant.name,
                "best-tuned" if name in chosen and each.contestant.kind == "grid" else _kind(each.contestant, chosen),
                percent(each.false_rollbacks),
                percent(each.missed),
                seconds(median(each.times)),
                seconds(ninetieth(each.times)),
                f"{number(each.cost_estimate)} s",
            ]
            for name, each in reported.items()
            if each.contestant.kind != "grid" or name in chosen
        ],
    )


def _kind(contestant: Contestant, chosen: set[str]) -> str:
    if contestant.kind == "ours":
        return ""
    return f"{contestant.kind}, best-tuned" if contestant.name in chosen else contestant.kind


def _in_hindsight(section: Section, played: Played, field: Sequence[Contestant]) -> None:
    """What each peer's best setting would have been, had one known the world."""
    peers = list(dict.fromkeys(each.peer for each in field if each.peer != OURS))
    rows = []
    for world in REPORTED:
        here = weighed(played, [world], field, AT_ONCE)
        ours = here[MAIN]
        cells = [world.name, f"{ours.false:.1%}", f"{_mean_time(ours):.0f} s"]
        oracles = tuned({name: each for name, each in here.items() if each.contestant.peer != OURS}, ours.false)
        for peer in peers:
            oracle = oracles[peer]
            regret = (_mean_time(ours) - _mean_time(oracle)) / _INTERVAL
            cells.append("none as rarely wrong" if oracle.false > ours.false else f"{regret:+.1f}")
        rows.append(cells)
    section.say(
        "**In hindsight.** Had one known the world, which setting of each peer would have been best in it, among those "
        "that roll back no more good releases there than the watchdog? The columns say by how many intervals of 15 s the "
        "watchdog decided later (+) or sooner (-) than that setting, on average over faults of 8, 20 and 100 % at once "
        "(a miss counts as the whole bake).",
    )
    section.table(["world", "watchdog: false", "time", *peers], rows)


def _mean_time(setting: Weighed) -> float:
    times = setting.times
    return float(times.clip(max=600.0).mean()) if times.size else float("nan")


def _partly_broken(section: Section, played: Played) -> None:
    section.say("**Releases of which a part is bad** (each peer's default and documented settings):")
    rows = []
    for world in PARTLY_BROKEN:
        for each in contestants("main"):
            outcomes = played[world.name, each.name]
            rows.append(
                [
                    world.name,
                    each.name,
                    percent(misses([outcomes])),
                    seconds(median(outcomes.took)),
                    f"{brief(float(outcomes.cost.mean()))} s",
                ]
            )
    section.table(["world", "policy", "misses", "median time", "failed until then"], rows)
