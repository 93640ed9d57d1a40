"""Health probes: a GET of each pod by its own address, as the kubelet would make it."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType

from yarl import URL

from watchdog import __version__
from watchdog.adapters.plain_get import FAILURES, Closed, NotConnected, NotHttp, over_tls, request_of
from watchdog.adapters.plain_round import Asked, Outcome, Round
from watchdog.domain.live import Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.rules import Probe

_BODY_BYTES = 4096
_SENT = MappingProxyType({"User-Agent": f"rollback-watchdog/{__version__}", "Accept": "*/*", "Connection": "close"})


Found = tuple[ProbeOutcome, str]  # a result without its pod's name


@dataclass(frozen=True, slots=True)
class Place:
    """Where a probe goes: `authority` is the host and port as a URL says them, `target` the path as it is sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


class HttpProber:
    """The `Prober` port. Its probes are most of what many watches ask of anybody, so they have an HTTP of their own.

    A connection a probe, as the kubelet does: a kept one would not notice that nobody listens any more. Certificates
    are not verified, as the kubelet does not: they name services, not pod addresses. A redirect is judged by its own
    status, so that no pod can send the watchdog elsewhere. With more than `concurrency` pods, some wait their turn;
    waiting does not count as time of the probe.
    """

    def __init__(self, *, concurrency: int = 32) -> None:
        self._turns = asyncio.Semaphore(concurrency)
        self._tls: ssl.SSLContext | None = None

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        """One GET of each pod, in the pods' order; leaves out pods without that port, without address, or gone.

        Pods on the host's network are left out too: their address is the node's, and so is whatever listens there.
        """
        asked = [(pod.name, place) for pod in pods if (place := place_of(pod, probe)) is not None]
        if not asked:
            return []
        ask = self._over_tls if probe.scheme == "https" else self._plainly
        found = await ask([place for _, place in asked], probe)
        return [ProbeResult(name, outcome, detail) for (name, _), (outcome, detail) in zip(asked, found, strict=True)]

    async def close(self) -> None:
        """Nothing is held: each probe closes its connection."""

    async def _plainly(self, places: Sequence[Place], probe: Probe) -> Sequence[Found]:
        try:
            asked = [Asked(place.host, place.port, _request(place, probe)) for place in places]
        except ValueError as error:
            return [_found(error, probe)] * len(places)
        round_ = Round(
            self._turns,
            probe.timeout.total_seconds(),
            lambda status: _worth_reading(status, probe),
            lambda outcome: _found(outcome, probe),
        )
        return await round_.judged(asked)

    async def _over_tls(self, places: Sequence[Place], probe: Probe) -> Sequence[Found]:
        return await asyncio.gather(*(self._ask_over_tls(place, probe) for place in places))

    async def _ask_over_tls(self, place: Place, probe: Probe) -> Found:
        async with self._turns:
            try:
                async with asyncio.timeout(probe.timeout.total_seconds()):
                    status = await over_tls(
                        place.host,
                        place.port,
                        _request(place, probe),
                        self._unverified(),
                        lambda status: _worth_reading(status, probe),
                    )
            except FAILURES as error:  # TimeoutError is an OSError
                return _found(error, probe)
        return _found(status, probe)

    def _unverified(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._tls.check_hostname = False
            self._tls.verify_mode = ssl.CERT_NONE
        return self._tls


def place_of(pod: Pod, probe: Probe) -> Place | None:
    """Where a probe of this pod goes; None where it cannot be probed."""
    port = pod.ports.get(probe.port)
    if port is None or pod.host_network or pod.gone or pod.address is None:
        return None
    host = _host(pod.address)
    return Place(probe.scheme, host, port, _target(probe.path)) if host is not None else None


def _host(address: str) -> str | None:
    """An IP address as it is written; None of anything else."""
    try:
        socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        pass
    else:
        return address  # there is one way to write it, and the module below takes thirty times as long
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _target(path: str) -> str:
    """A rule's path as it is sent: quoted where it must be. A whole URL for each pod would be kept for ever."""
    # The slash keeps a path like `@elsewhere/` from becoming another host.
    return URL(f"http://pod/{path.removeprefix('/')}").raw_path_qs


def _request(place: Place, probe: Probe) -> bytes:
    """Raises ValueError where a header, or the target, cannot be sent."""
    before, after = _around_the_host(place.target, tuple(probe.headers.items()))
    return b"%s%s%s" % (before, place.authority.encode(), after) if after else before


@lru_cache(maxsize=256)
def _around_the_host(target: str, headers: tuple[tuple[str, str], ...]) -> tuple[bytes, bytes]:
    """A request up to the pod's address, and from there on; where the rule names the host, all of it and nothing."""
    given = {name.lower() for name, _ in headers}
    sent = {name: value for name, value in _SENT.items() if name.lower() not in given}
    request = request_of(target, {**sent, **dict(headers)})
    if "host" in given:
        return request, b""
    first, rest = request.split(b"\r\n", 1)
    return first + b"\r\nHost: ", b"\r\n" + rest


def _worth_reading(status: int, probe: Probe) -> int:
    """A wrong status is evidence whatever follows it; a pod that hangs after a right one is not healthy."""
    return _BODY_BYTES if probe.expects(status) else 0


def _found(outcome: Outcome, probe: Probe) -> Found:
    """What a probe has come to."""
    match outcome:
        case int(status):
            expected = probe.expects(status)
            return ProbeOutcome.EXPECTED if expected else ProbeOutcome.WRONG_STATUS, _status_text(status)
        case TimeoutError():
            return ProbeOutcome.TIMED_OUT, f"no answer within {probe.timeout.total_seconds():g} s"
        case error:
            # ValueError: a header or a URL that cannot be sent at all. That is no evidence against the pod.
            return ProbeOutcome.REFUSED, _why(error)


@lru_cache(maxsize=64)
def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _why(error: Exception) -> str:
    match error:
        case ssl.SSLError():
            return "the TLS handshake failed"
        case NotConnected(__cause__=OSError(errno=int(code))):
            return f"could not connect: {os.strerror(code)}"
        case Closed():
            return "closed without an answer"
        case NotHttp():
            return "answered something that is not HTTP"
        case OSError(errno=int(code)):
            return f"the connection broke: {os.strerror(code)}"
        case _:
            return f"could not be asked: {type(error).__name__}"
