"""StatefulSets: pods keep their names over all revisions, and are replaced from the last to the first.

An undo changes the template alone: the pods' volumes stay as the bad release left them.
"""

import json
from typing import Any

from watchdog.adapters.kubernetes.histories import History
from watchdog.adapters.kubernetes.pods import to_pod
from watchdog.adapters.kubernetes.revised import UNTIL_DELETED, RevisedProvider, on_delete
from watchdog.domain.owners import putting_back
from watchdog.domain.rollout import Revision, Target, TargetKind, TrafficSwitch

Json = dict[str, Any]


class StatefulSetProvider(RevisedProvider):
    """The traffic provider of StatefulSets. RBAC: get, list, watch, patch of statefulsets, and what it reads."""

    carries = TargetKind.STATEFULSET
    pods = "-[0-9]+"

    def _rolls(self, owner: Json) -> bool:
        return not on_delete(owner) and self._desired(owner) > 0

    def _is_complete(self, owner: Json) -> bool:
        status = owner["status"]
        if int(status.get("readyReplicas") or 0) < self._all(owner):
            return False
        if on_delete(owner):
            return True  # the rest is up to whoever deletes pods
        if _partition(owner):
            return int(status.get("updatedReplicas") or 0) >= self._desired(owner)
        return bool(status.get("updateRevision") == status.get("currentRevision"))

    def _desired(self, owner: Json) -> int:
        return max(0, self._all(owner) - _partition(owner))

    def _all(self, owner: Json) -> int:
        replicas = owner["spec"].get("replicas")
        return 1 if replicas is None else int(replicas)

    def _in_turn(self, owner: Json) -> int:
        return self._desired(owner)

    def _unreached(self, switch: TrafficSwitch, to: Revision, found: History) -> str:
        names = sorted((pod.name for pod in found.pods_of(switch.candidate) if not pod.gone), key=_ordinal)
        undo = putting_back(switch.target, switch.kind, to, {})
        kubectl = f"kubectl -n {switch.target.namespace}"
        if names and on_delete(found.owner):
            return f"{UNTIL_DELETED}: {undo} && {kubectl} delete pod {' '.join(names)}"
        first, partition = _start(found.owner), _partition(found.owner)
        kept = [name for name in names if _ordinal(name) - first < partition]
        if not kept:
            return ""
        strategy = {"updateStrategy": {"rollingUpdate": {"partition": _ordinal(kept[0]) - first}}}
        lower = json.dumps({"spec": strategy}, separators=(",", ":"))
        return (
            f"its partition is {partition}, so an undo would leave {', '.join(kept)} as it is: "
            f"{kubectl} patch statefulset {switch.target.name} -p '{lower}' && {undo}"
        )

    def _stuck(self, target: Target, found: History) -> str:
        """A pod that is not ready holds up an ordered StatefulSet, also when it is the one that is to be replaced.

        Known of Kubernetes, and documented there as forced rollback: whoever undoes has to delete it.
        """
        newest = found.newest
        if (
            newest is None
            or not self._rolls(found.owner)
            or found.owner["spec"].get("podManagementPolicy") == "Parallel"
        ):
            return ""
        wanted, names = found.hash_of(newest), []
        for one in found.pods:
            pod = to_pod(one)
            if found.template_of(one) != wanted and not pod.gone and not pod.ready:
                names.append(pod.name)
        if not names:
            return ""
        broken = " ".join(sorted(names, key=_ordinal))
        return (
            f"{broken} is not ready, and an ordered StatefulSet replaces nothing before it is: "
            f"kubectl -n {target.namespace} delete pod {broken}"
        )


def _partition(owner: Json) -> int:
    """Pods below it stay on the revision that they have."""
    rolling = (owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return 0 if on_delete(owner) else int(rolling.get("partition") or 0)


def _start(owner: Json) -> int:
    """The ordinal of the first pod."""
    return int((owner["spec"].get("ordinals") or {}).get("start") or 0)


def _ordinal(name: str) -> int:
    text = name.rpartition("-")[2]
    return int(text) if text.isdecimal() else 0
