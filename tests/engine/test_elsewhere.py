"""Targets of other shards are peers as far as they can be looked up, and no further."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from builders import T0, a_guard, a_revision
from watchdog.domain.memory import Memory
from watchdog.domain.record import document_of
from watchdog.domain.rollout import Revision, SwitchKind, Target, TargetKind, TrafficSwitch
from watchdog.domain.shards import Shard, shard_of
from watchdog.domain.state import is_id_of, watch_id
from watchdog.engine.elsewhere import Elsewhere
from watchdog.ports import Document, OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated

OWN, OTHER = Shard(shard_of("production", 2), 2), "staging"
REVISION = a_revision()


def a_memory(name: str, kind: TargetKind = TargetKind.DEPLOYMENT, serving: Revision = REVISION) -> Memory:
    return Memory(Target(OTHER, kind, name), serving, T0 - timedelta(hours=3))


COLOUR = a_revision("b1ue", workload="gateway-blue")
REMEMBERED = (
    a_memory("research"),
    a_memory("gateway", TargetKind.SERVICE, COLOUR),
    a_memory("gateway-blue", serving=COLOUR),
    a_memory("brand", serving=a_revision(workload="brand")),
)
GUARDED = (REMEMBERED[0].target, REMEMBERED[1].target)


@dataclass
class Journalled:
    """What other leaders have journalled."""

    watches: Sequence[str] = ()
    away: bool = False
    asked: list[set[str]] = field(default_factory=list)

    async def memories_in(self, namespaces: Collection[str]) -> Mapping[Target, Document]:
        self.asked.append(set(namespaces))
        if self.away:
            raise OutOfReach("no answer")
        return {memory.target: document_of(memory) for memory in REMEMBERED}

    async def open_watches(self) -> Sequence[str]:
        return self.watches


def found(kept: Journalled, *, gone: Collection[str] = (), looks: Sequence[float] = (0,)) -> set[str]:
    """The names of those that are peers after looks so many seconds apart."""
    guard = replace(
        a_guard(), namespaces=(), selector=None, targets=(Target("production", TargetKind.SERVICE, "web"), *GUARDED)
    )
    names: set[str] = set()

    async def main() -> None:
        clock = SimulatedClock(T0)

        def labels(target: Target) -> Mapping[str, str] | None:
            return None if target.name in gone else {}

        elsewhere = Elsewhere(kept, labels, clock, OWN)
        for seconds in looks:
            await clock.sleep(seconds)
            await elsewhere.look(guard)
        names.update(memory.target.name for memory in elsewhere.memories_of(guard))

    run_simulated(main())
    return names


def test_what_the_guard_covers_in_other_shards_namespaces_is_found_with_the_colour_of_its_service() -> None:
    kept = Journalled()
    assert found(kept) == {"research", "gateway", "gateway-blue"}
    assert kept.asked == [{OTHER}]


def test_what_is_gone_from_the_cluster_is_no_peer() -> None:
    assert found(Journalled(), gone={"research"}) == {"gateway", "gateway-blue"}


def test_what_an_open_watch_is_about_is_no_peer_nor_what_runs_the_same_pods() -> None:
    target = REMEMBERED[1].target
    switch = TrafficSwitch(target, SwitchKind.SELECTOR, COLOUR, None, T0)
    assert is_id_of(watch_id(switch), target, COLOUR)
    assert not is_id_of(watch_id(switch), target, REVISION)
    assert not is_id_of(watch_id(switch), REMEMBERED[0].target, COLOUR)
    assert found(Journalled(watches=[watch_id(switch)])) == {"research"}


def test_a_look_is_believed_for_a_while() -> None:
    kept = Journalled()
    found(kept, looks=(0, 5, 5))
    assert len(kept.asked) == 1
    found(kept, looks=(0, 20))
    assert len(kept.asked) == 3


def test_where_nothing_can_be_looked_up_there_are_no_peers_and_nothing_fails() -> None:
    kept = Journalled()
    assert found(kept) != set()
    kept.away = True
    assert found(kept) == set()
