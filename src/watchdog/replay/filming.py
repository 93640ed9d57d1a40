"""What happened after a switch, as events in the order in which the live watch would have had them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.domain.conditions import ShareOfLimit
from watchdog.domain.events import Event, Looked, Measured, Probed, Stepped, Superseded, Ticked
from watchdog.domain.measurement import Block, NoData, ProbeRound, QueryFailed
from watchdog.domain.rollout import Stable, TrafficSwitch
from watchdog.domain.rules import Guard, Probe, Rule, Signs
from watchdog.domain.state import SETTLE, Watch
from watchdog.replay.courses import Course, Serving
from watchdog.replay.looks import Looks

_WHOLE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Case:
    """One switch to replay."""

    course: Course
    guard: Guard
    switch: TrafficSwitch
    stable: Stable | None
    serving: Serving
    following: Serving | None  # what served next
    what: str = ""  # what ended it, where nothing else served next
    notify_only: str = ""
    placebo: bool = False
    steps: tuple[Stepped, ...] = ()  # of weights, after the switch

    @property
    def moved(self) -> datetime:
        """When its traffic moved for the last time: from then on its bake counts."""
        return self.steps[-1].step.at if self.steps else self.switch.at

    @property
    def ends(self) -> datetime | None:
        """When something else took over, at the latest: Kubernetes tells whole seconds."""
        return None if self.following is None else self.following.since + _WHOLE_SECOND

    @property
    def put_back(self) -> datetime | None:
        """When the watchdog itself put it back. That is no event of this replay, but where what is known of it ends."""
        return self.following.since if self.following is not None and self.following.put_back else None

    def shows(self, end: datetime) -> bool:
        """Whether a block that ends then would have been judged: before anything else took over.

        What was measured before the watchdog's own put-back is known, though it was judged only after it.
        """
        known = self.put_back is not None and end <= self.put_back
        return known or self.ends is None or end + SETTLE < self.ends


@dataclass(slots=True)
class Film:
    """What happened: moment, order within it, event."""

    events: list[tuple[datetime, int, Event]] = field(default_factory=list)

    def add(self, at: datetime, order: int, event: Event) -> None:
        """One event more."""
        self.events.append((at, order, event))

    def in_order(self) -> list[tuple[datetime, int, Event]]:
        """As they came."""
        return sorted(self.events, key=lambda one: one[:2])


def film_of(
    watch: Watch,
    case: Case,
    looks: Looks,
    rounds: Mapping[str, list[ProbeRound]],
    blocks: Sequence[Mapping[str, Block]],
    until: datetime,
    bake_from: datetime | None,
) -> Film:
    """All looks, rounds, blocks and ticks until the bake's end, or until something else took over."""
    film = Film()
    for at in looks.moments(until):
        film.add(at, 1, Looked(looks.at(at)))
    # A look at the very beginning, lest the first block find no pod known.
    film.add(case.switch.at, 1, Looked(looks.at(case.switch.at)))
    for step in case.steps:
        film.add(step.step.at, 0, step)
    for rule, found in rounds.items():
        for round_ in found:
            if round_.at <= until and watch.track(rule) is not None:
                film.add(round_.at, 2, Probed(rule, round_))
    for k, of_rules in enumerate(blocks, 1):
        at = watch.block_end(k) + SETTLE
        if case.shows(watch.block_end(k)):
            if of_rules:
                film.add(at, 3, Measured(of_rules))
            film.add(at, 4, Ticked())
    over = until if bake_from is None else bake_from + watch.guard.bake
    if case.following is not None and case.ends is not None and case.ends < over + SETTLE:
        if case.put_back is None:
            film.add(case.ends, 5, Superseded(case.following.revision, case.following.by, case.what))
    elif over <= until:
        film.add(over + SETTLE, 5, Ticked())
    return film


def without_senses(rules: Sequence[Rule], rounds: Mapping[str, list[ProbeRound]], *, told: bool) -> dict[str, str]:
    """Rules whose senses the past does not have at all."""
    found = {}
    for rule in rules:
        if isinstance(rule.check, Probe) and not rounds.get(rule.name):
            found[rule.name] = "the watchdog exported no probes of it then"
        if isinstance(rule.check, Signs) and not told:
            found[rule.name] = "no kube-state-metrics tell of the pods"
    return found


def without_data(watch: Watch, blocks: Sequence[Mapping[str, Block]], *, limits_known: bool) -> dict[str, str]:
    """Rules that measured nothing in the whole watch."""
    found = {}
    for track in watch.tracks:
        readings = [row[track.rule.name].reading for row in blocks if track.rule.name in row]
        threshold = track.threshold
        if threshold is not None and isinstance(threshold.limit, ShareOfLimit) and not limits_known:
            found[track.rule.name] = "no kube-state-metrics tell of the containers' limits"
        elif readings and all(isinstance(reading, NoData | QueryFailed) for reading in readings):
            last = readings[-1]
            assert isinstance(last, NoData | QueryFailed)
            what = "no data" if isinstance(last, NoData) else f"not answered ({last.reason})"
            found[track.rule.name] = f"{what}: {last.detail}"
    return found
