"""Arbitrary lives of a watch, for Hypothesis: every kind of rule, every kind of event, any order."""

from dataclasses import replace

from hypothesis import strategies as st

from builders import (
    BLUE,
    GOOD,
    GREEN,
    NEW,
    a_baseline,
    a_block,
    a_destination,
    a_flip,
    a_flip_switch,
    a_gauge,
    a_guard,
    a_latency,
    a_live,
    a_pod,
    a_probe,
    a_ratio,
    a_revision,
    a_round,
    a_rule,
    a_switch,
    a_target,
    a_watch,
    alerts_of,
    an_alert,
    at,
    counts_of,
    firing,
    seconds,
    signs_of,
    slow,
    values,
)
from watchdog.domain.annotations import HOLD
from watchdog.domain.channels import Topic
from watchdog.domain.effects import (
    Delivery,
    DeliveryState,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
)
from watchdog.domain.events import (
    BaselineMeasured,
    DeliveryMoved,
    Event,
    Joined,
    Looked,
    LookFailed,
    Measured,
    Probed,
    PutBackAnswered,
    RecoveryMeasured,
    Resumed,
    RightEnded,
    Sliced,
    Superseded,
    Ticked,
)
from watchdog.domain.judge.peers import Comparison, PeerFinding, RuleCompared
from watchdog.domain.measurement import FailureReason, NoData, ProbeOutcome, QueryFailed, Reading
from watchdog.domain.rules import Action
from watchdog.domain.state import Slice, Telling, Watch
from watchdog.domain.telling import notice

PODS = ("research-a", "research-b", "research-c")
RULES = ("error-rate", "latency", "memory", "alerts")

times = st.integers(0, 1500)
numbers = st.one_of(st.floats(0, 200), st.sampled_from([float("nan"), float("inf")]))
absences = st.sampled_from([NoData("no series"), QueryFailed(FailureReason.TIMEOUT, "no answer")])


def _counts(pods: dict[str, tuple[int, int]]) -> Reading:
    return counts_of({pod: (min(pair), max(pair)) for pod, pair in pods.items()})


pairs = st.tuples(st.integers(0, 100), st.integers(0, 100))
seconds_or_none = st.none() | st.floats(-300, 300)
alerts = st.builds(
    an_alert,
    st.sampled_from(["High", "Slow"]),
    active=st.floats(-300, 300),
    firing=seconds_or_none,
    fired_before=seconds_or_none.map(lambda when: None if when is None else at(min(when, 0))),
    pods=st.sampled_from([(), PODS[:1], PODS]),
)
readings = {
    "error-rate": absences | st.dictionaries(st.sampled_from(PODS), pairs).map(_counts),
    "latency": absences | st.floats(0, 1).map(slow),
    "memory": absences | st.dictionaries(st.sampled_from(PODS), numbers).map(values),
    "alerts": absences | st.lists(alerts, max_size=3).flatmap(lambda found: st.builds(firing, *map(st.just, found))),
}

waiting = st.sampled_from([None, None, "CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating"])
moments = st.none() | st.floats(0, 300)
pods = st.builds(
    a_pod,
    st.sampled_from(PODS),
    created=st.sampled_from([-9000.0, 0.0]),
    ready=moments,
    unready=moments,
    restarts=st.integers(0, 5),
    waiting=waiting,
    oom=moments,
    unschedulable=moments,
    gone=st.booleans(),
)
some_pods = st.lists(pods, max_size=3, unique_by=lambda pod: pod.name)
revisions = st.sampled_from([None, NEW, GOOD, GREEN, BLUE, a_revision("newer")])
marks = st.sampled_from(
    [{}, {}, {HOLD: "until=2026-03-02T12:05:00Z; migration"}, {HOLD: "until=0001-01-01T00:00+23:00; x"}]
)
destinations = st.none() | st.builds(
    a_destination,
    st.sampled_from([GOOD, BLUE]),
    exists=st.booleans(),
    differs=st.booleans(),
    replicas=st.integers(0, 3),
    ready_pods=st.integers(0, 3),
    missing=st.sampled_from([(), (), ("configmap/x",)]),
)
answers = st.one_of(
    st.builds(PutBackDone, st.just(at(0)), st.sampled_from([{}, {}, {"gateway": "conflict"}, {"admin": "conflict"}])),
    st.builds(PutBackConflicted, st.just(at(0)), st.just("changed")),
    st.builds(PutBackRefused, st.just(at(0)), st.just("forbidden")),
    st.builds(PutBackUnsure, st.just(at(0)), st.just("reset")),
)


findings = st.tuples(st.booleans(), st.booleans())


def _compared(when: int, rules: dict[str, list[tuple[bool, bool]]]) -> Comparison:
    def rule(name: str, peers: list[tuple[bool, bool]]) -> RuleCompared:
        found = (
            PeerFinding(a_target(f"peer-{n}"), usable, alike, "as it is", "12 %", 0.12, 0.05)
            for n, (usable, alike) in enumerate(peers)
        )
        return RuleCompared(name, at(when - 60), at(when), tuple(found))

    return Comparison(at(when), tuple(rule(name, peers) for name, peers in rules.items()))


