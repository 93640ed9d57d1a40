"""The JSON Schema of rules.toml, for editors."""

from watchdog.rulebook.keys import FILE
from watchdog.rulebook.shapes import Schema


def schema() -> Schema:
    """The file's JSON Schema (draft 2020-12), out of the table of keys."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://rollback-watchdog.dev/rules.schema.json",
        "title": "rules.toml of rollback-watchdog",
        "description": "Which deployments are guarded, what a bad release is, and who is told.",
    } | FILE.schema()
