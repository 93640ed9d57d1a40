"""What every put-back promises: one write, nobody overwritten, and what was refused or left unsure is told as such."""

import pytest

from adapters.kubernetes.arrangements import a_stage, kinds
from adapters.kubernetes.building import SHOP, passes
from watchdog.adapters.kubernetes.acting import ConditionalWrite
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.domain.effects import PutBackConflicted, PutBackDone, PutBackRefused, PutBackUnsure
from watchdog.domain.rollout import TargetKind
from watchdog.ports import OutOfReach
from watchdog.simulator.api import WriteAttempt
from watchdog.simulator.clock import run_simulated


@kinds
def test_a_put_back_is_one_write_and_a_repeat_after_a_crash_is_none(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            remedy = stage.remedy(await stage.look())
            done = await stage.traffic.put_back(remedy)
            assert isinstance(done, PutBackDone)
            assert done.left == {}
            await passes(30)
            again = await stage.traffic.put_back(remedy)
            assert isinstance(again, PutBackDone)
            path = f"/{stage.arranged.resource}/{stage.arranged.target.name}{stage.arranged.written}"
            assert len(stage.written) == 1
            assert stage.written[0].startswith("PATCH ")
            assert stage.written[0].endswith(path)
            assert stage.at.seen[kind].of(stage.arranged.target)[-1].serving == stage.before.serving
            written = stage.at.cluster.get(stage.arranged.resource, SHOP, stage.arranged.target.name)
            if stage.arranged.written:
                return  # a subresource takes no annotations
            assert written["metadata"]["annotations"]["rollback-watchdog.dev/last-watch"] == "w-1"
            assert written["metadata"]["annotations"]["rollback-watchdog.dev/known-good"] == str(stage.before.serving)

    run_simulated(main())


@kinds
def test_a_person_who_was_faster_is_not_overwritten(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.arranged.back(stage.at.cluster)
            await passes(30)
            assert isinstance(await stage.put_back(live), PutBackConflicted)
            assert stage.written == []

    run_simulated(main())


@kinds
def test_a_person_in_the_same_instant_is_not_overwritten(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            acted: list[str] = []

            def person(attempt: WriteAttempt) -> None:
                if not acted:
                    acted.append(attempt.name)
                    note = {"metadata": {"annotations": {"example.com/note": "mine"}}}
                    stage.at.cluster.patch(attempt.resource, SHOP, attempt.name, note)

            stage.at.cluster.before_write(person)
            assert isinstance(await stage.put_back(live), PutBackConflicted)
            assert acted
            assert stage.written == []
            # Planned again from what is there now, it goes through.
            assert isinstance(await stage.put_back(await stage.look()), PutBackDone)

    run_simulated(main())


@kinds
def test_a_lost_answer_is_unsure_and_the_next_try_finds_it_done(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.at.cluster.faults.lose_answer(method="PATCH")
            assert isinstance(await stage.put_back(live), PutBackUnsure)
            await passes(5)
            assert isinstance(await stage.put_back(live), PutBackDone)
            assert len(stage.at.cluster.writes("watchdog")) == 1

    run_simulated(main())


@kinds
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_cannot_serve_makes_it_unsure_and_a_look_out_of_reach(kind: TargetKind, status: int) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.at.cluster.faults.answer(status, method="PATCH")
            assert isinstance(await stage.put_back(live), PutBackUnsure)
            stage.at.cluster.faults.answer(status, method="GET")
            assert isinstance(await stage.put_back(live), PutBackUnsure)
            stage.at.cluster.faults.answer(status, method="GET")
            with pytest.raises(OutOfReach):
                await stage.look()

    run_simulated(main())


@kinds
def test_what_cannot_be_read_before_the_write_is_not_written_and_may_be_planned_again(
    kind: TargetKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            for place, verb in ((ConditionalWrite, "_moved"), (PROVIDERS[kind], "_act")):
                with monkeypatch.context() as within:
                    within.setattr(place, verb, lambda *_, **__: {}["metadata"])
                    answer = await stage.put_back(live)
                assert isinstance(answer, PutBackConflicted)
                assert "cannot be read: not the shape of its kind (it has no metadata)" in answer.detail
            assert stage.written == []
            assert isinstance(await stage.put_back(live), PutBackDone)

    run_simulated(main())


@kinds
def test_what_the_server_refuses_for_good_is_refused_and_a_look_says_so_before(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            webhook = {"kind": "Status", "reason": "Forbidden", "message": "admission webhook denied", "code": 403}
            stage.at.cluster.faults.answer(403, webhook, method="PATCH", count=2)
            refused = await stage.put_back(live)
            assert isinstance(refused, PutBackRefused)
            assert "admission webhook denied" in refused.detail
            look = await stage.look()
            assert look.destination is not None
            assert "admission webhook denied" in look.destination.refused
            invalid = {"kind": "Status", "reason": "Invalid", "message": "spec is invalid", "code": 422}
            stage.at.cluster.faults.answer(422, invalid, method="PATCH", count=2)
            look = await stage.look()
            assert look.destination is not None
            assert "spec is invalid" in look.destination.refused
            assert isinstance(await stage.put_back(look), PutBackRefused)

    run_simulated(main())
