"""Our certificate, and whom we trust: all from files, which are read again when they change."""

import logging
import ssl
from pathlib import Path

import httpx

from watchdog.adapters.mounted import state_of

log = logging.getLogger(__name__)


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
