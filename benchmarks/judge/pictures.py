"""The report's three pictures."""

import math
from collections.abc import Mapping, Sequence

from benchmarks.judge.contestants import OURS
from benchmarks.judge.drawing import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, SHAPES, TOP, WIDTH, Axis, Picture
from benchmarks.judge.scoring import Estimate
from benchmarks.judge.weighing import Weighed, front

_GRAPE = "#f3f0e6"


def pareto(settings: Sequence[Weighed], ours: Weighed, chosen: set[str]) -> str:
    """Every setting of every policy: how often it is wrong against what it costs when the release is bad."""
    costs = [each.cost for each in settings]
    low, high = 10.0 ** math.floor(math.log10(min(costs))), 10.0 ** math.ceil(math.log10(max(costs)))
    high = min(high, max(costs) * 1.3)
    picture = Picture(
        title="Wrong less often, and sooner: down and to the left is better",
        subtitle="Each small mark is one setting of one policy, the same for all worlds; lines join what each can do at best",
        words=_pareto_words(settings, ours),
        x=Axis("good releases rolled back by mistake", _shares(), lambda share: math.sqrt(max(share, 0.0))),
        y=Axis("requests failed until the rollback, in seconds of all traffic", _decades(low, high), _log(low, high)),
    )
    picture.area((0.0, low), (ours.false, ours.cost), _GRAPE)
    peers = [OURS, *dict.fromkeys(each.contestant.peer for each in settings if each.contestant.peer != OURS)]
    labels: list[tuple[float, str, int]] = []
    for index, peer in enumerate(peers):
        own = [each for each in settings if each.contestant.peer == peer]
        colour, shape = COLOURS[index % len(COLOURS)], SHAPES[index % len(SHAPES)]
        for each in own:
            marked = each.contestant.kind != "grid" or each.contestant.name in chosen
            picture.mark((each.false, each.cost), shape, colour, size=5 if marked else 2.5, faint=not marked)
        best = front(own)
        picture.line([(each.false, each.cost) for each in best], colour, width=1.4)
        labels.append((picture.at(best[0].false, best[0].cost)[1], peer, index))
    estimate, cost = ours.false_rollbacks, ours.cost_estimate
    picture.whisker((estimate.low, ours.cost), (estimate.high, ours.cost), COLOURS[0])
    picture.whisker((ours.false, cost.low), (ours.false, cost.high), COLOURS[0])
    picture.mark((ours.false, ours.cost), "diamond", COLOURS[0], size=9)
    x, y = picture.at(ours.false, ours.cost)
    picture.text(x + 13, y + 5, "watchdog, as it comes", size=14)
    _legend(picture, peers)
    return picture.svg()


def _pareto_words(settings: Sequence[Weighed], ours: Weighed) -> str:
    words = [
        f"The watchdog rolls back {ours.false:.1%} of good releases; {ours.cost:.1f} s of traffic fail before it acts."
    ]
    for peer in dict.fromkeys(each.contestant.peer for each in settings if each.contestant.peer != OURS):
        best = front(each for each in settings if each.contestant.peer == peer)
        points = "; ".join(f"{each.false:.1%} and {each.cost:.1f} s" for each in best[:4])
        words.append(f"{peer} at best: {points}.")
    return " ".join(words)


def _legend(picture: Picture, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        y = TOP + 12 + 22 * index
        legend = Picture("", "", Axis("", (), lambda x: x), Axis("", (), lambda y: y))
        legend.mark(_page(WIDTH - RIGHT + 22, y - 4), SHAPES[index % len(SHAPES)], COLOURS[index % len(COLOURS)])
        picture.parts += legend.parts
        picture.text(WIDTH - RIGHT + 36, y, name)


def _page(x: float, y: float) -> tuple[float, float]:
    """A place on the page as a point of a plot whose axes go from 0 to 1."""
    return (x - LEFT) / (WIDTH - LEFT - RIGHT), 1.0 - (y - TOP) / (HEIGHT - TOP - BOTTOM)


def _shares() -> list[tuple[float, str]]:
    return [(0.0, "none"), (0.01, "1 %"), (0.05, "5 %"), (0.1, "10 %"), (0.25, "25 %"), (0.5, "50 %"), (1.0, "all")]


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    ticks, decade = [], low
    while decade <= high:
        ticks += [(decade * step, f"{decade * step:g} s") for step in (1, 2, 5) if decade * step <= high]
        decade *= 10
    return ticks


def _log(low: float, high: float):  # type: ignore[no-untyped-def]
    return lambda value: (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))


