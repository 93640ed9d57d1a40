"""Why Apprise could not deliver, read from what its plugins log: it returns only that it failed."""

import re
from collections.abc import Callable, Sequence

from watchdog.adapters.notifiers.posting import word_of
from watchdog.ports import NotDelivered

_STATUS = re.compile(r"\berror=(\d{3})\b")
_BROKE = re.compile(r"(?:Socket|I/O) Exception: (.*)", re.DOTALL)
_BODY = re.compile(r"Response Details:\s*b?(['\"])(.*)\1", re.DOTALL)

# What requests says, and what it means to people. All of them lie before the message was sent.
_NEVER_SENT = (
    ("Connection refused", "connection refused"),
    ("Name or service not known", "its name cannot be resolved"),
    ("NameResolutionError", "its name cannot be resolved"),
    ("ConnectTimeoutError", "no connection in time"),
    ("SSLError", "the TLS handshake failed"),
    ("No route to host", "no route to it"),
    ("Network is unreachable", "no route to it"),
    ("Max retries exceeded", "could not connect"),
)


def failure(messages: Sequence[str], redact: Callable[[str], str]) -> NotDelivered:
    """What the plugin's log lines say of a failed send. `unsure` unless they show that it was not delivered."""
    said = "\n".join(messages)
    if status := _STATUS.search(said):
        code = int(status[1])
        # A 2xx that is not what the service says when it took a message: a proxy's page, or a changed service.
        return NotDelivered(redact(f"answered {code}{_answer(said)}"), unsure=code < 300)
    broke = _BROKE.search(said)
    if broke is None:
        return NotDelivered("could not be told", unsure=True)
    for sign, meaning in _NEVER_SENT:
        if sign in broke[1]:
            return NotDelivered(meaning)
    if "timed out" in broke[1]:
        return NotDelivered("no answer in time", unsure=True)
    return NotDelivered("the connection broke", unsure=True)


def _answer(said: str) -> str:
    body = _BODY.search(said)
    return "" if body is None else word_of(body[2])
