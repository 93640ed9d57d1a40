"""Own secrets: read from mounted files or the environment, and kept out of everything that is shown."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

VARIABLE_PREFIX = "WATCHDOG_SECRET_"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_MAX_BYTES = 64 * 1024
_HIDDEN = "[secret]"
_SHORTEST = 6  # a shorter text would be found, and hidden, inside ordinary words


class SecretMissing(LookupError):
    """A secret is not there, or cannot be read. Says where it was looked for, never what was found."""


class Redactor:
    """Replaces every secret it has learnt by `[secret]`, also the telling parts of a secret URL.

    A channel's URL is taken apart by the library that sends to it, so its tokens may turn up alone.
    """

    def __init__(self, *secrets: str) -> None:
        self._needles: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on hide `secret`. One of fewer than six characters cannot be hidden."""
        known = self._needles | _needles(secret)
        if known != self._needles:
            self._needles = known
            # The longest first, so that a whole URL becomes one mark.
            longest_first = sorted(known, key=lambda needle: (-len(needle), needle))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(_HIDDEN, text) if self._pattern else text

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._needles)} texts>"


class SecretReader:
    """Finds the secret NAME: the file NAME in `directory`, else the variable `WATCHDOG_SECRET_NAME`.

    Read anew at each call, so that a rotated secret is taken up. What was read is hidden by `redact` from then on.
    """

    def __init__(self, directory: Path | None, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = environ
        self.redact = Redactor()

    def __call__(self, name: str) -> str:
        """The secret, without surrounding white space; raises `SecretMissing`."""
        if not _NAME.fullmatch(name) or ".." in name:
            raise SecretMissing(f"{name[:60]!r} is no name of a secret; use letters, digits, '_', '-' and '.'")
        value = self._from_file(name)
        if value is None:
            value = self._environ.get(VARIABLE_PREFIX + name)
        if value is None:
            raise SecretMissing(f"the secret {name} is missing: there is no {self._places(name)}")
        value = value.strip()
        if not value:
            raise SecretMissing(f"the secret {name} is empty; looked for {self._places(name)}")
        self.redact.learn(value)
        return value

    def learn_files(self, *paths: Path | None) -> None:
        """Hide what these files hold as well; of one that cannot be read, whoever reads it tells."""
        for path in paths:
            with suppress(OSError, UnicodeDecodeError):
                if path is not None:
                    self.redact.learn(path.read_text(encoding="utf-8").strip())

    def _places(self, name: str) -> str:
        variable = f"variable {VARIABLE_PREFIX}{name}"
        return variable if self._directory is None else f"file {self._directory / name}, no {variable}"

    def _from_file(self, name: str) -> str | None:
        if self._directory is None:
            return None
        path = self._directory / name
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretMissing(f"the secret {name} cannot be read from {path}: {error.strerror}") from None
        if len(content) > _MAX_BYTES:
            raise SecretMissing(f"the secret {name} in {path} is larger than {_MAX_BYTES} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise SecretMissing(f"the secret {name} in {path} is not UTF-8 text") from None

    def __repr__(self) -> str:
        return f"<SecretReader of {self._directory}>"


def _needles(secret: str) -> frozenset[str]:
    found = {secret, unquote(secret), *_parts(secret)}
    # As it would look inside a JSON string, where quotes and non-ASCII characters are escaped.
    found |= {json.dumps(text)[1:-1] for text in found}
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def _parts(secret: str) -> set[str]:
    """The tokens in a secret URL: its password, and whatever in it looks random; not its host."""
    try:
        url = urlsplit(secret)
        host, password = url.hostname or "", url.password or ""
    except ValueError:
        host, password = "", ""
    parts = {unquote(password)}
    for part in re.split(r"[/:@?&=#,;\s]+", secret):
        plain = unquote(part)
        if "." in host and plain.lower() == host:
            continue
        if len(plain) >= 20 or (len(plain) >= 8 and re.search(r"\d", plain) and re.search(r"[A-Za-z]", plain)):
            parts |= {part, plain}
    return parts
