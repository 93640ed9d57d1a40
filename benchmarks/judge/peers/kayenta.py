"""Kayenta (Spinnaker's NetflixACAJudge-v1.0): a canary analysis of one metric, the share of failed requests.

After NetflixACAJudge.scala, WeightedSumScorer.scala, SynchronousQueryProcessor.java of Spinnaker's repository, and
"How canary judgment works" of its documentation:

- Each `interval` a range query for control and experiment over the interval (with `lookback`: since the start), a point
  each `step`; a step without an answer is NaN, and NaN is left out or replaced by zero.
- The points are compared by `mann_whitney`; the score is the share of metrics that pass. A critical failure scores 0,
  and so do half the metrics or more without data; a metric whose classification failed counts as neither.
- A score below `marginal` ends the canary, the last one must reach `pass_score`.
- A failed query is tried again after 1, 2, 4, ... s, ten times in all; then the stage fails.

The control is the stable revision at the same moments where it still serves, else the equally long stretch before the
switch (the documentation wants a baseline deployed anew for each canary; a release that is a switch has none).
Left out, in Kayenta's favour: the seconds that the stages of an analysis take.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.judge.peers.ending import Ending
from benchmarks.judge.peers.mann_whitney import Classification, Classifier
from benchmarks.judge.peers.prometheus import away, error_ratio, store_of
from benchmarks.judge.runs import Decision, Floats, Release, Scrapes

ATTEMPTS = 10
NODATA_THRESHOLD = 50.0  # percent of the metrics


def score(metrics: Sequence[Classification]) -> float:
    """The summary score (0 to 100) of metrics in one group."""
    labels = [metric.label for metric in metrics]
    if any(metric.critical and metric.label != "Pass" for metric in metrics):
        return 0.0
    if 100.0 * labels.count("Nodata") / len(labels) >= NODATA_THRESHOLD:
        return 0.0
    judged = [label for label in labels if label not in ("Nodata", "Error")]
    return 100.0 * judged.count("Pass") / len(judged) if judged else 100.0


@dataclass(frozen=True, slots=True)
class Kayenta:
    """A canary stage: seconds and scores. `window` is the range of the query's own rate."""

    interval: float
    lifetime: float
    classifier: Classifier = field(default_factory=Classifier)
    step: float = 60.0
    window: float = 60.0
    lookback: bool = False
    marginal: float = 75.0
    pass_score: float = 95.0

    def __call__(self, release: Release) -> Decision:
        return self.analyse(release).decision(release)

    def analyse(self, release: Release) -> Ending:
        """The analysis up to its end, or to the end of the bake."""
        runs = int(self.lifetime // self.interval)
        for run in range(1, runs + 1):
            due = run * self.interval
            if due > release.bake:
                break
            at = _answered(release, due)
            if at is None:
                return Ending("error", due + 2.0 ** (ATTEMPTS - 1) - 1, "the metrics could not be fetched")
            result = self._judge(release, due - (due if self.lookback else self.interval), due)
            reached = score((result,))
            if reached < self.marginal or (run == runs and reached < self.pass_score):
                return Ending("rollback", at, f"score {reached:.0f}: {result.label}")
            if run == runs:
                return Ending("promoted", at, "promoted")
        return Ending("undecided", None, "no judgement failed within the bake")

    def _judge(self, release: Release, start: float, end: float) -> Classification:
        steps = np.arange(start, end + 1e-9, self.step)
        experiment = self._range(release, release.candidate, steps)
        control = self._range(release, release.stable, steps)
        if not _serves(release.stable, start, end):
            control = self._range(release, release.stable, steps - end)
        kept = self.classifier.without_nan
        return self.classifier.classify(kept(control), kept(experiment))

    def _range(self, release: Release, pods: tuple[Scrapes, ...], steps: Floats) -> Floats:
        answers = error_ratio(release, store_of(pods), steps, self.window, "errors", live=False)
        return np.where(answers.present, answers.value, np.nan)


def _serves(pods: tuple[Scrapes, ...], start: float, end: float) -> bool:
    """Whether the pods were asked anything in the last half of the stretch."""
    middle = (start + end) / 2
    for pod in pods:
        inside = pod.total[(pod.at >= middle) & (pod.at <= end)]
        if inside.size > 1 and inside[-1] > inside[0]:
            return True
    return False


def _answered(release: Release, due: float) -> float | None:
    """When the query that is due is answered, None if all attempts fall into an outage."""
    tries = due + np.concatenate(([0.0], np.cumsum(2.0 ** np.arange(ATTEMPTS - 1))))
    answered = np.flatnonzero(~away(release.outages, tries))
    return float(tries[answered[0]]) if answered.size else None
