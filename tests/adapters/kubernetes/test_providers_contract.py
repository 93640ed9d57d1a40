"""What every traffic provider promises, whatever its kind of switch: a new line of the table is tested by itself.

How a switch of each kind comes about is in `arrangements.py`, what a put-back promises in `test_put_back_contract.py`,
what is promised of objects that cannot be read in `test_unreadable_contract.py`.
"""

from adapters.kubernetes.arrangements import ARRANGEMENTS, a_stage, kinds
from adapters.kubernetes.building import SHOP, a_cluster, connected, only, passes
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.domain.effects import PutBackRefused
from watchdog.domain.rollout import TargetKind
from watchdog.simulator.clock import run_simulated


@kinds
def test_what_is_there_at_the_start_is_told_once_as_seen_late(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            assert not stage.before.live
            assert stage.before.kind is PROVIDERS[kind].kind
            assert stage.before.serving is not None
            assert stage.before.since <= stage.at.clock.now()

    run_simulated(main())


@kinds
def test_a_switch_is_told_as_it_happens_and_its_way_back_too(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            assert stage.after.live
            assert stage.after.serving != stage.before.serving
            assert abs((stage.after.since - stage.at.clock.now()).total_seconds() + 30) < 2
            stage.arranged.back(stage.at.cluster)
            await passes(30)
            last = stage.at.seen[kind].of(stage.arranged.target)[-1]
            assert last.serving == stage.before.serving
            assert last.since > stage.after.since

    run_simulated(main())


@kinds
def test_a_relist_tells_the_same_again_as_seen_late_and_with_its_true_time(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            seen = stage.at.seen[kind]
            seen.forget()
            stage.at.cluster.compact()
            stage.at.cluster.faults.watch("gone", count=4)
            for watch in stage.at.cluster.watches():
                watch.close()
            await passes(90)
            again = seen.of(stage.arranged.target)
            assert again
            assert all(not one.live for one in again)
            assert {(one.serving, one.since) for one in again} == {(stage.after.serving, stage.after.since)}

    run_simulated(main())


@kinds
def test_scaling_labels_of_others_and_quiet_time_tell_nothing(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            serving = stage.after.serving
            assert serving is not None
            stage.at.seen[kind].forget()
            stage.arranged.scale(stage.at.cluster, serving.workload)
            await passes(900)
            assert {one.serving for one in stage.at.seen[kind].all} <= {serving}
            assert {one.since for one in stage.at.seen[kind].all} <= {stage.after.since}

    run_simulated(main())


@kinds
def test_only_guarded_targets_are_told_of_and_an_edit_of_the_rules_counts_at_once(kind: TargetKind) -> None:
    async def main() -> None:
        arranged = ARRANGEMENTS[kind]
        async with a_cluster() as cluster:
            await arranged.prepare(cluster)
            async with connected(cluster, only()) as at:
                assert at.seen[kind].all == []
                at.seen[kind].provider.reguard(only(str(arranged.target)))
                await passes(1)
                (told,) = at.seen[kind].of(arranged.target)
                assert not told.live
                at.seen[kind].forget()
                at.seen[kind].provider.reguard(only())
                arranged.switch(cluster)
                await passes(30)
                assert at.seen[kind].all == []

    run_simulated(main())


@kinds
def test_live_waits_for_a_change(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            look = await stage.look(fresh=False)
            assert not look.fresh
            assert look.destination is None
            stage.at.cluster.patch(
                stage.arranged.resource,
                SHOP,
                stage.arranged.target.name,
                {"metadata": {"annotations": {"rollback-watchdog.dev/hold": "until=tomorrow; migration"}}},
            )
            later = await stage.traffic.live(stage.switch, None, after=look.version)
            assert later.version > look.version
            assert later.annotations == {"rollback-watchdog.dev/hold": "until=tomorrow; migration"}

    run_simulated(main())


@kinds
def test_a_fresh_look_shows_both_sides_and_the_way_back(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            assert live.fresh
            assert live.exists
            assert live.serving == stage.after.serving
            assert len([pod for pod in live.candidate_pods if pod.ready]) == stage.arranged.pods
            assert live.unbroken_since is not None
            assert live.unbroken_since <= live.at
            assert live.destination is not None
            assert live.destination.revision == stage.before.serving
            assert live.destination.exists
            assert live.destination.same_template
            assert live.destination.differs
            assert live.destination.missing == ()
            assert live.destination.refused == ""
            assert live.destination.replicas == stage.arranged.pods
            assert live.managers == ("kubectl",)
            assert stage.written == []  # a rehearsal writes nothing

    run_simulated(main())


@kinds
def test_a_target_that_is_gone_is_seen_to_be_gone(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.at.cluster.delete(stage.arranged.resource, SHOP, stage.arranged.target.name)
            await passes(5)
            assert not (await stage.look()).exists
            assert not (await stage.look(fresh=False)).exists
            assert isinstance(await stage.put_back(live), PutBackRefused)

    run_simulated(main())


@kinds
def test_a_revision_is_described_for_people(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            known = await stage.traffic.describe(stage.arranged.target, stage.switch.candidate)
            assert next(part for name, part in known.parts.items() if name.endswith(" image")).endswith(":v2")
            assert known.notes["by"] == "kubectl"

    run_simulated(main())


@kinds
def test_no_secret_is_ever_asked_for(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            await stage.put_back(await stage.look())
            await passes(700)
            assert stage.at.cluster.requests
            assert not [one.path for one in stage.at.cluster.requests if "secret" in one.path.lower()]

    run_simulated(main())
