"""What a Deployment and its ReplicaSets say, read as the deployment controller and kubectl read them.

Works on trimmed objects (`trimming`); whole ones are trimmed first, so that cache and fresh reads agree.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from watchdog.adapters.kubernetes.acting import CHANGE_CAUSE
from watchdog.adapters.kubernetes.kinds import PREFIX
from watchdog.adapters.kubernetes.objects import controller
from watchdog.adapters.kubernetes.pods import condition, created, instant
from watchdog.adapters.kubernetes.trimming import HASH_LABEL
from watchdog.domain.owners import Owner, owner_of, runner_of
from watchdog.domain.rollout import Revision
from watchdog.domain.text import printable

Json = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
PROGRESS_DEADLINE = 600.0
_SAID = 300  # characters of what the API server said


def annotations(one: Json) -> Mapping[str, str]:
    """All annotations."""
    return one["metadata"].get("annotations") or {}


def own_annotations(one: Json) -> dict[str, str]:
    """Those with the watchdog's prefix."""
    return {key: value for key, value in annotations(one).items() if key.startswith(PREFIX)}


def labels(one: Json) -> Mapping[str, str]:
    """The object's own labels."""
    return one["metadata"].get("labels") or {}


def number(one: Json) -> int:
    """The revision number of a Deployment or ReplicaSet; 0 where the controller has not given one."""
    text = annotations(one).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def notes(revision: Revision, kept: Json, number: int, by: str) -> dict[str, str]:
    """What people may want to know of a revision beside what its pods are made of; `kept` is what keeps it."""
    told = {
        "revision": str(revision),
        "number": str(number),
        "created": created(kept).isoformat(),
        "change-cause": annotations(kept).get(CHANGE_CAUSE, ""),
        "by": by,
    }
    return {key: note for key, note in told.items() if note}


def matching(deployment: Json, replicasets: Iterable[Json]) -> Json | None:
    """The ReplicaSet of the Deployment's template: the oldest, if there are several, as the controller takes it."""
    same = [one for one in replicasets if one["template"]["digest"] == deployment["template"]["digest"]]
    return min(same, key=lambda one: (created(one), one["metadata"]["name"]), default=None)


def newest(replicasets: Iterable[Json]) -> Json | None:
    """The ReplicaSet with the highest revision number."""
    return max(replicasets, key=lambda one: (number(one), created(one), one["metadata"]["name"]), default=None)


def current(deployment: Json, replicasets: Iterable[Json]) -> Json | None:
    """The ReplicaSet that serves, or is about to; None while a new template has no ReplicaSet yet.

    While a Deployment is paused, its controller makes no ReplicaSet of an edited template: the newest goes on serving.
    """
    replicasets = tuple(replicasets)
    found = matching(deployment, replicasets)
    return newest(replicasets) if found is None and is_paused(deployment) else found


def is_settled(deployment: Json, replicaset: Json) -> bool:
    """Whether the controller has seen the Deployment as it is, and numbered this ReplicaSet as its newest.

    Until then the two may come from different moments: their watches know nothing of each other.
    """
    return is_observed(deployment) and number(deployment) == number(replicaset)


def is_observed(deployment: Json) -> bool:
    """Whether the controller has seen the Deployment's present spec."""
    observed = int(deployment["status"].get("observedGeneration") or 0)
    return observed >= generation(deployment)


def generation(deployment: Json) -> int:
    """Grows with each change of the spec."""
    return int(deployment["metadata"].get("generation") or 0)


def is_paused(deployment: Json) -> bool:
    """`kubectl rollout pause`."""
    return bool(deployment["spec"].get("paused"))


