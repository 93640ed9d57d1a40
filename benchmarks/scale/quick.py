"""What CI holds: counts of queries, bytes and writes at a few watches, in real processes; never a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.scale.bench import Wish
from benchmarks.scale.measuring import measured
from benchmarks.scale.plan import METRICS

_NUMBERS = (3, 40)
_INTERVAL = 3.0
_BYTES = 30_000  # of the samples of one target in an interval
_RUNS = 3  # a busy machine can only add questions: those of one moment go out in more than one


def held(say: Callable[[str], None]) -> list[str]:
    """What is not as it must be; nothing, if all is."""

    def told(number: int) -> list[str]:
        wish = Wish(number, _INTERVAL, steady=5, peers=1, singles=1, at_once=0, warm=1, takeover=False)
        return [f"{number} watches: {what}" for what in _problems(wish, say)]

    with ThreadPoolExecutor() as side_by_side:
        return [problem for problems in side_by_side.map(told, _NUMBERS) for problem in problems]


def _problems(wish: Wish, say: Callable[[str], None]) -> list[str]:
    # Watches begin at whole seconds, so the interval has as many moments as seconds, whatever their number.
    most = METRICS * min(wish.targets, wish.interval) + 1
    asked = []
    for _ in range(_RUNS):
        found = measured(wish, say)
        asked.append(found["queries per interval"])
        if (wrong := list(_wrong(wish, found))) or asked[-1] <= most:
            return wrong
        say(
            f"{wish.targets}: {asked[-1]:g} queries an interval at a load of {found['load after']}; {most:g} are needed"
        )
    return [f"{min(asked):g} queries an interval at the least of {_RUNS} runs, at most {most:g} are needed"]


def _wrong(wish: Wish, found: dict[str, Any]) -> Iterator[str]:
    size = found["bytes per interval"]
    if size > _BYTES * wish.targets:
        yield f"{size:,} bytes an interval, {size / wish.targets:,.0f} a watch"
    if found["query failures"]:
        yield f"{found['query failures']:g} queries failed"
    if found["alone: acts"] != "1 of 1" or found["wrongly put back"]:
        yield f"put back {found['alone: acts']}, and {found['wrongly put back']} that were not bad"
    if found["record writes a watch, most"] > 12:
        yield f"{found['record writes a watch, most']} writes of one record"
