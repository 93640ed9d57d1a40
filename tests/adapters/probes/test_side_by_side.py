"""Plain probes side by side: each edge of a connection, and what is left behind."""

import asyncio
import errno
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.probes.test_http_prober import PROBE, a_pod, a_socket, an_app, one, saying
from adapters.simulated import simulated
from watchdog.adapters import plain_round
from watchdog.adapters.probes import HttpProber
from watchdog.domain.live import Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.rules import Probe

REFUSED = ProbeResult("research-5d4f-x", ProbeOutcome.REFUSED, "could not connect: Connection refused")
OK = ProbeResult("research-5d4f-x", ProbeOutcome.EXPECTED, "200 OK")
LATE = ProbeResult("research-5d4f-x", ProbeOutcome.TIMED_OUT, "no answer within 2 s")


@contextmanager
def a_listener(backlog: int = 1000) -> Iterator[socket.socket]:
    """Connections are taken by the kernel, and nobody answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(backlog)
        yield listening


def a_port_of_nobody() -> int:
    with a_listener() as listening:
        port: int = listening.getsockname()[1]
    return port


def pods_at(port: int, count: int) -> list[Pod]:
    return [a_pod(port, name=f"pod-{n}") for n in range(count)]


def heard() -> int:
    """How many sockets the loop listens to."""
    return len(asyncio.get_running_loop()._selector.get_map())  # type: ignore[attr-defined]


class Far(socket.socket):
    """To a pod so far away that it is not connected yet when something is sent first."""

    says = errno.EAGAIN

    def send(self, *given: Any) -> int:
        if self.says:
            code, self.says = self.says, 0
            raise OSError(code, "not yet")
        return super().send(*given)


class FarElsewhere(Far):
    """As other kernels say that."""

    says = errno.ENOTCONN


@pytest.fixture(params=[socket.socket, Far, FarElsewhere], ids=["near", "far", "far, on another kernel"])
def at_any_distance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = SimpleNamespace(**vars(socket) | {"socket": request.param})  # the servers' own stay as they are
    monkeypatch.setattr(plain_round, "socket", sockets)


@pytest.mark.usefixtures("at_any_distance")
@simulated
async def test_an_answer_is_read_however_long_connecting_takes() -> None:
    async with an_app(saying(200)) as port:
        assert await one(a_pod(port)) == OK


@pytest.mark.usefixtures("at_any_distance")
@simulated
async def test_a_refusal_is_told_in_the_same_words_however_late_it_comes() -> None:
    before = heard()
    assert await one(a_pod(a_port_of_nobody())) == REFUSED
    assert heard() == before


@simulated
async def test_an_address_without_a_way_to_it_is_refused_at_once() -> None:
    result = await one(a_pod(80, address="255.255.255.255"))
    assert (result.outcome, result.detail) == (ProbeOutcome.REFUSED, "could not connect: Network is unreachable")


@simulated
async def test_without_a_descriptor_left_it_is_no_fault_of_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(plain_round.socket, "socket", none_left)
        result = await one(a_pod(80))
    assert (result.outcome, result.detail) == (ProbeOutcome.REFUSED, "the connection broke: Too many open files")


@simulated
async def test_the_deadline_holds_while_nobody_takes_the_connection() -> None:
    loop = asyncio.get_running_loop()
    with a_listener(backlog=0) as listening, socket.create_connection(listening.getsockname()):  # that is all it takes
        before, began = heard(), loop.time()
        assert await one(a_pod(listening.getsockname()[1])) == LATE
        assert loop.time() - began == pytest.approx(2.0, abs=0.05)
        assert heard() == before


@simulated
async def test_an_answer_in_pieces_is_put_together_and_one_that_takes_too_long_is_late() -> None:
    pause = 0.01

    async def byte_by_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":
            await asyncio.sleep(pause)  # noqa: TID251 - the server's own slowness, on simulated time
            writer.write(bytes([byte]))

    async with a_socket(byte_by_byte) as port:
        before = heard()
        assert await one(a_pod(port)) == OK
        pause = 0.1
        assert await one(a_pod(port)) == LATE
        await asyncio.sleep(10)  # noqa: TID251 - until the server has noticed
        assert heard() == before


@simulated
async def test_a_request_that_does_not_fit_at_once_is_sent_in_pieces() -> None:
    size = 8_000_000

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = size
        while left > 0 and (more := await reader.read(100_000)):
            left -= len(more)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with a_socket(slowly) as port:
        assert await one(a_pod(port), Probe("/health", "http", headers={"X-Long": "x" * size})) == OK


@simulated
async def test_a_pod_that_answers_and_goes_before_the_body_is_there_gave_no_answer() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
        writer.close()

    async with a_socket(half) as port:
        result = await one(a_pod(port))
    assert (result.outcome, result.detail) == (ProbeOutcome.REFUSED, "closed without an answer")


@pytest.mark.usefixtures("at_any_distance")
@simulated
async def test_cancelled_in_the_middle_it_leaves_no_socket_open_and_gives_back_every_turn() -> None:
    prober = HttpProber(concurrency=3)
    with a_listener() as listening:
        before = heard()
        round_ = asyncio.create_task(prober.probe(pods_at(listening.getsockname()[1], 5), PROBE))
        await asyncio.sleep(0.5)  # noqa: TID251 - simulated
        assert heard() == before + 3
        round_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await round_
        assert heard() == before
        for _ in range(3):
            taken, _ = listening.accept()
            with taken:
                said = b""
                while more := taken.recv(1000):  # to its end: the probe's side is closed
                    said += more
            assert said.startswith(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:")
    async with an_app(saying(200)) as port:
        assert {result.outcome for result in await prober.probe(pods_at(port, 7), PROBE)} == {ProbeOutcome.EXPECTED}


@simulated
async def test_cancelled_before_it_is_connected_it_leaves_nothing_either() -> None:
    with a_listener(backlog=0) as listening, socket.create_connection(listening.getsockname()):
        before = heard()
        round_ = asyncio.create_task(HttpProber().probe(pods_at(listening.getsockname()[1], 2), PROBE))
        await asyncio.sleep(0.5)  # noqa: TID251 - simulated
        assert heard() == before + 2
        round_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await round_
        assert heard() == before


@simulated
async def test_each_has_all_of_its_time_from_its_own_turn_on() -> None:
    loop, prober = asyncio.get_running_loop(), HttpProber(concurrency=2)
    with a_listener() as listening:
        began = loop.time()
        results = await prober.probe(pods_at(listening.getsockname()[1], 5), PROBE)
        assert loop.time() - began == pytest.approx(6.0, abs=0.05)  # two, two and one
    assert [(result.pod, result.outcome) for result in results] == [
        (f"pod-{n}", ProbeOutcome.TIMED_OUT) for n in range(5)
    ]


@simulated
async def test_one_that_is_late_costs_the_others_of_its_round_nothing() -> None:
    with a_listener() as listening:
        async with an_app(saying(503)) as port:
            pods = [a_pod(listening.getsockname()[1]), a_pod(port), a_pod(a_port_of_nobody())]
            found = await HttpProber().probe(pods, PROBE)
    assert [result.outcome for result in found] == [
        ProbeOutcome.TIMED_OUT,
        ProbeOutcome.WRONG_STATUS,
        ProbeOutcome.REFUSED,
    ]


@simulated
async def test_hundreds_at_once_in_rounds_of_two_are_all_answered() -> None:
    asked = 0

    async def handler(_: Any) -> Any:
        nonlocal asked
        asked += 1
        return await saying(200)(_)

    async with an_app(handler) as port:
        prober = HttpProber()
        probe = Probe("/health", "http", timeout=timedelta(seconds=30))
        rounds = await asyncio.gather(*(prober.probe(pods_at(port, 2), probe) for _ in range(200)))
    assert asked == 400
    assert {result.detail for found in rounds for result in found} == {"200 OK"}


@simulated
async def test_nothing_of_a_round_is_left_to_the_collector_of_garbage() -> None:
    async with an_app(saying(200)) as port:
        with a_listener() as listening:
            pods = [a_pod(port), a_pod(a_port_of_nobody()), a_pod(listening.getsockname()[1])]
            gc.disable()
            try:
                await HttpProber().probe(pods, PROBE)
                ours = [found for found in gc.get_objects() if type(found).__module__ == plain_round.__name__]
            finally:
                gc.enable()
    assert ours == []