def desired(deployment: Json) -> int:
    """How many pods it shall have."""
    replicas = deployment["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def is_complete(deployment: Json) -> bool:
    """What `kubectl rollout status` waits for."""
    status = deployment["status"]
    updated = int(status.get("updatedReplicas") or 0)
    return (
        is_observed(deployment)
        and updated >= desired(deployment)
        and int(status.get("replicas") or 0) <= updated
        and int(status.get("availableReplicas") or 0) >= updated
    )


def completed_at(deployment: Json) -> datetime | None:
    """When the rollout that is complete became so; None where it is not, or the controller keeps no progress."""
    progressing = condition(deployment, "Progressing")
    if not is_complete(deployment) or progressing.get("reason") != "NewReplicaSetAvailable":
        return None
    return instant(progressing.get("lastUpdateTime"))


def deadline_exceeded(deployment: Json) -> bool:
    """The controller gave this rollout up; not what it says of the template before."""
    progressing = condition(deployment, "Progressing")
    late = progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded"
    return late and is_observed(deployment)


def blocked(deployment: Json) -> str:
    """Why the controller can make no pods for it; "" where it can, or nobody has tried for its present spec."""
    failure = condition(deployment, "ReplicaFailure")
    if failure.get("status") != "True" or not is_observed(deployment):
        return ""
    return printable(str(failure.get("message") or failure.get("reason") or "for a reason that was not given"))[:_SAID]


def progress_deadline(deployment: Json) -> float:
    """Seconds a rollout may go without progress."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return PROGRESS_DEADLINE if seconds is None else float(seconds)


def managers(one: Json) -> tuple[str, ...]:
    """Field managers of the template or selector, newest first."""
    return tuple(dict.fromkeys(manager for manager, _ in one["writers"]))


def owner(one: Json) -> Owner | None:
    """Who reconciles the object, by its marks."""
    return owner_of(labels(one), one["metadata"].get("annotations") or {}, managers(one))


def runner(one: Json) -> Owner | None:
    """Whose controller rolls the object out by itself, by its marks."""
    ref = controller(one)
    named = (str(ref.get("apiVersion")).partition("/")[0], str(ref.get("kind")), str(ref.get("name"))) if ref else None
    return runner_of(str(one["metadata"].get("namespace", "")), named, annotations(one))


def written_at(one: Json) -> datetime | None:
    """When the newest writer of the template or selector wrote the object last: it was not changed after that."""
    return instant(one["writers"][0][1]) if one["writers"] else None


def template_hash(replicaset: Json) -> str:
    """Its pod-template-hash."""
    return labels(replicaset).get(HASH_LABEL) or str(replicaset["metadata"]["name"]).rpartition("-")[2]


def revision_of(deployment_name: str, replicaset: Json) -> Revision:
    """The revision that a ReplicaSet is."""
    return Revision(
        workload=deployment_name,
        template=template_hash(replicaset),
        uid=str(replicaset["metadata"].get("uid", "")),
        number=number(replicaset),
        images=tuple(replicaset["template"]["images"]),
        created=created(replicaset),
    )


def replicaset_of(revision: Revision, replicasets: Iterable[Json]) -> Json | None:
    """The ReplicaSet of a revision among those of its Deployment; None if it is gone."""
    return next((one for one in replicasets if template_hash(one) == revision.template), None)


def before(replicaset: Json, replicasets: Iterable[Json]) -> Json | None:
    """The ReplicaSet that served before this one: the newest of the others."""
    others = [one for one in replicasets if one["metadata"].get("uid") != replicaset["metadata"].get("uid")]
    return newest(others)


def not_before(replicaset: Json, replicasets: Iterable[Json]) -> datetime:
    """The earliest moment from which a ReplicaSet may have been current.

    One that was taken up again is older than that: then whatever has a lower number was made before it.
    """
    earliest = created(replicaset)
    if HISTORY in annotations(replicaset):
        earlier = [created(one) for one in replicasets if number(one) < number(replicaset)]
        earliest = max([earliest, *earlier])
    return earliest


def first_pod_at(pods: Iterable[Json], *, since: datetime) -> datetime | None:
    """When the first of these pods was made, leaving out those made before `since`.

    Kubernetes cuts its times to whole seconds, in each object for itself.
    """
    times = [created(pod) for pod in pods]
    return min((time for time in times if time >= since - timedelta(seconds=1)), default=None)


def selects(selector: Mapping[str, str], pod_labels: Mapping[str, str]) -> bool:
    """Whether a Service's selector selects pods with these labels; an empty one selects none."""
    return bool(selector) and all(pod_labels.get(key) == value for key, value in selector.items())


def looks_like_a_colour(selector: Mapping[str, str], pod_labels: Mapping[str, str]) -> bool:
    """Whether pods with these labels look like the other colour of a Service.

    They have all labels that the selector asks for, at least one with the same value and one with another.
    """
    same = sum(pod_labels.get(key) == value for key, value in selector.items())
    return all(key in pod_labels for key in selector) and 0 < same < len(selector)
