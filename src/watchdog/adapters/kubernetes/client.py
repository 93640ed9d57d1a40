"""The verbs of the API server: dicts in, dicts out, each request with a deadline."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from watchdog.adapters.kubernetes.errors import ApiError, Fenced, NoAnswer
from watchdog.adapters.kubernetes.kinds import NAME, Resource
from watchdog.adapters.kubernetes.nested import DEEPEST, is_cut, loaded
from watchdog.ports import Clock

if TYPE_CHECKING:
    from watchdog.adapters.kubernetes.session import Session

DEADLINE = 10.0  # seconds, of one request
PAGE = 500  # objects
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=1, application/json"

Json = dict[str, Any]
Params = Mapping[str, str | int]


async def connect(
    clock: Clock, *, kubeconfig: str | None = None, context: str | None = None, deadline: float = DEADLINE
) -> "KubeClient":
    """A client of the cluster that `kubeconfig` names, or, without one, of the cluster this process runs in.

    Loads kubernetes-asyncio only here: verbs that need no cluster stay quick. Raises
    `OutOfReach` with one clear sentence where the configuration is missing or wrong; asks the cluster nothing yet.
    """
    from watchdog.adapters.kubernetes.session import Session  # noqa: PLC0415  (the load is what is put off)

    return KubeClient(await Session.open(clock, kubeconfig, context), deadline=deadline)


class KubeClient:
    """The verbs of the API server. Raises `ApiError`, or `OutOfReach` where another try may help.

    Nothing is tried again here, but for one 401 after the credentials were renewed: whoever asks knows whether a
    repeat is safe.
    """

    def __init__(
        self, session: "Session", *, deadline: float = DEADLINE, fence: Callable[[], bool] = lambda: True
    ) -> None:
        self._session = session
        self._deadline = deadline
        self._fence = fence

    def fenced(self, fence: Callable[[], bool]) -> "KubeClient":
        """The same client, on the same connections, that sends no write unless `fence()` holds at that moment.

        It raises `Fenced` instead: nothing was sent.
        """
        return KubeClient(self._session, deadline=self._deadline, fence=fence)

    @property
    def host(self) -> str:
        """The API server's URL."""
        return self._session.host

    async def close(self) -> None:
        """Close the connections and stop renewing tokens."""
        await self._session.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """One object."""
        return await self._request("GET", resource.path(namespace, name))

    async def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """One object; None where there is none of that name."""
        try:
            return await self.get(resource, namespace, name)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def pages(
        self, resource: Resource, namespace: str, *, labels: str = "", limit: int = PAGE, metadata_only: bool = False
    ) -> AsyncGenerator[tuple[list[Json], str]]:
        """A consistent list, page by page, each with the list's resourceVersion; `limit` 0 gives one page.

        `metadata_only` asks for `metadata` alone, where the server can. A list that expires between two pages
        raises `ApiError` 410.
        """
        params: dict[str, str | int] = {"limit": limit} if limit else {}
        if labels:
            params["labelSelector"] = labels
        headers = {"Accept": _METADATA_ONLY} if metadata_only else None
        while True:
            page = await self._request("GET", resource.path(namespace), params, headers=headers)
            metadata = page.get("metadata") or {}
            yield page.get("items") or [], str(metadata.get("resourceVersion", ""))
            if not metadata.get("continue"):
                return
            params["continue"] = metadata["continue"]

    async def list(self, resource: Resource, namespace: str, *, labels: str = "") -> list[Json]:
        """All objects at once; for lists that are known to be short."""
        return [item async for page, _ in self.pages(resource, namespace, labels=labels) for item in page]

    async def create(self, resource: Resource, namespace: str, body: Json) -> Json:
        """POST."""
        return await self._write("POST", resource.path(namespace), body)

    async def post(self, path: str, body: Json) -> Json:
        """POST to a path that keeps nothing: a review."""
        return await self._request("POST", path, {}, body)

    async def replace(self, resource: Resource, namespace: str, name: str, body: Json) -> Json:
        """PUT; conditional where the body carries a resourceVersion."""
        return await self._write("PUT", resource.path(namespace, name), body)

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
        """PATCH as `content_type` says; with `dry_run` the server admits and validates it, and stores nothing."""
        params = {"dryRun": "All"} if dry_run else {}
        path = resource.path(namespace, name, subresource)
        return await self._write("PATCH", path, body, params, {"Content-Type": content_type})

    async def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """DELETE."""
        self._pass(f"DELETE {resource.path(namespace, name)}")
        await self._request("DELETE", resource.path(namespace, name))

    @asynccontextmanager
    async def watch(
        self, resource: Resource, namespace: str, *, since: str, seconds: int
    ) -> AsyncIterator[AsyncGenerator[bytes]]:
        """The raw lines of a watch with bookmarks from resourceVersion `since`, ended by the server after `seconds`.

        The status is checked before a line is read. Lines may be long in coming: the caller bounds its patience.
        """
        params: Params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": seconds,
        }
        async with self._session.request("GET", resource.path(namespace), params, deadline=self._deadline) as answer:
            await answer.check()
            yield answer.lines()

    async def _write(
        self,
        method: str,
        path: str,
        body: Json | Sequence[Json],
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        self._pass(f"{method} {path}")
        return await self._request(method, path, {"fieldManager": NAME, **(params or {})}, body, headers)

    def _pass(self, what: str) -> None:
        if not self._fence():
            raise Fenced(f"{what} was not sent: this replica does not lead any more")

    async def _request(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        body: Json | Sequence[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        async with self._session.request(method, path, params or {}, body, headers, deadline=self._deadline) as answer:
            await answer.check()
            raw = await answer.body()
        try:
            decoded = loaded(raw)
        except ValueError as error:
            raise NoAnswer(f"{method} {path}: no JSON came back ({raw[:80]!r})") from error
        if is_cut(decoded):
            raise NoAnswer(f"{method} {path}: what came back is nested more deeply than {DEEPEST} levels")
        if not isinstance(decoded, dict):
            raise NoAnswer(f"{method} {path}: no JSON object came back ({raw[:80]!r})")
        return decoded
