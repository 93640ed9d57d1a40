"""The client of a dry run: it reads, and no request that would change something leaves it."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from watchdog.adapters.kubernetes.client import Json, KubeClient, Params
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import Resource
from watchdog.domain.effects import Write

log = logging.getLogger(__name__)

_WITHHELD: ContextVar[list[Write] | None] = ContextVar("withheld", default=None)

NOT_REHEARSED = (
    "the API server was not asked whether it would take the patch (--rehearse asks, with the right to patch)"
)


class WouldWrite(RuntimeError):
    """A fault of ours: something tried to write through a client that only reads. Nothing was sent."""


@contextmanager
def withholding() -> Iterator[list[Write]]:
    """Collect the patches of this task instead of sending them; whoever patches is answered as if all went well."""
    writes: list[Write] = []
    token = _WITHHELD.set(writes)
    try:
        yield writes
    finally:
        _WITHHELD.reset(token)


class ReadingClient(KubeClient):
    """A client that sends GET alone; with `rehearses` also server-side dry runs, as far as it may.

    A patch comes as far as its last byte, so what `withholding` collects is what would have been sent. A dry run that
    is not made is answered as if the server had accepted it; `unrehearsed` then says in a sentence why.
    """

    def __init__(self, inner: KubeClient, *, rehearses: bool) -> None:
        super().__init__(inner._session, deadline=inner._deadline)
        self._rehearses = rehearses
        self._forbidden: set[tuple[Resource, str]] = set()
        self.unrehearsed = "" if rehearses else NOT_REHEARSED

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Json | Sequence[Json],
        *,
        content_type: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        if dry_run:
            return await self._rehearsed(resource, namespace, name, body, content_type, subresource)
        writes = _WITHHELD.get()
        path = resource.path(namespace, name, subresource)
        if writes is None:
            raise WouldWrite(f"PATCH {path}")
        writes.append(Write("PATCH", path, content_type, json.dumps(body)))
        return {}

    async def _rehearsed(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Json | Sequence[Json],
        content_type: str,
        subresource: str,
    ) -> Json:
        """A right that is missing says nothing of the patch: whoever will send it may have it."""
        if not self._rehearses or (resource, namespace) in self._forbidden:
            return {}
        path, params = resource.path(namespace, name, subresource), {"dryRun": "All"}
        try:
            return await super()._write("PATCH", path, body, params, {"Content-Type": content_type})
        except ApiError as error:
            if error.status != 403:
                raise
            self._forbidden.add((resource, namespace))
            why = f"{resource.plural} of namespace {namespace} may not be patched"
            self.unrehearsed = f"the API server could not be asked whether it would take the patch: {why}"
            log.warning("not rehearsed", extra={"facts": {"why": f"{why}: {error.message}"}})
            return {}

    async def post(self, path: str, body: Json) -> Json:
        raise WouldWrite(f"POST {path}")

    async def delete(self, resource: Resource, namespace: str, name: str) -> None:
        raise WouldWrite(f"DELETE {resource.path(namespace, name)}")

    async def _write(
        self,
        method: str,
        path: str,
        body: Json | Sequence[Json],
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        raise WouldWrite(f"{method} {path}")