names = st.sampled_from(["error-rate", "latency", "memory", "health"])
comparisons = st.none() | st.builds(_compared, times, st.dictionaries(names, st.lists(findings, max_size=4)))


@st.composite
def looks(draw: st.DrawFn, watch: Watch, when: float) -> Event:
    live = a_live(
        when, switch=watch.switch, pods=draw(some_pods), stable_pods=draw(some_pods), fresh=draw(st.booleans())
    )
    compared = draw(comparisons) if live.fresh else None
    usual = draw(st.booleans())
    if usual:
        return Looked(live, compared)
    return Looked(
        replace(
            live,
            exists=draw(st.sampled_from([True, True, True, False])),
            serving=draw(revisions),
            complete=draw(st.booleans()),
            paused=draw(st.booleans()),
            desired=draw(st.integers(0, 3)),
            deadline_exceeded=draw(st.booleans()),
            annotations=draw(marks),
            destination=draw(destinations),
            services={name: (uid, rv, draw(st.booleans())) for name, (uid, rv, _) in live.services.items()},
        ),
        compared,
    )


@st.composite
def measurements(draw: st.DrawFn, index: int) -> dict[str, object]:
    names = draw(st.sets(st.sampled_from([*RULES, "unknown"]), min_size=1))
    return {name: a_block(index, draw(readings.get(name, absences))) for name in sorted(names)}


@st.composite
def events(draw: st.DrawFn, watch: Watch, index: int, when: float) -> Event:
    """Any event at all."""
    kind = draw(st.sampled_from([*"llllmmmmmmmmraappuuuttttfsjexdw"]))
    match kind:
        case "l":
            return draw(looks(watch, when))
        case "m":
            return Measured(draw(measurements(index)))  # type: ignore[arg-type]
        case "r":
            return RecoveryMeasured(draw(measurements(index)))  # type: ignore[arg-type]
        case "a":
            names = draw(st.sets(st.sampled_from(RULES)))
            return BaselineMeasured({name: a_baseline(draw(readings[name])) for name in sorted(names)})
        case "p":
            outcomes = draw(st.dictionaries(st.sampled_from(PODS), st.sampled_from(list(ProbeOutcome))))
            stable = draw(st.none() | st.sampled_from(list(ProbeOutcome)))
            return Probed(
                draw(st.sampled_from(["health", "unknown", "memory"])), a_round(when, outcomes, stable=stable)
            )
        case "u":
            return PutBackAnswered(draw(answers))
        case "t":
            return Ticked(draw(st.booleans()))
        case "f":
            return LookFailed("timeout")
        case "s":
            return Superseded(draw(revisions) or NEW, draw(st.sampled_from(["", "argo"])))
        case "j":
            return Joined(a_flip(draw(st.sampled_from(["gateway", "admin", "docs"]))))
        case "e":
            return RightEnded("guard removed")
        case "x":
            return Resumed()
        case "w":
            sentences = draw(st.dictionaries(st.sampled_from(RULES), st.text(max_size=20)))
            return Sliced(tuple(Slice(rule, sentence) for rule, sentence in sentences.items()))
        case _:
            state = draw(st.sampled_from(list(DeliveryState)))
            return DeliveryMoved(draw(st.sampled_from([f"{watch.id}/switch", "x"])), "releases", state, "why")


@st.composite
def watches(draw: st.DrawFn) -> Watch:
    """A watch that has just opened, under every kind of rule."""
    flipped = draw(st.booleans())
    switch = a_flip_switch("gateway", "admin") if flipped else a_switch()
    actions = st.sampled_from([None, None, Action.NOTIFY])
    rules = (
        a_rule(a_ratio(0.05), hold=draw(st.sampled_from([0, 30])), action=draw(actions)),
        a_rule(a_latency("2x"), required=draw(st.booleans())),
        a_rule(a_gauge("1.5x"), action=draw(actions)),
        a_rule(a_probe(failures=2)),
        a_rule(signs_of()),
        a_rule(alerts_of("High", "Slow")),
    )
    guard = a_guard(
        *rules,
        warmup=seconds(draw(st.sampled_from([0, 30]))),
        action=draw(st.sampled_from([Action.ROLLBACK, Action.ROLLBACK, Action.NOTIFY])),
        restore_replicas=draw(st.booleans()),
    )
    watch = a_watch(
        switch=switch,
        guard=guard,
        stable=draw(st.sampled_from(["as usual", "as usual", None])),
        notify_only=draw(st.sampled_from(["", "", "", "a return"])),
    )
    told = Telling(notice(watch, Topic.SWITCH, at(0)), (Delivery("releases"), Delivery("oncall")))
    return replace(watch, tellings=(told,))


@st.composite
def lives(draw: st.DrawFn, longest: int = 25) -> tuple[Watch, list[tuple[Event, float]]]:
    """A new watch and what happens to it; time never goes back."""
    watch = draw(watches())
    made: list[tuple[Event, float]] = []
    when = 0.0
    for index in range(1, draw(st.integers(0, longest)) + 1):
        when += draw(st.sampled_from([0.0, 1.0, 5.0, 15.0, 40.0, 300.0]))
        made.append((draw(events(watch, index, when)), when))
    return watch, made
