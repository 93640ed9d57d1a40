"""Who may look: a token for all that shows watches, and TLS; both from files that may be replaced while it runs."""

import base64
import binascii
import hmac
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from watchdog.adapters.mounted import MountedSecret, State, state_of
from watchdog.adapters.secrets import SecretMissing

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Open to whoever reaches the port: the kubelet shows no token, and Prometheus need not hold one more."""

# Browsers ask people for a password, and show it to the page's own requests as well. A header for each way: Chromium
# takes a line that begins with a scheme it does not know for one challenge, and would ask nobody for anything.
_ASKS = ('Bearer realm="rollback-watchdog"', 'Basic realm="rollback-watchdog: any user, the token as password"')


def token_asked(token_file: Path) -> Middleware:
    """Everything but `OPEN` asks for the token: as a bearer token, or as the password of any user.

    What cannot be read lets nobody in.
    """
    token = MountedSecret(token_file, "the token for the web")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        try:
            right = token.read()
        except SecretMissing as error:
            log.error("nobody is let in", extra={"facts": {"why": str(error)}})  # noqa: TRY400 - all is said
            return _closing(web.Response(status=503, text="the token is not readable here; the log says why\n"))
        if not hmac.compare_digest(_shown(request).encode(), right.encode()):
            answer = web.Response(status=401, text="show the token of WATCHDOG_WEB_TOKEN_FILE\n")
            for challenge in _ASKS:
                answer.headers.add("WWW-Authenticate", challenge)
            return _closing(answer)
        return await handler(request)

    return middleware


def _closing(answer: web.Response) -> web.Response:
    answer.force_close()  # a body, if there was one, is not read
    return answer


def _shown(request: web.Request) -> str:
    """The token that the request carries; "" for none."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


class ServerCertificate:
    """What HTTPS is served with: TLS 1.2 and newer; read again for new connections whenever a file has changed.

    Raises OSError where a file is missing, holds none, or the two do not belong together.
    """

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        self._files = (cert_file, key_file)
        self._seen = self._states()
        self._newest = self._loaded()
        self.context = self._newest
        self.context.sni_callback = self._hello

    def _states(self) -> tuple[State, ...]:
        return tuple(map(state_of, self._files))

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A key that asks for a passphrase would ask on the terminal.
        context.load_cert_chain(*self._files, password=lambda: "")
        return context

    def _hello(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """A client begins to speak, whether or not it names a host."""
        try:
            seen = self._states()
            if seen != self._seen:
                self._newest = self._loaded()
                self._seen = seen
        except OSError as error:  # in the middle of a replacement: the next client tries again
            why = error.strerror or str(error)
            log.warning("the certificate was not taken up", extra={"facts": {"why": why}})
        connection.context = self._newest
