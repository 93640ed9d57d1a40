"""The recorded runs of the real Flagger and Argo Rollouts, as releases that a model can judge, and how well it does.

../shared/peer-runs, beside this repository, may be absent. A model is given the release as Prometheus held it, the
setting, and the moment of the recorded first check (the real one hangs on the controller's tick); nothing after it.
`untold` takes that away too.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.judge.peers.argo import Argo
from benchmarks.judge.peers.ending import Ending, Outcome
from benchmarks.judge.peers.flagger import Flagger
from benchmarks.judge.runs import Release, Scrapes

# Beside the repository, or beside the folder of its working trees.
PLACES = tuple(Path(__file__).resolve().parents[up] / "shared" / "peer-runs" for up in (4, 5))
FILES = {"flagger": "flagger.jsonl.gz", "argo-rollouts": "argo-rollouts.jsonl.gz"}

NAMES = {
    "fa": "Flagger 60 s, threshold 5",
    "fb": "Flagger 60 s, threshold 1",
    "fc": "Flagger 15 s, threshold 5",
    "fd": "Flagger 15 s, threshold 2",
    "fw": "Flagger 15 s, threshold 2, window 15 s",
    "aa": "Argo 60 s, count 10, failureLimit 0",
    "ab": "Argo 60 s, count 10, failureLimit 3",
    "ac": "Argo 15 s, count 40, failureLimit 3",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded run: what happened, how the real program ended it, and when it took its first checks."""

    setting: str
    name: str
    release: Release
    model: Flagger | Argo
    outcome: Outcome
    at: float
    answers: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A recording beside the model's ending of it. Reproduced: ended alike, to within one interval of the setting."""

    recording: Recording
    ending: Ending

    @property
    def late(self) -> float | None:
        """Seconds by which the model ended later (negative: sooner) than the real program."""
        return None if self.ending.at is None else self.ending.at - self.recording.at

    @property
    def reproduced(self) -> bool:
        late = self.late
        alike = self.ending.outcome == self.recording.outcome
        return alike and late is not None and abs(late) <= self.recording.model.interval


def place() -> Path | None:
    """Where the recordings are, None where they are not beside this repository."""
    return next((place for place in PLACES if all((place / name).exists() for name in FILES.values())), None)


def recordings(folder: Path) -> Iterator[Recording]:
    """All recorded runs, Flagger's first."""
    for name in FILES.values():
        with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
            yield from (_recording(json.loads(line)) for line in lines)


def compared(recording: Recording) -> Comparison:
    """The recording as its model ends it."""
    return Comparison(recording, recording.model.analyse(recording.release))


def untold(recording: Recording) -> Recording:
    """The same, the model not told of the first check: it draws the controller's tick, as in the bench's worlds."""
    model = recording.model
    if isinstance(model, Flagger):
        return replace(recording, model=replace(model, first_check=None))
    return replace(recording, model=replace(model, first_measurement=None, second=None))


def _recording(row: dict[str, Any]) -> Recording:
    start = row["start"]
    pods = [_pod("new", row["samples"], start)]
    if row.get("old_pod_samples"):
        # Flagger's own query matches the pod of the release before; within a window of it, it judges both together.
        pods.append(_pod("old", row["old_pod_samples"], start))
    at = row["decision"] - start
    which = f"{row['config_id']} {row['behaviour']} {row['rps']} rps"
    interval = float(row["scrape_interval"])
    release = Release(
        world=row["behaviour"],
        seed=row["rep"],
        candidate=tuple(pods),
        stable=(),
        bake=at + 300.0,  # beyond the recorded end, so that a model that ends later is seen to
        scrape_interval=interval,
        fault_at=None,
        failing=np.zeros(1),
        outages=_outages(pods[0], interval, at) if row["stage"].startswith("out") else (),
    )
    checks = tuple((when - start, value) for when, value in row["checks"])
    return Recording(
        setting=row["config_id"],
        name=f"{which}, scrape {interval:g} s, {row['stage']} {row['rep']}",
        release=release,
        model=_model(row, checks[0][0], start),
        outcome=row["decision_kind"],
        at=at,
        answers=checks,
    )


def _model(row: dict[str, Any], first: float, start: float) -> Flagger | Argo:
    config = row["config"]
    interval, window = _seconds(config["interval"]), _seconds(config["window"])
    if row["peer"] == "flagger":
        iterations, threshold = config["iterations"], config["threshold"]
        return Flagger(interval, threshold, iterations, window, "errors", first_check=first)
    return Argo(
        interval,
        config["count"],
        config["failureLimit"],
        window=window,
        query="errors",
        first_measurement=first,
        second=start % 1,
    )


def _pod(name: str, samples: list[list[float]], start: float) -> Scrapes:
    held = np.array(samples, dtype=np.float64).reshape(-1, 3)
    return Scrapes(name, 0.0, held[:, 0] - start, held[:, 1], held[:, 2])


def _outages(pod: Scrapes, interval: float, end: float) -> tuple[tuple[float, float], ...]:
    """Prometheus was away somewhere between the samples that it lacks; when exactly, the recording does not tell.

    Taken to have gone half an interval after its last sample and to be back half an interval before its next.
    """
    half = interval / 2
    gaps = np.flatnonzero(np.diff(pod.at) > 1.9 * interval)
    inner = [(float(pod.at[i]) + half, float(pod.at[i + 1]) - half) for i in gaps]
    last = float(pod.at[-1])
    return (*inner, (last + half, float("inf"))) if last < end - interval else tuple(inner)


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]
