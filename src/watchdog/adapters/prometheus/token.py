"""The bearer token for Prometheus, in a mounted file."""

import os
from pathlib import Path

from watchdog.domain.measurement import FailureReason, QueryFailed


class TokenFile:
    """A mounted token, which the kubelet replaces long before it expires."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last = ""
        self._seen: tuple[int, int] | None = None

    def read(self) -> str | QueryFailed:
        """The token, read again only where the file has changed."""
        try:
            state = os.stat(self.path)
            if (state.st_mtime_ns, state.st_ino) != self._seen:
                self.last = self.path.read_text(encoding="ascii").strip()
                self._seen = (state.st_mtime_ns, state.st_ino)
        except OSError as error:
            return self._failed(f"cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            return self._failed("is no token: it holds more than ASCII letters")
        if not self.last.isprintable() or not self.last:
            self._seen = None
            return self._failed("is no token: it is empty or has several lines")
        return self.last

    def _failed(self, what: str) -> QueryFailed:
        return QueryFailed(FailureReason.UNREACHABLE, f"the bearer token in {self.path} {what}")
