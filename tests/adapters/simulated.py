"""Tests on simulated time: what waits, waits no real second."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from watchdog.simulator.clock import run_simulated

P = ParamSpec("P")


def simulated(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test on a `SimulatedLoop`."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_simulated(test(*args, **kwargs))

    return run
