"""What happened, seen from outside: from the API server's own history and the channels' own record of what they got.

Nothing here asks the watchdog. Who made a change is told by the mark of its act (the annotation `last-watch`, which no
person writes), what a watch says of itself by the versions of its record that the API server was given.
"""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from town import NAMESPACE, OWN
from watchdog.adapters.kubernetes.braking import PAUSE
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.store import Change

LAST_WATCH = "rollback-watchdog.dev/last-watch"
_IMAGE = re.compile(r"\(([^)]*)\)$")


@dataclass(frozen=True)
class Badness:
    """What is wrong with an image, and from how many seconds after its switch on it can be seen."""

    kind: str
    after: float


@dataclass
class Switch:
    """One switch that people made: an image that serves `target` from `at` on, until somebody switches again."""

    number: int
    target: str  # as the record writes it: production/deployment/research
    image: str
    at: datetime
    bad: Badness | None
    again: bool = False  # the image had served before: a return, or a known bad one
    until: datetime | None = None

    def __str__(self) -> str:
        what = f"bad ({self.bad.kind})" if self.bad else "good"
        return f"switch {self.number} of {self.target} to {self.image}, {what}, at {self.at:%H:%M:%S}"


@dataclass(frozen=True)
class Act:
    """One change of a workload that the watchdog made."""

    at: datetime
    target: str
    watch: str
    before: str  # the image that served until then
    after: str
    switch: Switch | None  # the newest switch of the target at that moment
    intent: str  # the phase of the watch's record at that very moment; "" without a record


@dataclass(frozen=True)
class Version:
    """One version of a record, as the API server was given it."""

    at: datetime
    phase: str
    outcome: str | None
    acted_at: str | None
    notices: tuple[tuple[str, str, bool], ...]  # id, channel, settled
    gave_up: tuple[str, ...]


@dataclass
class Record:
    """What the API server knows of one watch; stays known after the record was pruned."""

    watch: str
    target: str
    image: str
    opened: datetime
    first_seen: datetime
    versions: list[Version] = field(default_factory=list)

    @property
    def last(self) -> Version:
        return self.versions[-1]

    def at(self, moment: datetime) -> Version | None:
        """The version that was stored then."""
        index = bisect_right(self.versions, moment, key=lambda version: version.at)
        return self.versions[index - 1] if index else None


@dataclass(frozen=True)
class Told:
    """One notice that arrived at a channel."""

    at: datetime
    channel: str
    watch: str
    topic: str
    notice: str  # its id; "" where the channel's protocol does not carry it
    repeat: bool | None  # whether it said that it may be a repeat; None where the protocol does not carry it


@dataclass(frozen=True)
class Window:
    """A stretch in which nobody could have judged or acted, and why."""

    start: datetime
    end: datetime
    why: str


