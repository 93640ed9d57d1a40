"""Who we are to the API server, and the connections to it. Imported late (`client.connect`): verbs that need no
cluster do without kubernetes-asyncio (`library`).
"""

import asyncio
import ipaddress
import json
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yaml
from aiohttp.http_exceptions import HttpProcessingError

from watchdog.adapters.kubernetes.errors import NoAnswer, error_of
from watchdog.adapters.kubernetes.kinds import NAME
from watchdog.adapters.kubernetes.library import (
    ApiClient,
    ConfigException,
    Configuration,
    load_incluster_config,
    load_kube_config,
)
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

RENEW_EVERY = 60.0
_SENT_LATELY = 4  # credentials that are kept out of errors
_SHORTEST_SECRET = 6  # a shorter text would be found, and hidden, inside ordinary words
# What the library's loaders are seen to raise on files and plugins that are missing, broken or of another shape.
_WRONG_CONFIG = (
    ConfigException,
    OSError,
    yaml.YAMLError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
)


@contextmanager
def _broken(what: str) -> Iterator[None]:
    """Turn every way a connection can fail into `NoAnswer`."""
    try:
        yield
    except TimeoutError as error:
        raise NoAnswer(f"{what}: no answer in time") from error
    except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
        raise NoAnswer(f"{what}: {type(error).__name__} {error}".rstrip()) from error
    except ValueError:
        # A header that cannot be sent, or a line longer than the buffer: the text may quote it, and goes no further.
        raise NoAnswer(f"{what}: our credentials hold what no header may, or the answer has an endless line") from None


class Answer:
    """One answer whose head was read; its body is read on demand."""

    def __init__(
        self, response: aiohttp.ClientResponse, what: str, deadline: float, without_secrets: Callable[[str], str]
    ) -> None:
        self._response = response
        self._without_secrets = without_secrets
        self._what = what
        self._deadline = deadline
        self.status = response.status

    async def body(self) -> bytes:
        """The whole body."""
        with _broken(self._what):
            async with asyncio.timeout(self._deadline):
                return await self._response.read()

    async def lines(self) -> AsyncGenerator[bytes]:
        """The body line by line, at most some megabytes each, for as long as the server sends."""
        while True:
            with _broken(self._what):
                line = await self._response.content.readline()
            if not line:
                return
            yield line

    async def check(self) -> None:
        """Raise what an answer that is no success says."""
        if 200 <= self.status < 300:
            return
        raw = await self.body()
        reason, message = self._response.reason or "", raw[:200].decode(errors="replace").strip()
        # A proxy's page, or the plain "404 page not found", is no Status: its first words are the message.
        with suppress(ValueError, AttributeError):
            status = json.loads(raw)
            reason, message = str(status.get("reason") or reason), str(status.get("message") or "")
        retry_after = None
        with suppress(ValueError):  # an HTTP date: rare, and a wait of our own does as well
            retry_after = float(self._response.headers.get("Retry-After") or "x")
        raise error_of(self.status, self._without_secrets(reason), self._without_secrets(message), retry_after)


