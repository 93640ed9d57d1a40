"""How the API server, or the way to it, says no."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from watchdog.adapters.kubernetes.misshapen import misshapen
from watchdog.ports import OutOfReach, TooLarge


class ApiError(Exception):
    """The API server refused a request: the request is at fault, or the rights are; asking again changes nothing."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}" if message else f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class Unavailable(ApiError, OutOfReach):
    """The API server answered, but cannot serve now (5xx, 429, 401 while a token is renewed): try again later."""


class NoAnswer(OutOfReach):
    """Nothing, or nothing readable, came back: a reset, a timeout, a page of HTML."""


class Fenced(OutOfReach):
    """Not sent: this process may write nothing at present."""


def error_of(status: int, reason: str, message: str, retry_after: float | None = None) -> ApiError:
    """The exception for an answer that is no success."""
    again = status >= 500 or status in (401, 429)
    return (Unavailable if again else ApiError)(status, reason, message, retry_after)


UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What reading an object raises that has not the shape of its kind: not each definition lets none in."""


class Illegible(ValueError):
    """What an object rests on has not the shape of its kind; says what, and what is wrong with it."""


@contextmanager
def readable(what: object, known: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """Turn an object of another shape than its kind has into `OutOfReach`: somebody may mend it.

    `known`: the object itself, where it is at hand.
    """
    try:
        yield
    except UNREADABLE as error:
        raise OutOfReach(f"{what} cannot be read: {strange(error, known())}") from error


def strange(error: Exception, one: Any = None) -> str:
    """What is wrong with the shape of an object, by what reading it raised, and `one` itself where that is at hand."""
    if isinstance(error, Illegible):
        return str(error)
    where = misshapen(one) if one is not None else ""
    return f"not the shape of its kind ({where or _unplaced(error)})"


@contextmanager
def explained(one: Any) -> Iterator[None]:
    """Turn what reading this object raises into `Illegible`, which says where in it the trouble lies."""
    try:
        yield
    except UNREADABLE as error:
        raise Illegible(strange(error, one)) from error


def _unplaced(error: Exception) -> str:
    match error:
        case KeyError(args=(str(name), *_)):
            return f"it has no {name}"
        case RecursionError():
            return "it is nested too deeply"
        case ValueError() | ArithmeticError():
            return "a value in it is none that is allowed there"
    return "a part of it is of another type"


@contextmanager
def unanswered(what: str) -> Iterator[None]:
    """Turn a refusal into `OutOfReach`, for ports that know no other answer; `what` was being done."""
    try:
        yield
    except (OutOfReach, ApiError) as error:
        if isinstance(error, ApiError) and _too_large(error):
            raise TooLarge(f"{what}: {error}", final=True) from error
        final = error.final if isinstance(error, OutOfReach) else True
        raise OutOfReach(f"{what}: {error}", final=final) from error


def _too_large(error: ApiError) -> bool:
    """Whether an object was refused for its size: by the API server, by its validation, or by etcd behind it."""
    said = ("too long", "request is too large", "larger than max")
    return error.status == 413 or (error.status in (422, 500) and any(one in error.message.lower() for one in said))
