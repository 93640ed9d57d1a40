"""Kayenta's metric classifier: the Mann-Whitney U test as the NetflixACAJudge-v1.0 applies it.

After MannWhitneyClassifier.scala, MannWhitney.scala, BrentSolver.java, EffectSizes.scala (kayenta-judge and
kayenta-mannwhitney in Spinnaker's own repository): a confidence interval for the shift from control to experiment, by
inverting the rank-sum test in its normal approximation with corrections for ties and continuity (what R's
`wilcox.test(conf.int = TRUE, exact = FALSE)` does, with its root finder and its tolerance of 1e-4). A metric is High
where the whole interval lies above `tolerance` times the estimated shift and the effect size reaches its threshold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import copysign, isnan, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np

from benchmarks.judge.runs import Floats

Direction = Literal["increase", "decrease", "either"]
NanStrategy = Literal["remove", "replace"]
EffectSize = Literal["meanRatio", "cles"]
Label = Literal["Pass", "High", "Low", "Nodata", "NodataFailMetric", "Error"]

EPSILON = 2.220446049250313e-16
ROOT_TOLERANCE = 1e-4
NOISE = 1e-5  # of a metric's value, where both sides have but one


@dataclass(frozen=True, slots=True)
class Classification:
    """How a metric was classified; `critical`: the failure that makes the whole canary score 0."""

    label: Label
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Classifier:
    """The judge's own constants by default: tolerance 0.25, confidence 0.98, any effect. Thresholds are (low, high)."""

    tolerance: float = 0.25
    confidence: float = 0.98
    effect_size: EffectSize = "meanRatio"
    effect_size_thresholds: tuple[float, float] = (1.0, 1.0)
    critical_thresholds: tuple[float, float] = (1.0, 1.0)
    direction: Direction = "either"
    nan_strategy: NanStrategy = "remove"
    critical: bool = False
    must_have_data: bool = False

    def classify(self, control: Floats, experiment: Floats) -> Classification:
        """The metric's label. NaN must have been dealt with (`without_nan`)."""
        if not control.size or not experiment.size:
            return self._without_data()
        if np.array_equal(np.sort(control), np.sort(experiment)):
            return Classification("Pass")
        if np.unique(np.concatenate((control, experiment))).size == 1:
            return Classification("Pass")
        label, effect = self._compare(control, experiment)
        high = label == "High" and (isnan(effect) or effect >= self.critical_thresholds[1])
        low = label == "Low" and (isnan(effect) or effect <= self.critical_thresholds[0])
        return Classification(label, critical=self.critical and (high or low))

    def without_nan(self, values: Floats) -> Floats:
        """The values as the judge hands them to the classifier: NaN left out, or zero in its place."""
        missing = np.isnan(values)
        return values[~missing] if self.nan_strategy == "remove" else np.where(missing, 0.0, values)

    def _without_data(self) -> Classification:
        if self.nan_strategy == "replace":
            return Classification("Pass")
        if self.must_have_data and not self.critical:
            return Classification("NodataFailMetric")
        return Classification("Nodata", critical=self.critical)

    def _compare(self, control: Floats, experiment: Floats) -> tuple[Label, float]:
        if np.unique(control).size == 1 and np.unique(experiment).size == 1:
            # Kayenta's noise is random; a fixed seed gives the same label (the sides are apart by far more than it).
            chance = np.random.default_rng(0)
            experiment = experiment + chance.normal(0.0, 1.0, experiment.size) * experiment[0] * NOISE
            control = control + chance.normal(0.0, 1.0, control.size) * control[0] * NOISE
        shift = shift_between(experiment, control, self.confidence)
        if shift is None:
            return "Error", float("nan")
        bound = self.tolerance * abs(shift.estimate)
        effect = cles(control, experiment) if self.effect_size == "cles" else mean_ratio(control, experiment)
        low, high = self.effect_size_thresholds
        if self.direction != "decrease" and shift.lower > bound and (isnan(effect) or effect >= high):
            return "High", effect
        if self.direction != "increase" and shift.upper < -bound and (isnan(effect) or effect <= low):
            return "Low", effect
        return "Pass", effect


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much one sample lies above the other: the confidence interval and the Hodges-Lehmann-like estimate."""

    lower: float
    upper: float
    estimate: float


def mean_ratio(control: Floats, experiment: Floats) -> float:
    """The experiment's mean over the control's; NaN where either is zero, which lifts the threshold on the effect."""
    above, below = float(experiment.mean()), float(control.mean())
    return float("nan") if above == 0.0 or below == 0.0 else above / below


def cles(control: Floats, experiment: Floats) -> float:
    """The share of pairs in which the experiment's value is the higher one (a tie is half)."""
    below = np.searchsorted(np.sort(control), experiment, side="left")
    up_to = np.searchsorted(np.sort(control), experiment, side="right")
    return float(np.sum(below + up_to)) / (2 * control.size * experiment.size)


