"""Outages that hit others too, and bad releases while others have bursts of their own."""

from benchmarks.judge import pictures
from benchmarks.judge.atlas import AT_ONCE, FAULTS, bursting
from benchmarks.judge.contestants import MAIN, contestants
from benchmarks.judge.page import Section, percent, seconds
from benchmarks.judge.running import Played, Task
from benchmarks.judge.scoring import Estimate, Outcomes, joined, median, share
from benchmarks.judge.sizes import Sizes
from benchmarks.judge.traffic import Outage
from benchmarks.judge.worlds import World

PEERS = (0, 1, 2, 4, 8)
LAGS = (5, 15, 30, 60, 120)
LEVELS = (0.08, 0.2, 0.5, 1.0)
_LENGTH = 240.0
_HELD = 0.99
_BY_MISTAKE = 0.005


def outage(peers: int, lag: int, level: float) -> World:
    """An outage of four minutes that reaches each peer within `lag` seconds."""
    name = f"outage of {level:.0%} with {peers} peers, {lag} s apart"
    return World(name=name, peers=peers, outage=Outage(level, _LENGTH, lag))


def bursting_peers(fault: str, peers: int) -> World:
    """A bad release among peers whose bursts have nothing to do with it."""
    name = f"{fault} bad among {peers} bursting peers"
    return World(name=name, fault=FAULTS[fault], peers=peers, peer_weather=bursting(45.0, 0.2))


def _outages() -> list[World]:
    by_lag = [outage(peers, lag, 0.2) for peers in PEERS for lag in LAGS]
    return by_lag + [outage(4, 15, level) for level in LEVELS if level != 0.2]


def tasks(sizes: Sizes) -> list[Task]:
    """Shared outages by lag, peers and level; bad releases among bursting peers."""
    bad = [Task(bursting_peers(fault, peers), "ours", sizes.bursting_peers) for fault in AT_ONCE for peers in (2, 4)]
    return [Task(world, "ours", sizes.shared) for world in _outages()] + bad


def told(played: Played, sizes: Sizes) -> Section:
    """The section."""
    section = Section("Outages that others share")
    section.say(
        f"An outage of {_LENGTH:.0f} s begins one to five minutes after the switch and reaches each peer (10 requests per "
        f"second, did not switch) at some moment within the given time. Held: the watchdog would have rolled back, and "
        f"refused since its peers fail in the same way. {sizes.shared} runs each."
    )
    names = [each.name for each in contestants("ours")]
    if not any(played[world.name, name].held.any() for world in _outages() for name in names):
        section.claim(
            "With at least four unrelated peers, an outage that hits all within one interval with at least 20 % errors is "
            "held in 99 % of runs.",
            None,
            "This judge does not look at peers.",
        )
    else:
        _curve(section, played)
    _table(section, played)
    _mistaken(section, played)
    return section


def _curve(section: Section, played: Played) -> None:
    curves = {
        f"{peers} peers" if peers != 1 else "1 peer": [
            (float(lag), _held(played[outage(peers, lag, 0.2).name, MAIN])) for lag in LAGS
        ]
        for peers in PEERS
    }
    section.picture(
        "shared.svg", pictures.shared(curves), "Share of shared outages that are held, by how late peers follow."
    )
    within = [
        joined([played[outage(peers, lag, 0.2).name, MAIN] for lag in LAGS if lag <= 15])
        for peers in PEERS
        if peers >= 4
    ]
    strong = [joined([played[outage(4, 15, level).name, MAIN]]) for level in LEVELS if level >= 0.2]
    all_of_them = joined([*within, *strong[1:]])
    held, rolled = share(int(all_of_them.held.sum()), all_of_them.runs), all_of_them.rolled_back
    section.claim(
        "With at least four unrelated peers, an outage that hits all within one interval with at least 20 % errors is held "
        "in 99 % of runs.",
        held.value >= _HELD,
        f"Held in {percent(held)}; rolled back in {rolled} of {all_of_them.runs}.",
    )


def _table(section: Section, played: Played) -> None:
    section.table(
        ["outage", "policy", "rolled back", "held"],
        [
            [world.name, each.name, percent(share(outcomes.rolled_back, outcomes.runs)), percent(_held(outcomes))]
            for world in _outages()
            for each in contestants("ours")
            for outcomes in (played[world.name, each.name],)
        ],
    )


def _mistaken(section: Section, played: Played) -> None:
    section.say(
        "**A bad release among peers with bursts of their own** (45 s of 20 %, each ten minutes, at phases of their own):"
    )
    worlds = [bursting_peers(fault, peers) for fault in AT_ONCE for peers in (2, 4)]
    section.table(
        ["release", "policy", "held by mistake", "median time"],
        [
            [world.name, each.name, percent(_held(outcomes)), seconds(median(outcomes.took))]
            for world in worlds
            for each in contestants("ours")
            for outcomes in (played[world.name, each.name],)
        ],
    )
    four = joined([played[bursting_peers(fault, 4).name, MAIN] for fault in AT_ONCE])
    mistaken = _held(four)
    section.claim(
        "A bad release among independently bursting peers is held by mistake in at most 0.5 %.",
        mistaken.value <= _BY_MISTAKE,
        f"{percent(mistaken)} of {four.runs}.",
    )


def _held(outcomes: Outcomes) -> Estimate:
    return share(int(outcomes.held.sum()), outcomes.runs)
