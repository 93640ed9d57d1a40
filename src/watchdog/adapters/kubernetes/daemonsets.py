"""DaemonSets: a pod on each node, whose random name does not tell of which revision it is."""

from typing import Any

from watchdog.adapters.kubernetes.histories import History
from watchdog.adapters.kubernetes.revised import UNTIL_DELETED, RevisedProvider, on_delete
from watchdog.domain.owners import putting_back
from watchdog.domain.rollout import Revision, TargetKind, TrafficSwitch

Json = dict[str, Any]

_MOST_NAMES = 10  # in a sentence


class DaemonSetProvider(RevisedProvider):
    """The traffic provider of DaemonSets. RBAC: get, list, watch, patch of daemonsets, and what it reads."""

    carries = TargetKind.DAEMONSET
    pods = "-[bcdfghjklmnpqrstvwxz2456789]{5}"  # as Kubernetes draws them

    def _rolls(self, owner: Json) -> bool:
        return not on_delete(owner)

    def _is_complete(self, owner: Json) -> bool:
        status, wanted = owner["status"], self._all(owner)
        updated = wanted if on_delete(owner) else int(status.get("updatedNumberScheduled") or 0)
        return updated >= wanted and int(status.get("numberAvailable") or 0) >= wanted

    def _desired(self, owner: Json) -> int:
        return self._all(owner)

    def _all(self, owner: Json) -> int:
        return int(owner["status"].get("desiredNumberScheduled") or 0)

    def _in_turn(self, owner: Json) -> int:
        return self._all(owner)

    def _unreached(self, switch: TrafficSwitch, to: Revision, found: History) -> str:
        names = sorted(pod.name for pod in found.pods_of(switch.candidate) if not pod.gone)
        if not names or not on_delete(found.owner):
            return ""
        namespace, undo = switch.target.namespace, putting_back(switch.target, switch.kind, to, {})
        which = " ".join(names)
        if len(names) > _MOST_NAMES:
            label = f"controller-revision-hash={switch.candidate.template}"
            which = f"-l {label}"  # the label is of this DaemonSet's pods alone: the hash covers its whole template
        return f"{UNTIL_DELETED}: {undo} && kubectl -n {namespace} delete pod {which}"