def shift_between(x: Floats, y: Floats, confidence: float) -> Shift | None:
    """How far x lies above y. None where all observations are tied at one end: Kayenta then reports an error."""
    return _shift(x.tobytes(), y.tobytes(), confidence)


@lru_cache(maxsize=64)
def _shift(x_bytes: bytes, y_bytes: bytes, confidence: float) -> Shift | None:
    # Remembered, since settings that differ in the effect they allow ask for the same test.
    x, y = np.frombuffer(x_bytes), np.frombuffer(y_bytes)
    low, high = float(x.min() - y.max()), float(x.max() - y.min())
    statistic = _standardised(x, y)
    quantile = NormalDist().inv_cdf((1.0 - confidence) / 2)
    at_low, at_high = statistic(low), statistic(high)
    if isnan(at_low) or isnan(at_high):
        return None

    def bound(z: float) -> float:
        if at_low - z <= 0:
            return low
        if at_high - z >= 0:
            return high
        return _root(lambda shift: statistic(shift) - z, low, high, at_low - z, at_high - z)

    return Shift(bound(-quantile), bound(quantile), _root(statistic, low, high, at_low, at_high))


def _standardised(x: Floats, y: Floats) -> Callable[[float], float]:
    """The z of the rank-sum test for a supposed shift; it falls as the shift grows. NaN where all ranks are tied."""
    n, m = x.size, y.size
    sorted_y = np.sort(y)
    within = _ties(x) + _ties(y)

    def statistic(shift: float) -> float:
        moved = x - shift
        below = np.searchsorted(sorted_y, moved, side="left")
        up_to = np.searchsorted(sorted_y, moved, side="right")
        centred = float(np.sum(below + up_to)) / 2 - n * m / 2
        # Ties within each side are the same for every shift; ties between the sides need counting anew.
        tied = _ties(np.concatenate((moved, y))) if np.any(below != up_to) else within
        variance = n * m / 12 * (n + m + 1 - tied / ((n + m) * (n + m - 1)))
        if variance <= 0:
            return float("nan")
        continuity = copysign(0.5, centred) if centred else 0.0
        return (centred - continuity) / sqrt(variance)

    return statistic


def _ties(values: Floats) -> float:
    _, counts = np.unique(values, return_counts=True)
    return float(np.sum(counts.astype(np.float64) ** 3 - counts))


def _root(f: Callable[[float], float], low: float, high: float, at_low: float, at_high: float) -> float:
    """Brent's method as R's `zeroin` writes it, to its default tolerance: of a step function, a point near the step."""
    a, b, c = low, high, low
    fa, fb, fc = at_low, at_high, at_low
    if fa == 0.0:
        return a
    if fb == 0.0:
        return b
    for _ in range(1001):
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        tolerance = 2 * EPSILON * abs(b) + ROOT_TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= tolerance or fb == 0.0:
            return b
        if abs(previous) >= tolerance and abs(fa) > abs(fb):
            p, q = _interpolated(a, b, c, fa, fb, fc)
            if p < 0.75 * (c - b) * q - abs(tolerance * q) / 2 and p < abs(previous * q / 2):
                step = p / q
        if abs(step) < tolerance:
            step = copysign(tolerance, step)
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0 and fc > 0) or (fb < 0 and fc < 0):
            c, fc = a, fa
    return b


def _interpolated(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> tuple[float, float]:
    """Brent's next step as a fraction p / q with p >= 0: linear through two points, inverse quadratic through three."""
    if a == c:
        slope = fb / fa
        p, q = (c - b) * slope, 1.0 - slope
    else:
        q, t1, t2 = fa / fc, fb / fc, fb / fa
        p = t2 * ((c - b) * q * (q - t1) - (b - a) * (t1 - 1.0))
        q = (q - 1.0) * (t1 - 1.0) * (t2 - 1.0)
    return (p, -q) if p > 0.0 else (-p, q)
