"""`watchdog run`, which tells on a signal what its memory holds, by whom: `bench-scale --memory` runs it so.

python -m benchmarks.scale.holding FILE [run ...]: after each SIGUSR1 FILE has what is held, as JSON.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
import tracemalloc
import types
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_NEVER = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)
"""What belongs to the program, whoever refers to it."""
_TASKS = (types.CoroutineType, types.AsyncGeneratorType, types.FrameType, asyncio.Task, asyncio.Future)

_BYTES = 1024
_LINES = 60
_LEAST = 16 * _BYTES


class Ledger:
    """Whose each object is: the first who claims it. Sizes in bytes, as `sys.getsizeof` tells them."""

    def __init__(self) -> None:
        self.sizes: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.types: dict[str, Counter[str]] = {}
        self._claimed: set[int] = set()
        self._kept: list[Any] = []  # an id is one object's only while that is there

    def claim(self, owner: str, roots: Iterable[Any], *, deep: bool = True) -> None:
        """Give the owner the roots and, `deep`, all that can be reached from them and is nobody's yet."""
        types_of = self.types.setdefault(owner, Counter())
        waiting = deque(roots)
        while waiting:
            one = waiting.pop()
            if id(one) in self._claimed or (isinstance(one, _NEVER) and deep):
                continue
            self._claimed.add(id(one))
            self._kept.append(one)
            size = sys.getsizeof(one) + (16 if gc.is_tracked(one) else 0)
            self.sizes[owner] += size
            self.counts[owner] += 1
            types_of[type(one).__name__] += size
            if deep:
                waiting.extend(gc.get_referents(one))

    def told(self, watches: int) -> dict[str, Any]:
        """Each owner's KiB, its objects, what of them is largest, and the KiB for each watch."""
        return {
            owner: {
                "KiB": round(size / _BYTES, 1),
                "objects": self.counts[owner],
                "KiB a watch": round(size / _BYTES / max(1, watches), 2),
                "largest": {
                    name: round(part / _BYTES, 1) for name, part in self.types[owner].most_common(6) if part > _BYTES
                },
            }
            for owner, size in self.sizes.most_common()
            if size > _LEAST
        }


def held() -> dict[str, Any]:
    """What is held now, by owner, and what the allocators have of the system."""
    gc.unfreeze()  # what was there before it was ready is hidden otherwise: the cache, the metrics
    gc.collect()
    everything = gc.get_objects()
    ledger = Ledger()
    ledger.claim("this account", [everything], deep=False)
    by_name: dict[str, list[Any]] = {}
    for one in everything:
        by_name.setdefault(f"{type(one).__module__}.{type(one).__qualname__}", []).append(one)

    def all_of(name: str) -> list[Any]:
        return by_name.get(f"watchdog.{name}", [])

    drivers = all_of("engine.watching.WatchDriver")
    guards = {id(driver.watch.guard): driver.watch.guard for driver in drivers}
    ledger.claim("the rules", guards.values())
    for cache in all_of("adapters.kubernetes.cache.ClusterCache"):
        for namespace in cache._namespaces.values():
            for resource, objects in namespace.objects.items():
                ledger.claim(f"cluster: {resource.plural}", [objects])
        ledger.claim("cluster: indexes", [cache._namespaces, cache._versions])
    for reflector in all_of("adapters.kubernetes.reflector.Reflector"):
        ledger.claim("cluster: what was seen", [reflector._seen, reflector._dead])
    for memories in all_of("engine.memories.Memories"):
        ledger.claim("memories", [memories._memories])
    for driver in drivers:
        for part, what in _parts_of(driver.watch):
            ledger.claim(f"watch: {part}", [what])
    for tracker in all_of("engine.counters.Tracker"):
        ledger.claim("tracker: counted", [tracker.counted])
        ledger.claim("tracker: subject", [tracker.subject])
        ledger.claim("tracker: else", [tracker])
    for asking in all_of("engine.asking.Asking"):
        ledger.claim("asking: pods", [asking._known, asking._stays])
    for driver in drivers:
        ledger.claim("watch: last look", [driver._live])
    ledger.claim("tasks", [one for one in everything if isinstance(one, _TASKS)], deep=False)
    for metrics in all_of("adapters.web.metrics.Metrics"):
        ledger.claim("metrics", [metrics])
    for name, module in list(sys.modules.items()):
        ledger.claim(_program(name), [getattr(module, "__dict__", {})])  # None of a module that is said to be missing
    ledger.claim(
        "the program: classes and functions", [one for one in everything if isinstance(one, _NEVER)], deep=False
    )
    for name, found in sorted(by_name.items(), key=lambda named: len(named[1])):
        if name.startswith("watchdog.") and not isinstance(found[0], _NEVER):
            ledger.claim(f"objects: {name.removeprefix('watchdog.')}", found)
    ledger.claim("else", everything)
    return {
        "watches": len(drivers),
        "types": _types(everything),
        "owners": ledger.told(len(drivers)),
        "allocators": _allocators(),
        "lines": _lines(),
    }


