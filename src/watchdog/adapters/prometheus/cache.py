"""Answers about the past, kept on disk: what Prometheus said of a stretch that has settled does not change any more."""

import json
import logging
import math
import sqlite3
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from watchdog.domain.measurement import Answer, Series

log = logging.getLogger(__name__)

KEPT = 30 * 86400.0
"""Seconds after which an answer that nobody wanted is dropped."""

_TOGETHER = 200  # answers written in one transaction


@dataclass(frozen=True, slots=True)
class Key:
    """One question: a query, at `end` alone (`step` is None) or from `start` to `end`, in Unix seconds."""

    kind: str
    query: str
    start: float | None
    end: float | None
    step: float | None


class AnswerCache:
    """Answers of one Prometheus by question. `now` (Unix seconds) only tells what is old.

    A cache that cannot be used (a full or read-only disk, a broken file) is none: that costs time, never a result.
    """

    def __init__(self, directory: Path, url: str, now: float) -> None:
        self._url = url
        self._now = now
        self._pending = 0
        self._database: sqlite3.Connection | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._database = self._opened(directory / "answers.sqlite3")
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, key: Key) -> Answer | None:
        """What was answered to this very question; None where nothing is known."""
        if self._database is None:
            return None
        try:
            row = self._database.execute("SELECT answer FROM answers WHERE key = ?", (self._name(key),)).fetchone()
            return None if row is None else _unpacked(row[0], key.query)
        except (sqlite3.Error, zlib.error, ValueError, TypeError) as error:
            self._give_up(error)
            return None

    def put(self, key: Key, answer: Answer) -> None:
        """Keep an answer."""
        if self._database is None:
            return
        try:
            row = (self._name(key), self._now, _packed(answer))
            self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)
            self._pending += 1
            if self._pending >= _TOGETHER:
                self._database.commit()
                self._pending = 0
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what is not written yet."""
        database, self._database = self._database, None
        if database is not None:
            try:
                database.commit()
                database.close()
            except sqlite3.Error as error:
                self._give_up(error)

    def _opened(self, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=2.0)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        database.execute(
            "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, at REAL, answer BLOB) WITHOUT ROWID"
        )
        database.execute("DELETE FROM answers WHERE at < ?", (self._now - KEPT,))
        database.commit()
        return database

    def _name(self, key: Key) -> bytes:
        question = [self._url, key.kind, key.query, key.start, key.end, key.step]
        return sha256(json.dumps(question).encode()).digest()

    def _give_up(self, error: Exception) -> None:
        self._database = None
        log.warning("no cache", extra={"facts": {"why": str(error)}})


def _packed(answer: Answer) -> bytes:
    parts = []
    for series in answer.series:
        # Times as steps in milliseconds: they are what makes an answer large, and they repeat themselves.
        times = [round(at * 1000) for at, _ in series.samples]
        steps = [later - earlier for earlier, later in zip([0, *times], times, strict=False)]
        values = [value if math.isfinite(value) else str(value) for _, value in series.samples]
        parts.append([dict(series.labels), steps, values])
    return zlib.compress(json.dumps(parts, separators=(",", ":")).encode(), 1)


def _unpacked(raw: bytes, query: str) -> Answer:
    found = []
    for labels, steps, values in json.loads(zlib.decompress(raw)):
        at, samples = 0, []
        for step, value in zip(steps, values, strict=True):
            at += step
            samples.append((at / 1000, float(value)))
        found.append(Series(labels, tuple(samples)))
    return Answer(query, tuple(found))
