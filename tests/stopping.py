"""Processes that share one simulated loop, and can be stopped as SIGSTOP stops one: not a step more until it goes on.

The world goes on meanwhile, and so does the process's monotonic clock. What arrives for it waits, timers that run out
wait as well, and all of it comes at once, in order, when the process goes on (SIGCONT).
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

from watchdog.simulator.clock import SimulatedLoop

T = TypeVar("T")

_PROCESS: "ContextVar[Process | None]" = ContextVar("process", default=None)


class Process:
    """Whatever was begun in it, and whatever that began."""

    def __init__(self) -> None:
        self.stopped = False
        self._held: list[tuple[Callable[..., object], tuple[Any, ...], Context, list[asyncio.Handle]]] = []

    def begin(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Its main task."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        return asyncio.get_running_loop().create_task(coroutine, name=name, context=context)

    def stop(self) -> None:
        """SIGSTOP."""
        self.stopped = True

    def go_on(self) -> None:
        """SIGCONT."""
        self.stopped = False
        held, self._held = self._held, []
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StoppableLoop)
        for callback, args, context, handle in held:
            # By its first handle it may still be cancelled, by what is done before it.
            super(StoppableLoop, loop).call_soon(_step, self, callback, args, context, handle, context=context)

    def hold(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context, handle: list[asyncio.Handle]
    ) -> None:
        """Keep a step for later."""
        self._held.append((callback, args, context, handle))


class StoppableLoop(SimulatedLoop):
    """Takes no step of a process that is stopped."""

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        process, context = _of(context)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        handle: list[asyncio.Handle] = []
        handle.append(super().call_soon(_step, process, callback, args, context, handle, context=context))
        return handle[0]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        process, context = _of(context)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        handle: list[asyncio.Handle] = []
        timer = super().call_at(when, _step, process, callback, args, context, handle, context=context)
        handle.append(timer)
        return timer


def _of(context: Context | None) -> tuple[Process | None, Context]:
    context = copy_context() if context is None else context
    return context.get(_PROCESS), context


def _step(
    process: Process,
    callback: Callable[..., object],
    args: tuple[Any, ...],
    context: Context,
    handle: list[asyncio.Handle],
) -> None:
    if handle[0].cancelled():
        return
    if process.stopped:
        process.hold(callback, args, context, handle)
    else:
        callback(*args)


def run_stoppable(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on simulated time; it may stop the processes that it begins."""
    with asyncio.Runner(loop_factory=StoppableLoop) as runner:
        return runner.run(main)
