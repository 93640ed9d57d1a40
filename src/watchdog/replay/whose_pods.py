"""Whose a pod of the past was, where its name does not tell: by when it was made, and by a StatefulSet's turns."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from watchdog.replay.courses import SeenPod

_ORDINAL = re.compile(r"-(\d+)\Z")


def born_of(pods: Iterable[SeenPod], pattern: str) -> tuple[SeenPod, ...]:
    """Those whose names match, as they were made."""
    named = re.compile(pattern)
    return tuple(sorted((pod for pod in pods if named.fullmatch(pod.name)), key=_made))


def shared_out(born: Sequence[SeenPod], begins: Sequence[datetime]) -> list[tuple[SeenPod, ...]]:
    """The pods of each stretch; `begins` are their beginnings, in order. The first one has all from before too."""
    of: list[list[SeenPod]] = [[] for _ in begins]
    made: list[list[SeenPod]] = [[] for _ in begins]
    for pod in born:
        place = max((place for place, begin in enumerate(begins) if begin <= pod.created), default=0)
        made[place].append(pod)
    for place, pods in enumerate(made):
        new = pods if place == 0 else in_turn(pods)
        of[place] += new
        of[max(0, place - 1)] += [pod for pod in pods if pod not in new]
    return [tuple(sorted(pods, key=_made)) for pods in of]


def in_turn(pods: Sequence[SeenPod]) -> list[SeenPod]:
    """Those that a rollout made: from the last ordinal to the first. One below its turn only replaces what was lost.

    Pods without ordinals are all made anew: their controller makes none of an older template.
    """
    ordinals = [ordinal for pod in pods if (ordinal := _ordinal(pod)) is not None]
    if len(ordinals) < len(pods):
        return list(pods)
    turn, found = max(ordinals, default=0), []
    for pod, ordinal in zip(pods, ordinals, strict=True):
        if ordinal >= turn:
            found.append(pod)
            turn = min(turn, ordinal - 1)
    return found


def _ordinal(pod: SeenPod) -> int | None:
    match = _ORDINAL.search(pod.name)
    return int(match[1]) if match else None


def _made(pod: SeenPod) -> tuple[datetime, int, str]:
    return pod.created, -(_ordinal(pod) or 0), pod.name
