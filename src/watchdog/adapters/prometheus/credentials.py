"""What we show to Prometheus, and whom we trust: all from files, which are read again when they change."""

import base64
import logging
import ssl
from pathlib import Path

import httpx

from watchdog.adapters.mounted import MountedSecret, state_of

log = logging.getLogger(__name__)


class Authorization:
    """The header of that name: a bearer token, or a user with a password; neither where there is no file."""

    def __init__(self, token_file: Path | None, username: str | None, password_file: Path | None) -> None:
        self._username = username
        self._secret: MountedSecret | None = None
        if token_file is not None:
            self._username, self._secret = None, MountedSecret(token_file, "the bearer token")
        elif username is not None and password_file is not None:
            self._secret = MountedSecret(password_file, f"the password of {username}", "utf-8")

    @property
    def what(self) -> str:
        """As errors call it, without what is in it; "" for none."""
        return self._secret.what if self._secret is not None else ""

    def headers(self) -> dict[str, str]:
        """The header as it is now; raises `SecretMissing`."""
        if self._secret is None:
            return {}
        secret = self._secret.read()
        if self._username is None:
            return {"Authorization": f"Bearer {secret}"}
        return {"Authorization": f"Basic {self._basic(secret)}"}

    def _basic(self, password: str) -> str:
        return base64.b64encode(f"{self._username}:{password}".encode()).decode()

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, in each form in which it was sent."""
        if self._secret is None or not self._secret.last:
            return ()
        last = self._secret.last
        return (last,) if self._username is None else (last, self._basic(last))


class Certificates:
    """A TLS context with our own certificate, if we have one, and the CAs we trust instead of the public ones.

    Raises OSError where a file is missing or holds none.
    """

    def __init__(self, ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> None:
        self._ca_file = ca_file
        self._cert_file = cert_file
        self._key_file = key_file
        self._files = tuple(path for path in (ca_file, cert_file, key_file) if path is not None)
        if ca_file is None:
            self.context = httpx.create_ssl_context(trust_env=False)
        else:
            self.context = ssl.create_default_context(cafile=str(ca_file))
        self._seen = tuple(map(state_of, self._files))
        self._load()

    def refresh(self) -> None:
        """Take up files that changed; what cannot be read, as in the middle of a replacement, is tried again.

        A CA that was taken out of the file is trusted until the process ends.
        """
        if not self._files:
            return
        try:
            seen = tuple(map(state_of, self._files))
            if seen == self._seen:
                return
            if self._ca_file is not None:
                self.context.load_verify_locations(cafile=str(self._ca_file))
            self._load()
        except OSError as error:
            log.warning("certificates were not taken up", extra={"facts": {"why": error.strerror or str(error)}})
        else:
            self._seen = seen

    def _load(self) -> None:
        if self._cert_file is None:
            return
        # First into a context that nobody uses: where the two do not belong together, half of them would stay in it.
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self.context):
            # A key that asks for a passphrase would ask on the terminal.
            context.load_cert_chain(self._cert_file, self._key_file, password=lambda: "")
