"""Kayenta's classifier gives what Kayenta's own gave for the same samples; shared/judge-vectors has them."""

import json
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from benchmarks.judge.peers.kayenta import score  # noqa: E402 (numpy may be absent)
from benchmarks.judge.peers.mann_whitney import Classification, Classifier, shift_between  # noqa: E402

# Beside the repository, or beside the folder of its working trees.
PLACES = [Path(__file__).resolve().parents[up] / "shared" / "judge-vectors" for up in (3, 4)]
VECTORS = next((place for place in PLACES if place.exists()), None)


def vectors() -> list[dict[str, Any]]:
    if VECTORS is None:
        return []
    held: list[dict[str, Any]] = json.loads((VECTORS / "mann-whitney-classifier.json").read_text("utf-8"))
    return held


def test_the_vectors_are_here() -> None:
    if VECTORS is None:
        pytest.skip("the vectors of Kayenta's classifier are not beside this repository (shared/judge-vectors)")
    assert len(vectors()) >= 20


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_it_classifies_as_kayenta_does(vector: dict[str, Any]) -> None:
    classifier = Classifier(
        tolerance=vector["tolerance"],
        confidence=vector["confidence"],
        effect_size=vector["effect_size"],
        effect_size_thresholds=tuple(vector["effect_size_thresholds"]),
        critical_thresholds=tuple(vector["critical_thresholds"]),
        direction=vector["direction"],
        nan_strategy=vector["nan_strategy"],
        critical=vector["critical_metric"],
    )
    got = classifier.classify(np.array(vector["control"], float), np.array(vector["experiment"], float))
    assert got.label == vector["expect"]
    if vector["expect_critical"] is not None:
        assert got.critical == vector["expect_critical"]


def test_the_interval_moves_with_the_sample_and_turns_with_the_sides() -> None:
    x, y = np.array([3.0, 5.0, 8.0, 9.0, 12.5]), np.array([1.0, 2.0, 4.0, 6.0, 7.5])
    shift, further, turned = (shift_between(*sides, 0.9) for sides in ((x, y), (x + 10.0, y), (y, x)))
    assert shift is not None
    assert further is not None
    assert turned is not None
    assert shift.lower < shift.estimate < shift.upper
    assert shift.estimate == pytest.approx(np.median(x[:, None] - y), abs=0.51)
    assert further.lower - shift.lower == pytest.approx(10.0, abs=1e-3)
    assert further.upper - shift.upper == pytest.approx(10.0, abs=1e-3)
    assert turned.lower == pytest.approx(-shift.upper, abs=1e-3)
    assert turned.upper == pytest.approx(-shift.lower, abs=1e-3)


def test_missing_values_are_left_out_or_zero() -> None:
    values = np.array([1.0, np.nan, 3.0])
    assert Classifier().without_nan(values).tolist() == [1.0, 3.0]
    assert Classifier(nan_strategy="replace").without_nan(values).tolist() == [1.0, 0.0, 3.0]


def test_a_metric_that_must_have_data_fails_without_it() -> None:
    nothing, something = np.array([]), np.array([1.0, 2.0])
    assert Classifier(must_have_data=True).classify(something, nothing).label == "NodataFailMetric"
    assert Classifier().classify(something, nothing).label == "Nodata"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["Pass"], 100.0),
        (["Pass", "High"], 50.0),
        (["Pass", "Nodata", "Nodata"], 0.0),
        (["Pass", "Nodata"], 0.0),
        (["Pass", "Pass", "Nodata"], 100.0),
        (["NodataFailMetric", "Pass", "Pass", "Pass"], 75.0),
        (["Error"], 100.0),
    ],
)
def test_the_score_counts_what_passed_and_half_without_data_is_zero(labels: list[Any], expected: float) -> None:
    assert score([Classification(label) for label in labels]) == expected


def test_one_critical_failure_scores_zero() -> None:
    assert score([Classification("Pass"), Classification("Pass"), Classification("High", critical=True)]) == 0.0
