"""What every traffic provider promises, whatever its kind of switch: a new line of the table is tested by itself.

How a switch of each kind comes about is in `arrangements.py`, what a put-back promises in `test_put_back_contract.py`.
"""

import logging
from typing import Any

import pytest

from adapters.kubernetes.arrangements import ARRANGEMENTS, Stage, a_stage, kinds
from adapters.kubernetes.building import SHOP, a_cluster, connected, only, passes
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.domain.effects import PutBackRefused
from watchdog.domain.rollout import TargetKind
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import run_simulated

NOT_ALLOWED = "a value in it is none that is allowed there"


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
def test_an_object_that_cannot_be_read_is_told_as_such_once_and_ends_nothing(
    kind: TargetKind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            seen, provider = stage.at.seen[kind], PROVIDERS[kind]
            seen.forget()
            with monkeypatch.context() as within:
                within.setattr(provider, "_look", lambda *_, **__: {}["spec"])
                for _ in range(2):
                    stage.traffic.reguard(only(str(stage.arranged.target)))  # looks at all of them once more
                    await passes(30)
            assert {(one.target, one.serving) for one in seen.all} == {(stage.arranged.target, None)}
            assert all("it has no spec" in one.unreadable for one in seen.all)
            assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == ["cannot be read"]
            seen.forget()
            stage.arranged.back(stage.at.cluster)
            await passes(30)
            assert seen.of(stage.arranged.target)[-1].serving == stage.before.serving

    run_simulated(main())


@kinds
@pytest.mark.parametrize("fresh", [False, True], ids=["cached", "fresh"])
def test_a_look_at_an_object_that_cannot_be_read_is_out_of_reach_until_somebody_mends_it(
    kind: TargetKind, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            with monkeypatch.context() as within:
                within.setattr(PROVIDERS[kind], "_live", lambda *_, **__: {}["spec"])
                with pytest.raises(OutOfReach, match=r"cannot be read: .*it has no spec") as refused:
                    await stage.look(fresh=fresh)
                assert not refused.value.final
            assert (await stage.look(fresh=fresh)).exists

    run_simulated(main())


@kinds
def test_a_look_that_fails_is_told_of_even_if_nothing_changes_and_so_is_its_end(
    kind: TargetKind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            seen, name = stage.at.seen[kind], stage.arranged.target.name
            seen.forget()
            with monkeypatch.context() as within:
                within.setattr(PROVIDERS[kind], "_live", lambda *_, **__: {}["spec"])
                for _ in range(3):
                    with pytest.raises(OutOfReach):
                        await stage.look(fresh=False)
                    await passes(30)
                (told,) = seen.of(stage.arranged.target)
                assert "it has no spec" in told.unreadable
                assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == ["cannot be read"]
            seen.forget()
            note = {"metadata": {"annotations": {"mended": "yes"}}}
            stage.at.cluster.patch(stage.arranged.resource, SHOP, name, note)
            await passes(30)
            assert [one.serving for one in seen.of(stage.arranged.target)] == [stage.after.serving]

    run_simulated(main())


@kinds
def test_a_revision_that_cannot_be_read_is_out_of_reach(kind: TargetKind, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            monkeypatch.setattr(PROVIDERS[kind], "_described", lambda *_, **__: {}["spec"])
            assert stage.after.serving is not None
            with pytest.raises(OutOfReach, match=r"cannot be read: .*it has no spec"):
                await stage.traffic.describe(stage.arranged.target, stage.after.serving)

    run_simulated(main())


@kinds
def test_an_object_that_cannot_even_be_taken_in_is_left_out_alone_and_told_of(
    kind: TargetKind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trim = TRIMS[OBJECTS[kind]]

    def strict(full: dict[str, Any]) -> dict[str, Any]:
        return trim(full) | {"strange": (full["metadata"].get("annotations") or {}).get("strange", "0").index("0")}

    def marked(stage: Stage, text: str | None) -> None:
        body = {"metadata": {"annotations": {"strange": text}}}
        stage.at.cluster.patch(stage.arranged.resource, SHOP, stage.arranged.target.name, body)

    async def main() -> None:
        monkeypatch.setitem(TRIMS, OBJECTS[kind], strict)
        async with a_stage(kind) as stage:
            seen, target = stage.at.seen[kind], stage.arranged.target
            seen.forget()
            marked(stage, "yes")
            await passes(30)
            for fresh in (False, True):
                with pytest.raises(OutOfReach, match=f"cannot be read: .*{NOT_ALLOWED}"):
                    await stage.look(fresh=fresh)
            (told,) = seen.of(target)
            assert (told.serving, NOT_ALLOWED in told.unreadable) == (None, True)
            assert (told.uid, told.labels) == (stage.after.uid, stage.after.labels)
            assert stage.at.cache.troubles == ()
            assert stage.at.cache.labels_of(target) == stage.after.labels  # it is there
            said = [one.facts["version"] for one in caplog.records if one.levelno >= logging.WARNING]  # type: ignore[attr-defined]
            assert len(said) == len(set(said)) > 0  # a controller may write it meanwhile

            stage.at.cache.relist()
            await passes(30)
            assert {one.unreadable for one in seen.of(target)} == {told.unreadable}
            assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == len(said)

            seen.forget()
            marked(stage, None)
            await passes(30)
            assert [one.serving for one in seen.of(target)] == [stage.after.serving]
            assert (await stage.look(fresh=False)).exists

    run_simulated(main())


@kinds
def test_one_that_cannot_be_read_and_goes_is_told_to_be_readable_again(
    kind: TargetKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            seen, target = stage.at.seen[kind], stage.arranged.target
            monkeypatch.setattr(PROVIDERS[kind], "_look", lambda *_, **__: {}["spec"])
            stage.traffic.reguard(only(str(target)))  # type: ignore[attr-defined]
            await passes(30)
            seen.forget()
            stage.at.cluster.delete(stage.arranged.resource, SHOP, target.name)
            await passes(30)
            assert [(one.serving, one.unreadable) for one in seen.of(target)][-1] == (None, "")

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
