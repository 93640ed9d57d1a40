"""GETs side by side on bare sockets: probes are most of what many watches do while nothing happens."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from watchdog.adapters.plain_get import AT_ONCE, FAILURES, Answer, NotConnected, Wanted

T = TypeVar("T")
Outcome = int | Exception  # a status, or why there is none


class Asked(NamedTuple):
    """One GET: an IP address, a port, and the request's bytes."""

    address: str
    port: int
    request: bytes


class Round(Generic[T]):
    """Some GETs side by side, each on a connection of its own, with one future and one timer for all.

    A task, a timeout and three futures for each would cost more than what the kernel does for it. No more than `turns`
    allows are under way at once, in all rounds together; `patience`, in seconds, begins with a GET's own turn.
    `judge` makes something of each outcome: an error is not kept, since its traceback would keep all of this.
    """

    def __init__(
        self, turns: asyncio.Semaphore, patience: float, wanted: Wanted, judge: Callable[[Outcome], T]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._turns = turns
        self._patience = patience
        self._wanted = wanted
        self._judge = judge
        self._judged: dict[int, T] = {}  # by the number of the GET
        self._open: dict[int, _Conversation] = {}  # who begins first is late first
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._begun = False  # all of them

    async def judged(self, asked: Iterable[Asked]) -> list[T]:
        """What `judge` makes of each one's status, or of why there is none: one of `FAILURES`, or a TimeoutError.

        They come in order. Cancelled, it leaves nothing open.
        """
        try:
            for number, one in enumerate(asked):
                await self._turns.acquire()
                self._begin(number, one)
            self._begun = True
            if self._open:
                await self._over
        finally:
            self._end()
        return [judged for _, judged in sorted(self._judged.items())]

    def _begin(self, number: int, asked: Asked) -> None:
        until = self._loop.time() + self._patience
        self._open[number] = conversation = _Conversation(self, number, until, asked.request, Answer(self._wanted))
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._late)
        conversation.begin(asked.address, asked.port)

    def told(self, number: int, outcome: Outcome) -> None:
        """How one of them ended."""
        del self._open[number]
        self._turns.release()
        self._judged[number] = self._judge(outcome)
        if self._begun and not self._open and not self._over.done():
            self._over.set_result(None)

    def _late(self) -> None:
        self._timer = None
        now = self._loop.time()
        for conversation in list(self._open.values()):
            if conversation.until > now:
                self._timer = self._loop.call_at(conversation.until, self._late)
                return
            conversation.end(TimeoutError())

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for conversation in self._open.values():
            conversation.close()
            self._turns.release()
        self._open.clear()


class _Conversation:
    """One GET, moved on by the loop's news of its socket; tells its round how it ended, unless it is closed before.

    It sends before it waits: a pod on the same node is connected by then, and of one further away the kernel says that
    it is not. It waits before it reads, since no answer is there so soon.
    """

    __slots__ = ("_answer", "_connected", "_loop", "_number", "_round", "_socket", "_unsent", "_waits", "until")

    def __init__(self, round_: Round[T], number: int, until: float, request: bytes, answer: Answer) -> None:
        self._loop = asyncio.get_running_loop()
        self._round = round_
        self._number = number
        self._unsent = request
        self._answer = answer
        self.until = until  # by the loop's time
        self._socket: socket.socket | None = None
        self._connected = False
        self._waits = False  # until it may send

    def begin(self, address: str, port: int) -> None:
        """Connect, and go on from there."""
        try:
            self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self._socket.setblocking(False)
        except OSError as error:
            self.end(error)
            return
        try:
            self._socket.connect((address, port))
        except (BlockingIOError, InterruptedError):
            pass  # on its way
        except OSError as error:
            self.end(_not_connected(error))
            return
        self._speak(self._socket)

    def _speak(self, connection: socket.socket) -> None:
        try:
            sent = connection.send(self._unsent)
            self._connected = True
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            if self._connected or error.errno != errno.ENOTCONN:  # as some kernels say that it is on its way
                self.end(error if self._connected else _not_connected(error))
                return
            sent = 0
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._leave_off_waiting(connection)
            self._loop.add_reader(connection.fileno(), self._listen, connection)
        elif not self._waits:
            self._waits = True
            self._loop.add_writer(connection.fileno(), self._may_speak, connection)

    def _may_speak(self, connection: socket.socket) -> None:
        if not self._connected:
            if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.end(_not_connected(OSError(code, os.strerror(code))))
                return
            self._connected = True
        self._speak(connection)

    def _listen(self, connection: socket.socket) -> None:
        try:
            status = self._answer.take(connection.recv(AT_ONCE))
        except (BlockingIOError, InterruptedError):
            return
        except FAILURES as error:
            self.end(error)
            return
        if status is not None:
            self.end(status)

    def end(self, outcome: Outcome) -> None:
        """Close, and say so."""
        self.close()
        self._round.told(self._number, outcome)

    def close(self) -> None:
        """Hear no more of it."""
        if (connection := self._socket) is None:
            return
        if self._unsent:
            self._leave_off_waiting(connection)
        else:
            self._loop.remove_reader(connection.fileno())
        connection.close()

    def _leave_off_waiting(self, connection: socket.socket) -> None:
        if self._waits:
            self._waits = False
            self._loop.remove_writer(connection.fileno())


def _not_connected(error: OSError) -> NotConnected:
    found = NotConnected()
    found.__cause__ = error
    return found
