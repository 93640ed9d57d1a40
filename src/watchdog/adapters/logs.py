"""The log: one line a fact, as JSON for machines or as text for people.

Code elsewhere calls stdlib logging alone: `log.info("breach", extra={"facts": {"watch": id, "rule": name}})`. The
message is the name of the event, the facts are its fields. Whatever stands in a value, it cannot begin a new line,
move a terminal's cursor, pass for another field, or show a secret.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, TextIO

from watchdog.adapters.jsontext import to_json
from watchdog.domain.text import printable
from watchdog.ports import Clock

__all__ = ["Bound", "ConsoleFormatter", "JsonFormatter", "LogFormat", "Redact", "fact", "printable", "set_up"]

Redact = Callable[[str], str]

# They log each request, some with its whole URL: a channel's URL is a secret.
_QUIET = ("aiohttp", "apprise", "asyncio", "charset_normalizer", "httpcore", "httpx", "kubernetes_asyncio", "requests",
          "urllib3")  # fmt: skip


class LogFormat(StrEnum):
    """How the log is written."""

    JSON = "json"
    CONSOLE = "console"


def set_up(
    level: str,
    style: LogFormat,
    clock: Clock,
    *,
    redact: Redact = str,
    stream: TextIO | None = None,
    facts: Mapping[str, Any] | None = None,
) -> logging.Handler:
    """Send everything of `level` and above to `stream` (stderr), and nothing of what was set up before.

    `facts` stand in every line.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    if facts:
        handler.addFilter(lambda record: _with(record, facts))
    handler.setFormatter(JsonFormatter(clock, redact) if style is LogFormat.JSON else ConsoleFormatter(clock, redact))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    return handler


def fact(logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
    """Log one fact: `fact(log, logging.INFO, "breach", watch=watch.id, rule="latency")`."""
    logger.log(level, event, extra={"facts": fields}, stacklevel=2)


class Bound(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds the same facts to every line: `Bound(log, {"watch": watch.id})`."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = kwargs.get("extra") or {}
        kwargs["extra"] = {**extra, "facts": {**(self.extra or {}), **extra.get("facts", {})}}
        return msg, kwargs


class _OneLine(logging.Formatter):
    def __init__(self, clock: Clock, redact: Redact) -> None:
        super().__init__()
        self._clock = clock
        self._redact = redact


class JsonFormatter(_OneLine):
    """`{"time": ..., "level": ..., "logger": ..., "event": ..., ...facts}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            # The Clock's time, not the record's own: under simulated time the log tells the same hours as the records.
            "time": self._clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        for key, value in _facts(record).items():
            # A fact called `level` must not pass for the line's own.
            line[f"{key}_" if key in line else key] = value
        return self._redact(to_json(line))


class ConsoleFormatter(_OneLine):
    """`12:03:04 WARNING breach watch=... rule=latency`."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        trace = str(facts.pop("traceback", ""))
        words = [f"{self._clock.now():%H:%M:%S}", f"{record.levelname:<7}", self._shown(record.getMessage())]
        words += [f"{self._shown(str(key))}={self._value(value)}" for key, value in facts.items()]
        # People read a traceback in lines; each is indented, so that none can pass for a line of the log.
        rows = [f"    {printable(row)}" for row in self._redact(trace).splitlines()]
        return "\n".join([" ".join(words), *rows])

    def _shown(self, text: str) -> str:
        return printable(self._redact(text))

    def _value(self, value: Any) -> str:
        if not isinstance(value, str):
            return self._shown(to_json(value))
        text = self._shown(value)
        return '"' + text.replace('"', '\\"') + '"' if not text or re.search(r'[\s"=]', text) else text


@contextmanager
def hushed() -> Iterator[None]:
    """The watchdog logs nothing meanwhile: for programs that tell what happens in another way."""
    logger = logging.getLogger("watchdog")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _with(record: logging.LogRecord, facts: Mapping[str, Any]) -> bool:
    given = getattr(record, "facts", None)
    record.facts = {**facts, **(given if isinstance(given, Mapping) else {})}
    return True


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    given = getattr(record, "facts", None)
    facts = dict(given) if isinstance(given, Mapping) else {}
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        facts.setdefault("error", f"{type(error).__name__}: {error}")
        facts["traceback"] = "".join(traceback.format_exception(error))
    return facts
