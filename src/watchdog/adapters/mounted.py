"""Files that are mounted and may be replaced at any time: secrets, certificates."""

import os
from pathlib import Path

from watchdog.adapters.secrets import SecretMissing

State = tuple[int, int]


class MountedSecret:
    """A token or password that is the one line of a file; `what` names it in errors, as "the bearer token"."""

    def __init__(self, path: Path, what: str, encoding: str = "ascii") -> None:
        self.path = path
        self.what = f"{what} in {path}"
        self.last = ""
        self._encoding = encoding
        self._seen: State | None = None

    def read(self) -> str:
        """The secret, read again only where the file has changed; raises `SecretMissing`."""
        try:
            seen = state_of(self.path)
            if seen != self._seen:
                self.last = self.path.read_text(encoding=self._encoding).strip()
                self._seen = seen
        except OSError as error:
            raise SecretMissing(f"{self.what} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SecretMissing(f"{self.what} is unusable: it is not {self._encoding.upper()} text") from None
        if not self.last.isprintable() or not self.last:
            self._seen = None
            raise SecretMissing(f"{self.what} is unusable: it is empty or has several lines")
        return self.last


def state_of(path: Path) -> State:
    """What changes when the file is replaced; raises OSError."""
    state = os.stat(path)
    return state.st_mtime_ns, state.st_ino
