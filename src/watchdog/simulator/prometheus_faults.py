"""What the simulated Prometheus does wrong, when a test or the demo asks for it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with a status and a body of one's own."""

    code: int
    body: str = ""
    content_type: str = "text/html"

    @classmethod
    def bad_gateway(cls) -> "Status":
        """A proxy's HTML page in front of a Prometheus that is away."""
        return cls(502, "<html><body><h1>502 Bad Gateway</h1></body></html>")

    @classmethod
    def unavailable(cls) -> "Status":
        """Prometheus while it starts."""
        return cls(503, "Service Unavailable", "text/plain")

    @classmethod
    def unprocessable(cls, error: str = "query processing would load too many samples into memory") -> "Status":
        """A query that could not be executed."""
        body = {"status": "error", "errorType": "execution", "error": error}
        return cls(422, json.dumps(body), "application/json")


@dataclass(frozen=True, slots=True)
class Hang:
    """Do not answer until `Faults.release` or `clear`; then answer as if nothing had been."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Close the connection without an answer."""


@dataclass(frozen=True, slots=True)
class NotANumber:
    """Every value is NaN."""


@dataclass(frozen=True, slots=True)
class Empty:
    """A success with no series in it."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer this many seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Late:
    """Samples of the last `seconds` have not arrived yet (remote write, Thanos): the answer lacks them."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Warned:
    """A partial answer: these warnings, and only the first `kept` share of the series."""

    warnings: tuple[str, ...] = ("store 10.0.0.7:10901 is unavailable: partial response",)
    kept: float = 0.5


Fault = Status | Hang | Reset | NotANumber | Empty | Delay | Late | Warned


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int | None
    only: Callable[[str], bool]


def _any(_query: str) -> bool:
    return True


@dataclass(slots=True)
class Faults:
    """Planned faults, the oldest first; a request meets the first one that is meant for it."""

    _planned: list[_Planned] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def next(self, fault: Fault, times: int = 1, *, only: Callable[[str], bool] = _any) -> None:
        """For the next `times` requests whose query `only` accepts."""
        self._planned.append(_Planned(fault, times, only))

    def until_cleared(self, fault: Fault, *, only: Callable[[str], bool] = _any) -> None:
        """For every request whose query `only` accepts, until `clear`."""
        self._planned.append(_Planned(fault, None, only))

    def clear(self) -> None:
        """No more faults; what hangs is answered."""
        self._planned.clear()
        self.release()

    def release(self) -> None:
        """Answer what hangs now; the next `Hang` hangs again."""
        self._released.set()
        self._released = asyncio.Event()

    def take(self, query: str) -> Fault | None:
        """The fault that this request meets."""
        for planned in self._planned:
            if planned.only(query):
                if planned.times is not None:
                    planned.times -= 1
                    if planned.times <= 0:
                        self._planned.remove(planned)
                return planned.fault
        return None

    async def released(self) -> None:
        """Return when what hangs now is released."""
        await self._released.wait()
