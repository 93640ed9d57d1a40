"""Whose a pod was when, where its name does not tell: a StatefulSet's pods keep their names over all revisions.

A pod counts for a revision from its creation on, until another pod of that name is made for another revision.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import Answer
from watchdog.domain.rollout import Revision
from watchdog.domain.state import Watch
from watchdog.engine.gathering import Outcome
from watchdog.engine.questions import Question, Stay, Subject


class Stays:
    """What the looks at one target have told of the pods of its revisions; grows with each look."""

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: dict[Revision, dict[str, Stay]] = {}

    def looked(self, watch: Watch, live: Live) -> None:
        """Take note of the pods of both revisions of a watch."""
        pods = [(pod, watch.switch.candidate) for pod in live.candidate_pods]
        if watch.stable is not None:
            pods += [(pod, watch.stable.revision) for pod in live.stable_pods]
        # As they were made: a look back shows all that ever had a name.
        for pod, revision in sorted(pods, key=lambda one: one[0].created):
            self.saw(revision, [pod])

    def saw(self, revision: Revision, pods: Iterable[Pod]) -> None:
        """Take note of a revision's pods, as they are now."""
        mine = self._of.setdefault(revision, {})
        for pod in pods:
            since, until = mine.get(pod.name, (pod.created, pod.created))
            if until is not None and pod.created >= until:
                mine[pod.name] = (pod.created, None)
            for other, stays in self._of.items():
                if other != revision and pod.name in stays:
                    since, until = stays[pod.name]
                    if until is None and since < pod.created:
                        stays[pod.name] = (since, pod.created)

    def of(self, revision: Revision) -> Mapping[str, Stay]:
        """The revision's pods by name, those that are gone among them: from when until when (None: it stays)."""
        return dict(self._of.get(revision, {}))


def while_staying(outcome: Outcome, question: Question, subject: Subject) -> Outcome:
    """An answer without what its pods showed when they were not the subject's."""
    if subject.stays is None or not isinstance(outcome, Answer):
        return outcome
    kept = []
    for series in outcome.series:
        label = question.template.pod_label(series.labels)
        if label is None:
            kept.append(series)
            continue
        stay = subject.stays.get(series.labels[label])
        samples = tuple(sample for sample in series.samples if stay is not None and _within(stay, sample[0]))
        if samples:
            kept.append(replace(series, samples=samples))
    return replace(outcome, series=tuple(kept))


def _within(stay: Stay, at: float) -> bool:
    since, until = stay
    return since.timestamp() <= at and (until is None or at < until.timestamp())