def bars(rows: Sequence[tuple[str, str, Mapping[str, Estimate]]], faults: Sequence[str]) -> str:
    """How long each policy takes for each fault. A row: the policy, how often it is wrong, its time for each fault."""
    most = max(
        (each.value for _, _, times in rows for each in times.values() if math.isfinite(each.value)), default=1.0
    )
    top = max(60.0, math.ceil(most / 60.0) * 60.0)
    step = 60.0 if top <= 480.0 else 120.0
    ticks = [(step * k, f"{step * k:.0f}") for k in range(int(top // step) + 1)]
    slots = len(rows)
    picture = Picture(
        title="How long until a bad release is rolled back",
        subtitle="Median seconds from the switch; on the right: how many good releases each rolls back by mistake",
        words="; ".join(
            f"{name}: "
            + ", ".join(f"{fault} bad in {_time(times[fault])}" for fault in faults)
            + f", wrong for {wrong}"
            for name, wrong, times in rows
        ),
        x=Axis("seconds", ticks, lambda value: 0.88 * min(value, top) / top),  # room for the words behind the longest
        y=Axis("", (), lambda slot: 1.0 - slot / slots),
    )
    thick = (HEIGHT - TOP - BOTTOM) / slots / (len(faults) + 2.0)
    for row, (name, wrong, times) in enumerate(rows):
        x0, y0 = picture.at(0.0, row)
        for index, fault in enumerate(faults):
            y = y0 + thick * (index + 1.6)
            colour, each = COLOURS[(2, 5, 1)[index % 3]], times[fault]
            length = picture.at(each.value, row)[0] - x0
            picture.parts.append(
                f"<rect x='{x0:.1f}' y='{y:.1f}' width='{max(length, 1.0):.1f}' height='{thick * 0.9:.1f}' fill='{colour}'/>"
            )
            picture.text(
                x0 + length + 5, y + thick * 0.75, f"{fault}: {_time(each)}", size=min(11, int(thick * 1.1) + 1)
            )
        picture.text(x0 + 6, y0 + thick * 1.35, name, size=min(12, int(thick * 1.4) + 1))
        picture.text(WIDTH - RIGHT + 30, y0 + thick * 3.4, wrong, size=12)
    picture.text(WIDTH - RIGHT + 30, TOP - 6, "wrongly rolled back", size=11, fill="#555")
    return picture.svg()


def _time(estimate: Estimate) -> str:
    return "never" if math.isinf(estimate.value) else f"{estimate.value:.0f} s"


def shared(curves: Mapping[str, Sequence[tuple[float, Estimate]]]) -> str:
    """How often an outage that others have too is recognised, by how much later it reaches them."""
    most = max(lag for points in curves.values() for lag, _ in points)
    picture = Picture(
        title="An outage that hits others too is not the release's fault",
        subtitle="Share of releases that are held, not rolled back, when an outage reaches the peers a little later",
        words="; ".join(
            f"{name}: " + ", ".join(f"{each.value:.0%} at {lag:.0f} s" for lag, each in points)
            for name, points in curves.items()
        ),
        x=Axis(
            "seconds until the outage has reached every peer",
            [(lag, f"{lag:.0f}") for lag in sorted({lag for points in curves.values() for lag, _ in points})],
            lambda lag: lag / most,
        ),
        y=Axis("held", [(share / 100, f"{share} %") for share in (0, 25, 50, 75, 90, 100)], lambda share: share),
    )
    for index, points in enumerate(curves.values()):
        colour = COLOURS[index % len(COLOURS)]
        picture.line([(lag, each.value) for lag, each in points], colour)
        for lag, each in points:
            picture.whisker((lag, each.low), (lag, each.high), colour)
            picture.mark((lag, each.value), SHAPES[index % len(SHAPES)], colour)
    _legend(picture, list(curves))
    return picture.svg()
