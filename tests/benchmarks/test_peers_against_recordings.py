"""The models of Flagger and Argo Rollouts end recorded releases as the real programs did; shared/peer-runs has them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

np = pytest.importorskip("numpy")

from benchmarks.judge.peers.__main__ import explained, table  # noqa: E402 (numpy may be absent)
from benchmarks.judge.peers.prometheus import away, error_ratio, store_of  # noqa: E402
from benchmarks.judge.peers.recordings import (  # noqa: E402
    NAMES,
    Comparison,
    Recording,
    compared,
    place,
    recordings,
    untold,
)


@cache
def recorded() -> Sequence[Recording]:
    folder = place()
    if folder is None:
        pytest.skip("the recorded runs of Flagger and Argo Rollouts are not beside this repository (shared/peer-runs)")
    return tuple(recordings(folder))


def of(setting: str) -> list[Recording]:
    return [each for each in recorded() if each.setting == setting]


def hold(comparisons: Sequence[Comparison]) -> None:
    missed = [explained(each) for each in comparisons if not each.reproduced]
    assert comparisons
    assert len(missed) <= 0.05 * len(comparisons), "\n".join(missed)


@pytest.mark.parametrize("setting", NAMES, ids=NAMES.get)
def test_at_least_95_in_100_recordings_end_alike_and_within_an_interval(setting: str) -> None:
    hold([compared(each) for each in of(setting)])


@pytest.mark.parametrize("setting", NAMES, ids=NAMES.get)
def test_so_they_do_where_the_controllers_tick_is_drawn(setting: str) -> None:
    hold([compared(untold(each)) for each in of(setting)])


def test_what_is_not_reproduced_is_listed() -> None:
    wrong = [replace(each, at=each.at + 1000.0) for each in of("fw")]
    assert len([line for line in table(wrong) if line.startswith("- ")]) == 2 * len(wrong)


@pytest.mark.parametrize(
    ("setting", "changed"),
    [("fd", {"threshold": 3}), ("fd", {"iterations": 38}), ("ac", {"failure_limit": 5}), ("ab", {"count": 8})],
)
def test_a_model_that_is_off_by_little_is_found_out(setting: str, changed: dict[str, int]) -> None:
    wrong = [compared(replace(each, model=replace(each.model, **changed))) for each in of(setting)]
    assert sum(each.reproduced for each in wrong) < 0.95 * len(wrong)


def test_prometheus_gives_every_answer_that_was_recorded() -> None:
    """9,000 values, to the six digits that were kept; left out is what fell near an outage, whose edges are unknown."""
    told = 0
    for recording in recorded():
        scale = 100.0 if recording.setting.startswith("f") else 1.0
        at = np.array([moment for moment, _ in recording.answers])
        near = tuple((start - 15.0, end + 15.0) for start, end in recording.release.outages)
        store = store_of(recording.release.candidate)
        answers = error_ratio(recording.release, store, at, recording.model.window)
        beyond = away(near, at)
        for i, (moment, value) in enumerate(recording.answers):
            if beyond[i]:
                continue
            assert (value is not None) == bool(answers.present[i]), f"{recording.name} at {moment:.1f} s"
            if value is not None:
                told += 1
                assert scale * answers.value[i] == pytest.approx(value, abs=1e-6), f"{recording.name} at {moment:.1f} s"
    assert told > 8000
