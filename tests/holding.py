"""What an object holds: itself and all that can be reached from it, but what the program has anyway."""

import gc
import sys
import types
from dataclasses import dataclass
from typing import Any

_PROGRAM = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)


@dataclass(frozen=True)
class Held:
    """So many objects, and their bytes as `sys.getsizeof` tells them."""

    objects: int
    bytes: int


def kept_by(root: Any) -> Held:
    """Each object once, however many ways lead to it."""
    found: dict[int, Any] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) not in found and not isinstance(one, _PROGRAM):
            found[id(one)] = one
            waiting += gc.get_referents(one)
    return Held(len(found), sum(map(sys.getsizeof, found.values())))