def _types(everything: Iterable[Any]) -> dict[str, list[float]]:
    """Of which type there is most: objects that refer to others, and their KiB; what two runs differ by is a watch's."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for one in everything:
        name = f"{type(one).__module__}.{type(one).__qualname__}"
        counts[name] += 1
        sizes[name] += sys.getsizeof(one) + 16
    return {name: [counts[name], round(size / _BYTES, 1)] for name, size in sizes.most_common(_LINES)}


def _program(module: str) -> str:
    ours = module.split(".")
    return f"the program: {'.'.join(ours[:3]) if ours[0] == 'watchdog' else ours[0]}"


def _parts_of(watch: Any) -> Iterator[tuple[str, Any]]:
    for track in (*watch.tracks, *watch.recovery_tracks):
        kind = _kind(track)
        yield f"blocks of {kind}", track.history.blocks
        yield "ledger of bets", track.history.ledger
        yield f"baseline of {kind}", track.baseline
        yield "calibration", track.history.calibration
        yield "path", track.path
        yield "verdict", (track.verdict, track.breach)
        yield "history", track.history
    yield "tellings", watch.tellings
    yield "changes", watch.changes
    yield "pods", watch.pods
    yield "else", watch


def _kind(track: Any) -> str:
    metric = getattr(track.threshold, "metric", track.rule.check)
    return type(metric).__name__.removesuffix("Metric").lower() + "s"


class _Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    ]


def _allocators() -> dict[str, Any]:
    """MiB: resident, resident at the peak, of malloc (used, free within), of Python's own allocator (arenas, free)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    found = {key: round(int(status[key].split()[0]) / 1024, 1) for key in ("VmRSS", "VmHWM", "RssAnon", "RssFile")}
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _Mallinfo
    info = mallinfo2()
    for name in ("arena", "hblkhd", "uordblks", "fordblks"):
        found[f"malloc {name}"] = round(getattr(info, name) / 2**20, 1)
    return found | {"pymalloc": _pymalloc()}


def _pymalloc() -> dict[str, str]:
    """What `sys._debugmallocstats` prints, its sums alone."""
    read, write = os.pipe()
    saved = os.dup(2)
    os.dup2(write, 2)
    sys._debugmallocstats()
    os.dup2(saved, 2)
    for one in (write, saved):
        os.close(one)
    with os.fdopen(read) as text:
        lines = text.read().splitlines()
    wanted = (
        "# arenas allocated current",
        "# bytes in allocated blocks",
        "# bytes in available blocks",
        "unused pools",
    )
    return {line.split("=")[0].strip(): line.split("=")[-1].strip() for line in lines if any(w in line for w in wanted)}


def _lines() -> list[str]:
    """Where most of what is held was made, if PYTHONTRACEMALLOC is set."""
    if not tracemalloc.is_tracing():
        return []
    found = tracemalloc.take_snapshot().statistics("lineno")[:_LINES]
    return [f"{one.size / _BYTES:.0f} KiB in {one.count}: {one.traceback}" for one in found]


def main() -> None:
    """Run the watchdog."""
    path = Path(sys.argv[1])

    def tell(*_: Any) -> None:
        text = json.dumps(held(), indent=1)
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(path)

    signal.signal(signal.SIGUSR1, tell)
    from watchdog.cli import main as watchdog  # noqa: PLC0415 - it is what is measured

    sys.argv = ["watchdog", *sys.argv[2:]]
    watchdog()


if __name__ == "__main__":
    main()
