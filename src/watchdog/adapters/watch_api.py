"""The daemon's own API, asked from outside: what it tells of its watches."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from watchdog import __version__
from watchdog.ports import Document, OutOfReach

T = TypeVar("T", list[Any], dict[str, Any])

_DEADLINE = 10.0


class WatchApi:
    """`/api/watches` of a running watchdog. All raise `OutOfReach`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            headers={"User-Agent": f"rollback-watchdog/{__version__}", "Accept": "application/json"},
            timeout=_DEADLINE,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def open(self) -> Sequence[Document]:
        """The records of the open watches, as they stand."""
        found = await self._get("/api/watches", list)
        return [one for one in found if isinstance(one, dict)]

    async def watches(self, target: str) -> Sequence[Document]:
        """The records of a target's watches, open and ended."""
        found = await self._get(f"/api/watches?target={quote(target, safe='')}", list)
        return [one for one in found if isinstance(one, dict)]

    async def watch(self, watch_id: str) -> Document | None:
        """One record; None where there is none."""
        found = await self._get(f"/api/watches/{quote(watch_id, safe='')}", dict)
        return None if set(found) == {"error"} else found

    async def _get(self, path: str, shape: type[T]) -> T:
        """The JSON that is answered. A 404 that a watchdog gave is JSON too; a proxy's is not."""
        try:
            answer = await self._client.get(self.url + path)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise OutOfReach(f"{self.url} does not answer: {type(error).__name__} {error}".rstrip()) from error
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_FOUND) or not isinstance(found, shape):
            why = found.get("error") if isinstance(found, dict) else "is it the address of a watchdog?"
            raise OutOfReach(f"{self.url} answers {answer.status_code}: {why}")
        return found
