"""Reads back what `watchdog backtest -o json` wrote."""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from watchdog.replay.report import SCHEMA, Comparison, Report


class NotAReport(Exception):
    """The text is no backtest's JSON; the message says where it is not."""


def reread(text: str) -> Report:
    """The report; of a comparison the new rules'. Raises `NotAReport`."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise NotAReport(f"this is no JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise NotAReport("this is no JSON object; give it what `watchdog backtest -o json` printed")
    if document.get("schema", SCHEMA) != SCHEMA:
        raise NotAReport(f"its schema is {document['schema']!r}, and this watchdog reads {SCHEMA}")
    kind: type[Comparison] | type[Report] = Comparison if "differences" in document else Report
    found = _read(kind, document, "the report")
    return found.new if isinstance(found, Comparison) else typing.cast(Report, found)


def _read(kind: Any, value: Any, where: str) -> Any:
    """A value as the type that a field declares."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _read(next(each for each in inner if each is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise NotAReport(f"{where} is no list")
        return tuple(_read(inner[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    try:
        if kind is datetime:
            return datetime.fromisoformat(value)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return kind(value)
    except (TypeError, ValueError) as error:
        raise NotAReport(f"{where}: {error}") from error
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise NotAReport(f"{where} is {type(value).__name__}, not {kind.__name__}")
    return value


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise NotAReport(f"{where} is no object")
    declared = typing.get_type_hints(kind)
    missing = [field.name for field in fields(kind) if field.name not in value]
    if missing:
        raise NotAReport(f'{where} has no "{missing[0]}"')
    return kind(**{name: _read(declared[name], value[name], f"{where}.{name}") for name in declared})
