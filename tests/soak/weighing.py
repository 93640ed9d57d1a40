"""What a process weighs, and what of it is the watchdog's: the town around it lives in the same process."""

import asyncio
import gc
import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path

from watchdog.app import Watchdog

_NOT_ITS_OWN = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, asyncio.AbstractEventLoop)
_THE_TOWNS = ("watchdog.simulator", "soak", "town", "unittest", "_pytest")


@dataclass
class Weight:
    """What the process weighs at one moment."""

    hour: int
    rss: float  # MiB of the whole process, the town's past among them
    held: float  # MiB of all that can be reached from the watchdog
    files: int
    tasks: int

    def __str__(self) -> str:
        return (
            f"  hour {self.hour:2}: the watchdog holds {self.held:.2f} MiB; {self.files} files and {self.tasks} tasks;"
            f" the process, with the town, {self.rss:.0f} MiB"
        )


def weight(hour: int, watchdog: Watchdog) -> Weight:
    """Weigh this process, after its rubbish was taken out."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    files = len(os.listdir("/proc/self/fd"))
    tasks = [task for task in asyncio.all_tasks() if _is_the_watchdogs(task)]
    rss = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Weight(hour, rss, held_by(watchdog, *tasks) / 2**20, files, len(tasks))


def held_by(*roots: object) -> int:
    """Bytes of all objects that can be reached from these, but for code, the event loop and the town's own."""
    seen: set[int] = set()
    waiting: list[object] = [*roots]
    size = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_ITS_OWN) or _is_the_towns(type(one)):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one, 0)
        waiting.extend(gc.get_referents(one))
    return size


def _is_the_towns(cls: type) -> bool:
    module = getattr(cls, "__module__", "")
    return isinstance(module, str) and module.startswith(_THE_TOWNS)


def _is_the_watchdogs(task: "asyncio.Task[object]") -> bool:
    """Whether the coroutine that it runs is written in the watchdog."""
    code = getattr(task.get_coro(), "cr_code", None)
    path = Path(code.co_filename).as_posix() if code is not None else ""
    return "/watchdog/" in path and "/watchdog/simulator/" not in path
