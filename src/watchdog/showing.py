"""What the status page is shown of the running watchdog, asked anew only as often as people can read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchdog.adapters.web.heard import Heard
from watchdog.adapters.web.pages import Overview, Setting
from watchdog.configured import Settings
from watchdog.health import Around, health_of
from watchdog.ports import Braking, Clock, Document, Journal, OutOfReach, of_watch

_FRESH = 1.0  # seconds for which a view is the same for everybody
_CLEAN = 60.0  # seconds after which ended records are read again: those that end here are known without
_BRAKES = 5.0  # seconds for which the pause and the acts of late are believed
_ENDED = 200
_OPENED = 16  # ended records that are kept whole, each for as long as `_CLEAN`
_LEFT_OUT = frozenset({"state", "rules", "notices", "peers", "would_send", "checks"})


@dataclass(frozen=True)
class Sources:
    """Whatever the page is made from."""

    journal: Journal
    braking: Braking
    heard: Heard
    outlines: Callable[[], Awaitable[Sequence[Document]]]  # of the open watches, as they stand
    watch: Callable[[str], Awaitable[Document | None]]  # the record of an open one
    role: Callable[[], str]  # leader, or standby of whom
    rules: Callable[[], tuple[str, str]]  # the digest of those in force, and what is wrong with the file
    troubles: Callable[[], Sequence[str]]  # with the API server
    public_urls: Callable[[], Mapping[str, str | None]] = dict  # of the sources of rules.toml


class Showing:
    """Fulfils `adapters.web.site.View`. One question at a time to the API server, however many look."""

    def __init__(self, settings: Settings, clock: Clock, sources: Sources) -> None:
        self._settings = settings
        self._clock = clock
        self._sources = sources
        self._asking = asyncio.Lock()
        self._view: tuple[float, Overview] | None = None
        self._ended: tuple[float, Sequence[Document]] | None = None
        self._around: tuple[float, Around] | None = None
        self._opened: dict[str, tuple[float, Document]] = {}
        self._just: dict[str, Document] = {}  # ended here since the records were last read

    def ended(self, record: Document) -> None:
        """A watch ended; this is its record."""
        self._just[str(record.get("watch"))] = _slim(record)
        self._opened.clear()

    async def overview(self) -> Overview:
        """The page's content, at most a second old."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._view is None or now - self._view[0] >= _FRESH:
                self._view = (now, await self._look())
            return self._view[1]

    async def setting(self) -> Setting:
        """What the page of a watch stands in."""
        view = await self.overview()
        public = self._settings.prometheus_public_url
        return Setting(view.now, view.health, public, self._settings.dry_run, self._sources.public_urls())

    async def record(self, watch_id: str) -> Mapping[str, Any] | None:
        """The record of an open watch as it stands, of an ended one as it was kept."""
        record = await self._sources.watch(watch_id)
        if record is not None:
            return record
        async with self._asking:
            now = self._clock.monotonic()
            known = self._opened.get(watch_id)
            if known is not None and now - known[0] < _CLEAN:
                return known[1]
            found = next(iter(await self._sources.journal.records(of_watch(watch_id))), None)
            if found is not None:
                while len(self._opened) >= _OPENED:
                    self._opened.pop(next(iter(self._opened)))
                self._opened[watch_id] = (now, found)
            return found

    async def _look(self) -> Overview:
        now, troubles = self._clock.now(), list(self._sources.troubles())
        watches = await self._sources.outlines()
        try:
            kept = await self._ended_records()
        except OutOfReach as error:
            kept = self._ended[1] if self._ended is not None else ()
            troubles.append(f"the records cannot be read: {error}")
        known = {str(one.get("watch")): one for one in kept} | self._just
        ended = sorted(known.values(), key=lambda one: str(one.get("ended_at")), reverse=True)[:_ENDED]
        around = await self._brakes()
        capped = _capped([*watches, *ended])
        health = health_of(self._settings, self._sources, around, troubles, capped, now)
        newest = sorted(watches, key=lambda one: str(one.get("switched_at")), reverse=True)
        return Overview(newest, ended, health, now, self._settings.dry_run)

    async def _ended_records(self) -> Sequence[Document]:
        now = self._clock.monotonic()
        if self._ended is None or now - self._ended[0] >= _CLEAN:
            kept = await self._sources.journal.records(_slim_if_ended)
            records = sorted(kept, key=lambda one: str(one.get("ended_at")), reverse=True)
            self._ended = (now, records[:_ENDED])
            for one in records:
                self._just.pop(str(one.get("watch")), None)
        return self._ended[1]

    async def _brakes(self) -> Around:
        now = self._clock.monotonic()
        if self._around is None or now - self._around[0] >= _BRAKES:
            try:
                braking = self._sources.braking
                self._around = (now, Around(await braking.pause(), tuple(await braking.acts())))
            except OutOfReach as error:
                self._around = (now, Around(None, (), str(error)))
        return self._around[1]


def _slim_if_ended(record: Document) -> Document | None:
    return None if record.get("outcome") is None else _slim(record)


def _slim(record: Document) -> Document:
    """What a line of a list needs; a record may hold 240 kB."""
    kept = {name: value for name, value in record.items() if name not in _LEFT_OUT}
    return {**kept, "capped": _capped([record])}


def _capped(records: Sequence[Document]) -> list[str]:
    """The rules of targets whose habits would ask for more evidence than is ever asked for."""
    found: set[str] = set()
    for record in records:
        found.update(map(str, record.get("capped") or ()))
        rules = record.get("rules")
        for name, rule in rules.items() if isinstance(rules, Mapping) else ():
            calibration = rule.get("calibration") if isinstance(rule, Mapping) else None
            if isinstance(calibration, Mapping) and calibration.get("capped"):
                found.add(f"{record.get('target')} {name}")
    return sorted(found)
