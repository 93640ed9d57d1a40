"""One HTTP request a notice: within a deadline, without redirects, and with a word on whether it may have arrived."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from watchdog import __version__
from watchdog.ports import Clock, NotDelivered

_ANSWER_BYTES = 4096
_WORD = re.compile(r"[a-z0-9_ .:-]{1,60}", re.IGNORECASE)  # as in `invalid_payload`; no page of HTML
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; `retry_after` in seconds, None where it said no time."""

    status: int
    body: bytes
    retry_after: float | None = None


class Poster:
    """Posts, once a call. `proxies` lets the process's environment name a proxy, as for hosts outside of a cluster."""

    def __init__(
        self, clock: Clock, *, deadline: float, proxies: bool = False, answer_bytes: int = _ANSWER_BYTES
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._answer_bytes = answer_bytes
        self._client = httpx.AsyncClient(
            trust_env=proxies,
            follow_redirects=False,  # a redirect would carry the secrets elsewhere
            timeout=deadline,
            # Notices are minutes apart: a kept connection would mostly be one that the other side has closed.
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": f"rollback-watchdog/{__version__}"},
        )

    async def post(self, url: str, content: str, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever its status; raises `NotDelivered`, which never shows the URL, where there is none."""
        return await self.ask("POST", url, content, headers)

    async def ask(self, method: str, url: str, content: str, headers: Mapping[str, str]) -> Answer:
        """The same with another method."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._ask(method, url, content, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            sure = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            raise NotDelivered(f"no answer within {self._deadline:g} s", unsure=not sure) from None
        except httpx.ConnectError:
            raise NotDelivered("could not connect") from None
        except httpx.HTTPError as error:
            raise NotDelivered(f"the connection broke: {type(error).__name__}", unsure=True) from None

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _ask(self, method: str, url: str, content: str, headers: Mapping[str, str]) -> Answer:
        sending = self._client.stream(
            method, url, content=content, headers={"Content-Type": "application/json", **headers}
        )
        async with sending as answer:
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) >= self._answer_bytes:
                    break
            wait = self._wait(answer.headers.get("Retry-After", ""))
            return Answer(answer.status_code, body[: self._answer_bytes], wait)

    def _wait(self, retry_after: str) -> float | None:
        """Seconds, from either form of Retry-After; None where there is none, or it is nonsense."""
        if retry_after.strip().isdecimal():
            return min(float(retry_after), _LONGEST_WAIT)
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if until.tzinfo is None:
            return None
        return min(max((until - self._clock.now()).total_seconds(), 0.0), _LONGEST_WAIT)


def word_of(body: str) -> str:
    """What a service says in a short word, to be put after a status; nothing of a page of HTML."""
    short = body.strip()
    return f": {short}" if _WORD.fullmatch(short) else ""
