"""The expressions of GitHub Actions, as much of them as our workflows use."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Contexts = Mapping[str, Any]

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||[!=]=|[!()]|[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*|,)")
_WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def filled(text: str, contexts: Contexts, functions: Mapping[str, Callable[..., Any]] | None = None) -> str:
    """A text with its `${{ }}` filled in."""
    return _WHOLE.sub(lambda match: _shown(evaluated(match[1], contexts, functions)), text)


def condition(text: str | None, contexts: Contexts, functions: Mapping[str, Callable[..., Any]]) -> bool:
    """An `if:`; one that asks for no status means `success() && ...`."""
    if text is None:
        return bool(functions["success"]())
    inner = match[1] if (match := _WHOLE.fullmatch(text.strip())) else text
    asks = re.search(r"\b(success|failure|always|cancelled)\(\)", inner)
    return bool(evaluated(inner, contexts, functions)) and (bool(asks) or bool(functions["success"]()))


def evaluated(text: str, contexts: Contexts, functions: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The value of one expression; what cannot be read fails the test."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        assert match, f"{text!r} at {at}"
        tokens.append(match[1])
        at = match.end()
    reader = _Reader(tokens, contexts, {"fromJSON": json.loads, **(functions or {})})
    value = reader.either()
    assert not reader.tokens, f"{text!r}: {reader.tokens} is left"
    return value


def names(text: str) -> list[str]:
    """The contexts that a text's expressions ask for, whole: `github.event.before`."""
    found = []
    for match in _WHOLE.finditer(text):
        bare = re.sub(r"'(?:[^']|'')*'", "", match[1])
        found += list(re.findall(r"[A-Za-z_][\w-]*(?:\.[\w-]+)+", bare))
    return found


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


class _Reader:
    def __init__(self, tokens: list[str], contexts: Contexts, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.tokens, self._contexts, self._functions = tokens, contexts, functions

    def _next(self, *wanted: str) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            self.tokens.pop(0)
            return True
        return False

    def either(self) -> Any:
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._one()
        if self._next("=="):
            return value == self._one()
        if self._next("!="):
            return value != self._one()
        return value

    def _one(self) -> Any:
        if self._next("!"):
            return not self._one()
        if self._next("("):
            value = self.either()
            assert self._next(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._next("("):
            arguments = []
            while not self._next(")"):
                arguments.append(self.either())
                self._next(",")
            return self._functions[token](*arguments)
        value = self._contexts
        for part in token.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value
