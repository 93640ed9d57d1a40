"""What each request shows to a Prometheus: headers, and one proof of who asks. Read anew, so that it may be rotated."""

import base64
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from watchdog.adapters.mounted import MountedSecret
from watchdog.adapters.secrets import SecretMissing

_PLACEHOLDER = re.compile(r"\{\{ *secret\.([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MAX_HEADER = 8192


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it goes out; what is signed is all of it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Shown(Protocol):
    """One part of what is shown."""

    @property
    def what(self) -> str:
        """The proof as errors call it, without what is in it; "" for none."""
        ...

    async def renew(self) -> None:
        """Fetch what has to be fetched, if it is due; raises `SecretMissing`."""
        ...

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """The headers of this request; raises `SecretMissing`."""
        ...

    def refused(self) -> None:
        """It was not accepted: what was kept of it is fetched anew with the next request."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, in each form in which it was sent."""
        ...


class Mounted:
    """A bearer token of a file, or a user with a password of one; nothing where there is no file."""

    def __init__(self, token_file: Path | None, username: str | None, password_file: Path | None) -> None:
        self._username = username
        self._secret: MountedSecret | None = None
        if token_file is not None:
            self._username, self._secret = None, MountedSecret(token_file, "the bearer token")
        elif username is not None and password_file is not None:
            self._secret = MountedSecret(password_file, f"the password of {username}", "utf-8")

    @property
    def what(self) -> str:
        return self._secret.what if self._secret is not None else ""

    async def renew(self) -> None:
        """Read where it is shown."""

    def headers(self, asked: Asked) -> Mapping[str, str]:
        if self._secret is None:
            return {}
        secret = self._secret.read()
        if self._username is None:
            return {"Authorization": f"Bearer {secret}"}
        return {"Authorization": f"Basic {_encoded(self._username, secret)}"}

    def refused(self) -> None:
        """The file is read again once it has changed."""

    def secrets(self) -> tuple[str, ...]:
        if self._secret is None or not self._secret.last:
            return ()
        last = self._secret.last
        return (last,) if self._username is None else (last, _encoded(self._username, last))


class Resolved:
    """Headers of which the texts may hold `{{ secret.NAME }}`; `secret` finds one, or raises `SecretMissing`."""

    def __init__(self, texts: Mapping[str, str], secret: Callable[[str], str], what: str = "") -> None:
        self.what = what
        self._texts = texts
        self._secret = secret
        self._seen: dict[str, str] = {}

    async def renew(self) -> None:
        """Read where it is shown."""

    def headers(self, asked: Asked) -> Mapping[str, str]:
        return {name: header(name, _PLACEHOLDER.sub(self._found, text)) for name, text in self._texts.items()}

    def refused(self) -> None:
        """Secrets are read for each request."""

    def secrets(self) -> tuple[str, ...]:
        return tuple(self._seen.values())

    def _found(self, match: re.Match[str]) -> str:
        value = self._seen[match[1]] = self._secret(match[1])
        return value


class Basic(Resolved):
    """A user of rules.toml with a password that is a secret."""

    def __init__(self, username: str, password: str, secret: Callable[[str], str]) -> None:
        super().__init__({"Authorization": password}, secret, f"the password of {username}")
        self._username = username

    def headers(self, asked: Asked) -> Mapping[str, str]:
        password = _PLACEHOLDER.sub(self._found, self._texts["Authorization"])
        return {"Authorization": f"Basic {_encoded(self._username, password)}"}

    def secrets(self) -> tuple[str, ...]:
        return tuple(form for value in self._seen.values() for form in (value, _encoded(self._username, value)))


class HeaderFiles:
    """Headers from a mounted directory: a file's name is the header's, its one line the value."""

    what = ""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: Mapping[str, str] = {}

    async def renew(self) -> None:
        """Read where it is shown."""

    def headers(self, asked: Asked) -> Mapping[str, str]:
        try:
            # Names with a dot in front are the kubelet's own: it exchanges all files at once behind them.
            files = sorted(one for one in self._directory.iterdir() if not one.name.startswith(".") and one.is_file())
            found = {one.name: one.read_text(encoding="ascii").strip() for one in files}
        except OSError as error:
            raise SecretMissing(f"the headers in {self._directory} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SecretMissing(f"a header in {self._directory} is no ASCII text") from None
        for name in found:
            if not _HEADER_NAME.fullmatch(name):
                raise SecretMissing(f"{name[:60]!r} in {self._directory} is no name of a header")
        self._seen = {name: header(name, value) for name, value in found.items()}
        return self._seen

    def refused(self) -> None:
        """The files are read for each request."""

    def secrets(self) -> tuple[str, ...]:
        return tuple(self._seen.values())


class Together:
    """Several parts as one; the first that proves who asks names the proof."""

    def __init__(self, parts: Sequence[Shown]) -> None:
        self._parts = tuple(parts)

    @property
    def what(self) -> str:
        return next((part.what for part in self._parts if part.what), "")

    async def renew(self) -> None:
        for part in self._parts:
            await part.renew()

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """The later parts see what the earlier ones show: a signature is over all of it."""
        shown: dict[str, str] = {}
        for part in self._parts:
            shown |= part.headers(Asked(asked.method, asked.url, {**asked.headers, **shown}, asked.body))
        return shown

    def refused(self) -> None:
        for part in self._parts:
            part.refused()

    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for part in self._parts for secret in part.secrets())


class Showing(httpx.Auth):
    """httpx's hook: shows it with each request."""

    requires_request_body = True

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Renew, sign, send. Raises `SecretMissing`."""
        await self._shown.renew()
        body = await request.aread()
        asked = Asked(request.method, str(request.url), dict(request.headers), body)
        request.headers.update(self._shown.headers(asked))
        yield request


def _encoded(username: str, password: str) -> str:
    """As basic authentication has it."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def header(name: str, value: str) -> str:
    """The value, if it may stand in a header; raises `SecretMissing` without repeating it."""
    if not value or not value.isascii() or not value.isprintable() or len(value) > _MAX_HEADER:
        raise SecretMissing(f"the header {name} is unusable: it is empty, no ASCII, or has several lines")
    return value
