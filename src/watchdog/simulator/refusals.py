"""What the API server says when it says no: `Status` objects, worded as the real one words them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from watchdog.simulator.objects import Object


@dataclass(frozen=True)
class Cause:
    """One field that is wrong, and how."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    @classmethod
    def invalid(cls, field: str, value: str, problem: str) -> "Cause":
        """A value that is wrong."""
        return cls(field, f"Invalid value: {value}: {problem}")

    @classmethod
    def required(cls, field: str, problem: str = "") -> "Cause":
        """A field that is missing."""
        return cls(field, f"Required value: {problem}" if problem else "Required value", "FieldValueRequired")

    @classmethod
    def forbidden(cls, field: str, problem: str) -> "Cause":
        """A field that may not be set, or not now."""
        return cls(field, f"Forbidden: {problem}", "FieldValueForbidden")

    @classmethod
    def too_long(cls, field: str, most: int) -> "Cause":
        """A text, or all texts together, above the bound."""
        return cls(field, f"Too long: may not be more than {most} bytes", "FieldValueTooLong")


class Refusal(Exception):
    """A request that is answered with a `Status` object of failure."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Object | None = None,
        metadata: Object | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}
        self.headers = headers or {}

    def status(self) -> Object:
        """The `Status` object as it goes over the wire."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def details_of(group: str, kind: str, name: str = "") -> Object:
    """`details`: group and name are left out where they are empty."""
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def qualified(plural: str, group: str) -> str:
    """`deployments.apps`, or `services` of the core group."""
    return f"{plural}.{group}" if group else plural


def not_found(plural: str, group: str, name: str) -> Refusal:
    """404: there is no such object."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return Refusal(404, "NotFound", message, details_of(group, plural, name))


def already_exists(plural: str, group: str, name: str) -> Refusal:
    """409: an object of that name is there."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return Refusal(409, "AlreadyExists", message, details_of(group, plural, name))


def conflict(plural: str, group: str, name: str, why: str = "") -> Refusal:
    """A write that was planned on an older state of the object."""
    reason = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {reason}'
    return Refusal(409, "Conflict", message, details_of(group, plural, name))


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> Refusal:
    """An object that could be read but says something that may not be."""
    said = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = said[0] if len(said) == 1 else "[" + ", ".join(said) + "]"
    details = details_of(group, kind, name)
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return Refusal(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {listed}', details)


def rejected_patch() -> Refusal:
    """A JSON patch that does not apply, a failed `test` among them: the server does not say why."""
    message = "the server rejected our request due to an error in our request"
    return Refusal(422, "Invalid", message, {})


def bad_request(message: str) -> Refusal:
    """400: it cannot be understood."""
    return Refusal(400, "BadRequest", message)


def unsupported_media_type() -> Refusal:
    """415: a patch of no known kind."""
    return Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def method_not_allowed() -> Refusal:
    """405: the resource does not do that."""
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message, {})


def unauthorized() -> Refusal:
    """401: no token, or one that nobody has."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def expired(message: str, continue_token: str = "") -> Refusal:
    """410: the version to go on from is forgotten."""
    metadata = {"continue": continue_token} if continue_token else None
    return Refusal(410, "Expired", message, metadata=metadata)


def no_number(version: str) -> Refusal:
    """A resourceVersion that is no number is, to the real server, an internal error without a reason."""
    parse = f'strconv.ParseUint: parsing "{version}": invalid syntax'
    return Refusal(500, "", f'resourceVersion: Invalid value: "{version}": {parse}')


def from_the_future(asked: int, current: int) -> Refusal:
    """504: a resourceVersion that was not given out yet."""
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Refusal(504, "Timeout", message, details, headers={"Retry-After": "1"})
