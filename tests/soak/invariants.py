"""What must be true of a history, whatever went wrong in it. Each rule is a function; each violation one line."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from soak.history import Act, History, Record, Switch

CHANNELS = ("releases", "oncall")


@dataclass(frozen=True)
class Patience:
    """How long things may take before they count as not done, in seconds."""

    bake: float
    warmup: float
    to_act: float = 75.0  # undisturbed, from where a fault can be seen to the act
    to_see: float = 30.0  # undisturbed, from a switch to its record
    in_flight: float = 20.0  # an act that was begun before a pause


def one_act_a_switch(history: History, _patience: Patience) -> Iterator[str]:
    """At most one act per switch."""
    acts: dict[int, list[Act]] = defaultdict(list)
    for act in history.acts:
        if act.switch is None:
            yield f"{act.at:%H:%M:%S}: {act.target} was changed by {act.watch}, and nobody had switched it"
        else:
            acts[act.switch.number].append(act)
    for several in acts.values():
        if len(several) > 1:
            moments = ", ".join(f"{act.at:%H:%M:%S} by {act.watch}" for act in several)
            yield f"{several[0].switch} was acted on {len(several)} times: {moments}"


def no_act_without_a_breach(history: History, _patience: Patience) -> Iterator[str]:
    """No act without a breach in the data: the generator knows which images are bad, and from when on."""
    for act in history.acts:
        if act.switch is None:
            continue
        bad = history.images.get(act.before)
        if bad is None:
            yield f"{act.at:%H:%M:%S}: {act.before} was put back to {act.after} by {act.watch}, and is good"
        elif act.switch.image == act.before and act.at < act.switch.at + timedelta(seconds=bad.after):
            yield f"{act.at:%H:%M:%S}: {act.switch} was put back before it was bad"


def no_act_against_a_newer_deploy(history: History, _patience: Patience) -> Iterator[str]:
    """What an act replaces is what its watch is about, and what people deployed last."""
    for act in history.acts:
        record = history.records.get(act.watch)
        if record is not None and record.image != act.before:
            yield f"{act.at:%H:%M:%S}: {act.watch} is about {record.image}, and replaced the newer {act.before}"
        elif act.switch is not None and act.switch.image != act.before:
            yield f"{act.at:%H:%M:%S}: {act.watch} replaced {act.before}; people had deployed {act.switch.image} last"


def never_back_to_the_known_bad(history: History, _patience: Patience) -> Iterator[str]:
    """An act never goes to an image that was put back itself, unless that has passed since.

    A bad image whose watch was disturbed until its end may be gone back to: it served, and nobody saw it fail.
    """
    put_back: dict[tuple[str, str], datetime] = {}
    passed = {
        (record.target, record.image): version.at
        for record in history.records.values()
        for version in record.versions
        if version.outcome == "passed"
    }
    for act in history.acts:
        known = put_back.get((act.target, act.after))
        if known is not None and not known < passed.get((act.target, act.after), known) < act.at:
            yield f"{act.at:%H:%M:%S}: {act.target} was put back to {act.after}, which was put back at {known:%H:%M:%S}"
        put_back[act.target, act.before] = act.at


def intent_before_the_act(history: History, _patience: Patience) -> Iterator[str]:
    """At the moment of an act its record says already that it is being made."""
    for act in history.acts:
        if act.intent != "acting":
            yield f"{act.at:%H:%M:%S}: {act.watch} acted while its record said {act.intent or 'nothing'!r}"


def no_act_in_a_pause(history: History, patience: Patience) -> Iterator[str]:
    """Nothing is begun while a pause is in force; what was begun before may still arrive."""
    for act in history.acts:
        for pause in history.pauses:
            begun = pause.start + timedelta(seconds=patience.in_flight)
            if begun < act.at < pause.end and _intended(history.records.get(act.watch)) > begun:
                yield f"{act.at:%H:%M:%S}: {act.watch} acted in the pause from {pause.start:%H:%M:%S}"


def acts_are_recorded(history: History, _patience: Patience) -> Iterator[str]:
    """Every act stands in its record in the end, and every record that claims an act has one."""
    acted = {act.watch for act in history.acts}
    for act in history.acts:
        record = history.records.get(act.watch)
        if record is None:
            yield f"{act.at:%H:%M:%S}: {act.watch} acted, and has no record"
        elif record.last.outcome != "rolled-back":
            yield f"{act.watch} acted at {act.at:%H:%M:%S}, and its record says {record.last.outcome}"
    for record in history.records.values():
        if record.last.acted_at and record.watch not in acted:
            yield f"{record.watch} says that it acted, and the API server knows of no act"


def acts_are_told(history: History, _patience: Patience) -> Iterator[str]:
    """Each channel heard of each act at least once, always under one id, and of a repeat that it may be one."""
    heard: dict[tuple[str, str], list[tuple[str, bool | None]]] = defaultdict(list)
    for told in history.told:
        if told.topic == "rolled-back":
            heard[told.watch, told.channel].append((told.notice, told.repeat))
    for act in history.acts:
        for channel in CHANNELS:
            notices = heard[act.watch, channel]
            if not notices:
                yield f"{act.watch} acted at {act.at:%H:%M:%S}, and {channel} was never told"
            if len({notice for notice, _ in notices}) > 1:
                yield f"{channel} heard of the act of {act.watch} under several ids: {notices}"
            if any(repeat is False for _, repeat in notices[1:]):
                yield f"{channel} heard of the act of {act.watch} again, as if it were new"


def watches_end(history: History, _patience: Patience) -> Iterator[str]:
    """Every watch has an outcome in the end, and all of its notices are told."""
    for record in history.records.values():
        if record.last.outcome is None:
            yield f"{record.watch} ({record.image}) never ended: it is {record.last.phase}"
            continue
        untold = [f"{notice} to {channel}" for notice, channel, settled in record.last.notices if not settled]
        if untold or record.last.gave_up:
            yield f"{record.watch} ended, and was not told: {', '.join([*untold, *record.last.gave_up])}"


def one_record_a_switch(history: History, patience: Patience) -> Iterator[str]:
    """No watch is lost: every switch has a record. And none is made up: every record has a switch."""
    opened: Counter[int] = Counter()
    by_target = history.switches_of()
    for record in history.records.values():
        switch = _switch_of(record, by_target)
        if switch is None:
            yield f"{record.watch} is about {record.image}, which nobody had switched {record.target} to"
        else:
            opened[switch.number] += 1
    for switch in history.switches:
        if opened[switch.number] > 1:
            yield f"{switch} has {opened[switch.number]} records"
        end = min(_end(switch, history), switch.at + timedelta(seconds=patience.bake))
        if not opened[switch.number] and history.calm(switch.at, end) > timedelta(seconds=patience.to_see):
            yield f"{switch} has no record: its watch was lost"


def the_bad_are_put_back(history: History, patience: Patience) -> Iterator[str]:
    """Every bad release that stayed measurable long enough was acted on."""
    acted = {act.switch.number for act in history.acts if act.switch is not None}
    for switch in history.switches:
        if owed(switch, history, patience) and switch.number not in acted:
            record = next((one for one in _records_of(switch, history)), None)
            says = f"its record says {record.last.outcome or record.last.phase}" if record else "it has no record"
            yield f"{switch} was never put back ({says})"


def nothing_crashed(history: History, _patience: Patience) -> Iterator[str]:
    """The watchdog never ends by itself, but where it cannot reach the API server at its start."""
    yield from history.crashes


INVARIANTS: Mapping[str, Callable[[History, Patience], Iterator[str]]] = {
    rule.__name__.replace("_", " "): rule
    for rule in (
        one_act_a_switch,
        no_act_without_a_breach,
        no_act_against_a_newer_deploy,
        never_back_to_the_known_bad,
        intent_before_the_act,
        no_act_in_a_pause,
        acts_are_recorded,
        acts_are_told,
        watches_end,
        one_record_a_switch,
        the_bad_are_put_back,
        nothing_crashed,
    )
}


def violations(history: History, patience: Patience) -> dict[str, list[str]]:
    """The invariants that do not hold, each with its violations."""
    found = {name: list(rule(history, patience)) for name, rule in INVARIANTS.items()}
    return {name: lines for name, lines in found.items() if lines}


def owed(switch: Switch, history: History, patience: Patience) -> bool:
    """Whether an act was due: bad, new, and undisturbed for long enough while it was watched."""
    if switch.bad is None or switch.again:
        return False
    start = switch.at + timedelta(seconds=max(switch.bad.after, patience.warmup))
    end = min(_end(switch, history), switch.at + timedelta(seconds=patience.bake))
    return history.calm(start, end) >= timedelta(seconds=patience.to_act)


def _end(switch: Switch, history: History) -> datetime:
    return switch.until or history.now()


def _records_of(switch: Switch, history: History) -> list[Record]:
    by_target = history.switches_of()
    return [one for one in history.records.values() if _switch_of(one, by_target) is switch]


def _switch_of(record: Record, by_target: Mapping[str, list[Switch]]) -> Switch | None:
    """The newest switch to the record's image before the record was first seen."""
    for switch in reversed(by_target.get(record.target, [])):
        if switch.image == record.image and switch.at <= record.first_seen:
            return switch
    return None


def _intended(record: Record | None) -> datetime:
    """When the record first said that the act is being made."""
    acting = [version.at for version in record.versions if version.phase == "acting"] if record else []
    return min(acting, default=datetime.min.replace(tzinfo=UTC))
