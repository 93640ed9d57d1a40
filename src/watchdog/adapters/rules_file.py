"""Watches rules.toml for edits, however they arrive: in place, by rename, or as a ConfigMap mount's symlink swap."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.ports import Clock

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The file is gone, or cannot be read as text; `reason` is for people."""

    reason: str


def read_bytes(path: Path) -> bytes:
    """The file's first `MAX_BYTES` and one more, so that a larger file is noticed; raises OSError."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


class RulesFile:
    """rules.toml on disk.

    It is read whole at each poll: it is small, and neither times nor inodes tell every edit (two within the clock's
    grain, a restored backup), while its bytes do.
    """

    def __init__(
        self, path: Path, clock: Clock, read: Callable[[Path], bytes] = read_bytes, *, every: float = 1.0
    ) -> None:
        self._path = path
        self._clock = clock
        self._read = read
        self._every = every

    def read(self) -> str | Unreadable:
        """The text as it is now."""
        try:
            content = self._read(self._path)
        except OSError as error:
            return Unreadable(f"{self._path} cannot be read: {error.strerror or error}")
        if len(content) > MAX_BYTES:
            return Unreadable(f"{self._path} is larger than {MAX_BYTES // 1024} KiB")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            return Unreadable(f"{self._path} is not UTF-8 text: byte {error.start + 1}")

    async def changes(self, known: str | None = None) -> AsyncIterator[str | Unreadable]:
        """Each new text, `known` being the one already taken up; never ends.

        A change counts when two polls in a row saw the same, so that a half-written file or the gap within a rename
        is passed over. A file that cannot be read is yielded once; when it can be read again its text is yielded,
        changed or not, so that the caller knows.
        """
        told: str | Unreadable | None = known
        before: str | Unreadable | None = None
        while True:
            now = self.read()
            if now == before and now != told:
                told = now
                yield now
            before = now
            await self._clock.sleep(self._every)


def write_rules(path: Path, text: str, *, over: bool) -> None:
    """Write a new rules.toml whole or not at all; raises OSError. Without `over` a file that is there is not touched.

    The text is on the disk before an old file gives way to it.
    """
    if not over:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        return
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
