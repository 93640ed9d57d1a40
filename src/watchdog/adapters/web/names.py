"""By which name it is asked. A stranger's page whose own name is made to lead here is of the same origin for a browser
(DNS rebinding), and would read what it shows; the name is still the stranger's.
"""

import ipaddress
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware
from yarl import URL

from watchdog.adapters.web.access import OPEN

log = logging.getLogger(__name__)

_INSIDE = (".svc", ".cluster.local", ".localhost", ".local", ".internal")
"""Names that nobody can register."""


def asked_by_name(public_url: str) -> Middleware:
    """Whatever is not `OPEN` is shown under the public URL's name, an address, or a name of the cluster's own."""
    public = (URL(public_url).host or "").lower()

    @web.middleware
    async def middleware(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        name = _name(request)
        if request.path in OPEN or name == public or _is_inside(name):
            return await handler(request)
        log.warning("asked by a name that is not its own", extra={"facts": {"name": name[:253], "own": public}})
        text = "this is not where WATCHDOG_PUBLIC_URL says that people reach the watchdog\n"
        answer = web.Response(status=421, text=text)
        answer.force_close()
        return answer

    return middleware


def _name(request: web.Request) -> str:
    """The Host header without its port, "" where it is none."""
    try:
        return (URL(f"http://{request.host}").host or "").lower().rstrip(".")
    except ValueError:
        return ""


def _is_inside(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(_INSIDE))
    return True
