"""What every traffic provider promises of objects that cannot be read: they are told of, and nothing ends for them."""

import logging
from typing import Any

import pytest

from adapters.kubernetes.arrangements import Stage, a_stage, kinds
from adapters.kubernetes.building import SHOP, only, passes
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.domain.rollout import TargetKind
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import run_simulated

NOT_ALLOWED = "a value in it is none that is allowed there"


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
