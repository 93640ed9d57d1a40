"""Whose pods are whose, and which of them are on their way out."""

from watchdog.simulator.objects import Object, controlled_by
from watchdog.simulator.resources import PODS
from watchdog.simulator.store import Store


def pods_of(store: Store, owner: Object) -> list[Object]:
    """The pods that a workload controls."""
    return controlled_by(owner, store.all(PODS, owner["metadata"]["namespace"]))


def is_ending(pod: Object) -> bool:
    """Whether it was deleted and is not gone yet."""
    return "deletionTimestamp" in pod["metadata"]


def is_over(pod: Object) -> bool:
    """Whether it has ended by itself."""
    return pod["status"].get("phase") in ("Failed", "Succeeded")
