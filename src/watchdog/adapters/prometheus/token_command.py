"""A bearer token that a program prints, as the command lines of clouds do: run when it is due, never by a shell.

What it prints is the token alone, or a JSON object as kubectl's exec plugins and the clouds print it: with the token
under `token`, `access_token`, `accessToken` or `id_token`, or under `status`, and perhaps with when it expires.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchdog.adapters.prometheus.shown import Asked, header
from watchdog.adapters.secrets import SecretMissing
from watchdog.domain.text import printable

log = logging.getLogger(__name__)

TIMEOUT = 20.0  # seconds that the program may take
KEPT = 300.0  # seconds for which a token is believed that does not say how long
EARLY = 60.0  # seconds before its end at which the next one is fetched
_AGAIN = 5.0  # seconds after which a program that failed is run again
_MOST = 64 * 1024
_NAMES = ("token", "access_token", "accessToken", "id_token")
_ENDS = ("expirationTimestamp", "expires_on", "expiresOn", "token_expiry", "expiry", "expires_at")
# Our own secrets are none of the program's business.
_WITHHELD = ("WATCHDOG_SECRET_",)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float  # Unix seconds


class TokenCommand:
    """What is shown: the token that `command` prints. `now` is the time of day in Unix seconds."""

    def __init__(
        self, command: Sequence[str], now: Callable[[], float], environ: Mapping[str, str] | None = None
    ) -> None:
        self.what = f"the token that {command[0]} prints"
        self._command = tuple(command)
        self._now = now
        self._environ = environ
        self._token: _Token | None = None
        self._failed: tuple[float, SecretMissing] | None = None
        self._running: asyncio.Task[None] | None = None

    async def renew(self) -> None:
        """Run the program if its token is about to end. While the old one is good, nobody waits for the new one."""
        now = self._now()
        token = self._token
        if token is not None and now < token.until - EARLY:
            return
        if self._failed is not None and 0 <= now - self._failed[0] < _AGAIN:
            if token is not None and now < token.until:
                return
            raise self._failed[1]
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="token command")
        if token is None or now >= token.until:
            # Shielded: whoever gives up waiting must not take it from the others.
            await asyncio.shield(self._running)
            if self._failed is not None:
                raise self._failed[1]

    def headers(self, asked: Asked) -> Mapping[str, str]:
        if self._token is None:
            raise SecretMissing(f"{self.what} is not known yet")
        return {"Authorization": f"Bearer {self._token.text}"}

    def refused(self) -> None:
        self._token = None

    def secrets(self) -> tuple[str, ...]:
        return (self._token.text,) if self._token is not None else ()

    async def _run(self) -> None:
        try:
            self._token, self._failed = self._read(await self._printed()), None
        except SecretMissing as error:
            self._failed = (self._now(), error)
            log.info("no new token", extra={"facts": {"why": str(error)}})

    async def _printed(self) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_without_ours(os.environ if self._environ is None else self._environ),
                start_new_session=True,
            )
        except OSError as error:
            raise SecretMissing(f"{self._command[0]} cannot be run: {error.strerror or error}") from None
        try:
            async with asyncio.timeout(TIMEOUT):
                out, said = await process.communicate()
        except TimeoutError:
            _end(process)
            await process.communicate()  # its pipes are closed with it
            raise SecretMissing(f"{self._command[0]} has printed no token within {TIMEOUT:g} s") from None
        finally:
            _end(process)
        if process.returncode != 0:
            why = printable(" ".join(said.decode("utf-8", "replace").split()))[-200:]
            raise SecretMissing(f"{self._command[0]} ended with {process.returncode}{': ' if why else ''}{why}")
        return out

    def _read(self, out: bytes) -> _Token:
        now = self._now()
        if len(out) > _MOST:
            raise SecretMissing(f"{self._command[0]} printed more than {_MOST} bytes, which is no token")
        text = out.decode("utf-8", "replace").strip()
        until = now + KEPT
        if text.startswith("{"):
            text, ends = _of_json(text, self._command[0])
            until = ends if ends is not None else until
        if " " in text:
            raise SecretMissing(f"{self._command[0]} printed no token: there are blanks in it")
        try:
            header("Authorization", text)
        except SecretMissing:
            raise SecretMissing(f"{self._command[0]} printed no token: nothing, or several lines") from None
        if until <= now:
            raise SecretMissing(f"{self._command[0]} printed a token that has expired already")
        return _Token(text, until)


def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing of it is left running, whatever it has started."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith(_WITHHELD)}


def _of_json(text: str, program: str) -> tuple[str, float | None]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SecretMissing(f"{program} printed neither a token nor JSON with one") from None
    inside = document.get("status", document)
    inside = inside if isinstance(inside, dict) else document
    token = next((inside[name] for name in _NAMES if isinstance(inside.get(name), str)), None)
    if token is None:
        raise SecretMissing(f"{program} printed JSON without a token; it is looked for under {', '.join(_NAMES)}")
    ends = next((inside[name] for name in _ENDS if name in inside), None)
    return token, _moment(ends)


def _moment(value: Any) -> float | None:
    """Unix seconds, as a number or as a time with its zone; a time without one is not believed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    with suppress(ValueError):
        return float(value)
    with suppress(ValueError):
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC).timestamp() if moment.tzinfo is not None else None
    return None