class History:
    """Listens to the API server's store from the beginning."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.switches: list[Switch] = []
        self.acts: list[Act] = []
        self.records: dict[str, Record] = {}
        self.told: list[Told] = []
        self.windows: list[Window] = []
        self.pauses: list[Window] = []
        self.crashes: list[str] = []
        self.images: dict[str, Badness | None] = {}
        self.most_records = 0
        self.kept_records = 0
        self._newest: dict[str, Switch] = {}
        self._seen: set[tuple[str, str]] = set()
        self._paused_since: datetime | None = None
        self._cluster = cluster
        self._stop = cluster.on_change(self._changed)

    def close(self) -> None:
        """Listen no more; a pause that is still in force ends here."""
        self._stop()

    def now(self) -> datetime:
        """The world's own time, whatever the watchdog's clock says."""
        return self._cluster.now()

    def newest(self, target: str) -> Switch | None:
        """The target's newest switch that people made."""
        return self._newest.get(target)

    def switches_of(self) -> Mapping[str, list[Switch]]:
        """The switches by target, oldest first."""
        found: dict[str, list[Switch]] = defaultdict(list)
        for switch in self.switches:
            found[switch.target].append(switch)
        return found

    def heard(self, channel: str, watch: str, topic: str, notice: str = "", *, repeat: bool | None = None) -> None:
        """A channel got a notice."""
        self.told.append(Told(self.now(), channel, watch, topic, notice, repeat))

    # -- what the store tells ------------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        kind, metadata = change.resource.plural, change.object["metadata"]
        if kind == "configmaps" and metadata["namespace"] == OWN:
            self._kept(change)
        if change.previous is None or change.type == "DELETED" or metadata.get("namespace") != NAMESPACE:
            return
        if kind == "deployments":
            before, after = _image(change.previous), _image(change.object)
            labels = change.object["spec"]["template"]["metadata"]["labels"]
            if "colour" not in labels:
                self._served(f"{NAMESPACE}/deployment/{metadata['name']}", before, after, change)
            elif _mark(change.object) != _mark(change.previous):
                # A colour's rollout is no switch, but an act on it is one on what its Service serves.
                self._served(f"{NAMESPACE}/service/{labels['app']}", before, after, change)
        elif kind == "services":
            before, after = self._selected(change.previous), self._selected(change.object)
            self._served(f"{NAMESPACE}/service/{metadata['name']}", before, after, change)

    def _selected(self, service: Mapping[str, Any]) -> str:
        """The image of the colour that the Service selects; "" for a Service without colours."""
        colour = service["spec"]["selector"].get("colour")
        if colour is None:
            return ""
        name = service["spec"]["selector"]["app"]
        return _image(self._cluster.get("deployments", NAMESPACE, f"{name}-{colour}"))

    def _served(self, target: str, before: str, after: str, change: Change) -> None:
        assert change.previous is not None
        mark, old = _mark(change.object), _mark(change.previous)
        if mark and mark != old:
            record = self.records.get(mark)
            intent = record.last.phase if record else ""
            self.acts.append(Act(self.now(), target, mark, before, after, self._newest.get(target), intent))
        elif before != after:
            self._switched(target, after)

    def _switched(self, target: str, image: str) -> None:
        now, newest = self.now(), self._newest.get(target)
        if newest is not None:
            newest.until = now
        again = (target, image) in self._seen or image.endswith(":v1")
        self._seen.add((target, image))
        switch = Switch(len(self.switches) + 1, target, image, now, self.images.get(image), again)
        self.switches.append(switch)
        self._newest[target] = switch

    def _kept(self, change: Change) -> None:
        metadata = change.object["metadata"]
        if metadata["name"] == PAUSE:
            self._paused(change)
            return
        if (metadata.get("labels") or {}).get("rollback-watchdog.dev/record") != "watch":
            return
        if change.type == "DELETED":
            self.kept_records -= 1
            return
        if change.type == "ADDED":
            self.kept_records += 1
            self.most_records = max(self.most_records, self.kept_records)
        document = json.loads(change.object["data"]["record.json"])
        record = self.records.get(document["watch"])
        if record is None:
            found = _IMAGE.search(document["candidate"])
            opened = datetime.fromisoformat(document["opened_at"])
            image = found[1] if found else document["candidate"]
            record = Record(document["watch"], document["target"], image, opened, self.now())
            self.records[record.watch] = record
        record.versions.append(_version(document, self.now()))
        del record.versions[1:-40]

    def _paused(self, change: Change) -> None:
        if change.type == "ADDED":
            self._paused_since = self.now()
        elif change.type == "DELETED" and self._paused_since is not None:
            self.pauses.append(Window(self._paused_since, self.now(), "paused"))
            self._paused_since = None

    # -- stretches without a disturbance -------------------------------------------------------------------------

    def calm(self, start: datetime, end: datetime) -> timedelta:
        """The longest stretch between the two in which nothing kept the watchdog from judging and acting."""
        longest, free = timedelta(), start
        for window in sorted([*self.windows, *self.pauses], key=lambda one: one.start):
            if window.end <= free or window.start >= end:
                continue
            longest = max(longest, window.start - free)
            free = max(free, window.end)
        return max(longest, end - free)


def _version(document: Mapping[str, Any], now: datetime) -> Version:
    deliveries = [
        (notice["id"], channel, state)
        for notice in document["notices"]
        for channel, state in notice["deliveries"].items()
    ]
    return Version(
        now,
        document["phase"],
        document["outcome"],
        document["acted_at"],
        tuple((notice, channel, state.startswith(("sent", "gave-up"))) for notice, channel, state in deliveries),
        tuple(f"{notice} to {channel}: {state}" for notice, channel, state in deliveries if state.startswith("gave")),
    )


def _image(workload: Mapping[str, Any]) -> str:
    return str(workload["spec"]["template"]["spec"]["containers"][0]["image"])


def _mark(one: Mapping[str, Any]) -> str:
    return str((one["metadata"].get("annotations") or {}).get(LAST_WATCH, ""))