class Session:
    """The library's configuration and HTTP session; renews tokens in the background and after a 401."""

    def __init__(self, clock: Clock, kubeconfig: str | None, context: str | None) -> None:
        self._clock = clock
        self._kubeconfig = kubeconfig
        self._context = context
        self._configuration = Configuration()
        self._loader: Any = None
        self._api: Any = None
        self._certificates: tuple[object, ...] = ()
        self._sent: deque[str] = deque(maxlen=_SENT_LATELY)
        self._renewing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, clock: Clock, kubeconfig: str | None, context: str | None) -> "Session":
        """Read the configuration; raises `OutOfReach` that names the file and what is wrong with it."""
        session = cls(clock, kubeconfig, context)
        # Each watch holds a connection: a limit would let many namespaces starve the requests between them.
        session._configuration.connection_pool_maxsize = 0
        await session._configure()
        session._reconnect()
        if session._loader is not None:  # in a pod the library re-reads the token itself
            session._renewing = asyncio.create_task(session._renew_for_ever(), name="renew kubeconfig token")
        return session

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    async def close(self) -> None:
        """Close the connections and stop renewing."""
        if self._renewing:
            self._renewing.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewing
        await self._api.close()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int],
        body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        deadline: float,
    ) -> AsyncIterator[Answer]:
        """Send a request and read the answer's head, both within `deadline`; the connection ends with the block."""
        response = await self._send(method, path, params, body, headers, deadline)
        if response.status == 401 and await self._renewed():
            response.close()
            response = await self._send(method, path, params, body, headers, deadline)
        try:
            yield Answer(response, f"{method} {path}", deadline, self._without_secrets)
        finally:
            response.close()

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int],
        body: Any,
        headers: Mapping[str, str] | None,
        deadline: float,
    ) -> aiohttp.ClientResponse:
        with _broken(f"{method} {path}"):
            async with asyncio.timeout(deadline):
                sent = {"User-Agent": NAME, "Accept": "application/json", **(headers or {})}
                for setting in (await self._configuration.auth_settings()).values():
                    sent[setting["key"]] = setting["value"]
                    self._remember(str(setting["value"]))
                response: aiohttp.ClientResponse = await self._api.rest_client.request(
                    method,
                    self.host + path,
                    query_params=list(params.items()),
                    headers=sent,
                    body=body,
                    _preload_content=False,
                    _request_timeout=aiohttp.ClientTimeout(total=None, connect=deadline),
                )
                return response

    async def _configure(self) -> None:
        where = f"kubeconfig {self._kubeconfig}" if self._kubeconfig else "in-cluster configuration"
        try:
            if self._loader is not None:
                await self._loader.load_and_set(self._configuration)
            elif self._kubeconfig:
                # Never persisted: the file is a person's own, and the library's way of saving it fails.
                self._loader = await load_kube_config(
                    self._kubeconfig, self._context, self._configuration, persist_config=False
                )
            else:
                load_incluster_config(client_configuration=self._configuration)
        except _WRONG_CONFIG as error:
            raise OutOfReach(f"{where}: {str(error) or type(error).__name__}") from error

    def _reconnect(self) -> Any:
        """Make the HTTP session; answers the one it replaces."""
        replaced, self._api = self._api, ApiClient(self._configuration)
        self._certificates = self._certificates_now()
        if _is_loopback(self.host):
            # A proxy of the environment cannot reach this very machine; Go's clients leave it out too.
            self._api.rest_client.pool_manager._trust_env = False
        return replaced

    async def _renewed(self) -> bool:
        """Read tokens and certificates again (exec plugins, token files, OIDC); False where that failed."""
        try:
            await self._configure()
        except OutOfReach as error:
            log.warning("credentials were not renewed: %s", error)
            return False
        if self._certificates != self._certificates_now():
            await self._reconnect().close()
        return True

    def _certificates_now(self) -> tuple[object, ...]:
        """Where they are and when they were written: renewed ones may have the same place."""
        files = (self._configuration.cert_file, self._configuration.key_file, self._configuration.ssl_ca_cert)
        return tuple((file, _written(file)) for file in files)

    def _remember(self, credential: str) -> None:
        secret = credential.partition(" ")[2] or credential
        if secret not in self._sent:
            self._sent.append(secret)

    def _without_secrets(self, text: str) -> str:
        """A server may repeat what it was shown."""
        for secret in self._sent:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "[secret]")
        return text

    async def _renew_for_ever(self) -> None:
        while True:
            await self._clock.sleep(RENEW_EVERY)
            await self._renewed()


def _written(file: object) -> int:
    try:
        return os.stat(str(file)).st_mtime_ns if file else 0
    except OSError:
        return 0


def _is_loopback(host: str) -> bool:
    name = urlsplit(host).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
