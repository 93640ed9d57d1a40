"""`status --watch` in a pipe or a file: a line for each change."""

import json
from datetime import datetime
from typing import Self

import click

from watchdog.adapters.logs import printable
from watchdog.domain.account import full_state, headline_of
from watchdog.domain.part import part_told
from watchdog.domain.reading import Record, is_open, rules_of
from watchdog.engine.looking_on import Sight


class Lines:
    """What is open at first, then what changes; with `as_json` each record that changed as one object."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._told: dict[str, tuple[str, ...]] = {}
        self._trouble = ""
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def show(self, sight: Sight) -> None:
        """Say what is new."""
        if sight.trouble and not self._trouble:
            click.echo(printable(f"no answer since {sight.at:%H:%M:%S} UTC, trying again: {sight.trouble}"), err=True)
        elif self._trouble and not sight.trouble:
            click.echo(f"there is an answer again, at {sight.at:%H:%M:%S} UTC", err=True)
        self._trouble = sight.trouble
        if not (self._begun or sight.open or self._as_json):
            click.echo("no watch is open")
        for record in (*sight.ended[::-1], *sight.open[::-1]):
            self._look(record, sight.at)
        self._begun = True

    def _look(self, record: Record, at: datetime) -> None:
        watch = str(record.get("watch"))
        findings = ", ".join(f"{rule.name} {rule.finding}" for rule in rules_of(record)) if is_open(record) else ""
        part = part_told(record) if is_open(record) else ""
        said = (full_state(record), part, headline_of(record), findings)
        before, self._told[watch] = self._told.get(watch), said
        if before == said or not (self._begun or is_open(record)):
            return
        if self._as_json:
            click.echo(json.dumps({name: value for name, value in record.items() if name != "state"}))
            return
        click.echo(printable(f"{at:%H:%M:%S} {record.get('target')}: {'; '.join(part for part in said if part)}"))
