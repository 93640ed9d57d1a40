"""Past switches of DaemonSets, where kube-state-metrics may show the pods' label `controller-revision-hash`.

By default they show none (`--metric-labels-allowlist=pods=[controller-revision-hash]`), and no other metric tells.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from watchdog.adapters.kubernetes.providers import pods_of
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import one_of, over_time
from watchdog.replay.courses import Course, SeenPod, Serving
from watchdog.replay.kube_state import SOURCE, STEP, KubeState, as_made
from watchdog.replay.looks import PROGRESS

_HASH = "label_controller_revision_hash"


async def courses(
    source: MetricSource, namespaces: Iterable[str], state: KubeState, start: datetime, end: datetime
) -> tuple[Course, ...]:
    """What served each DaemonSet. Raises `NotAnswered`."""
    within = f"namespace=~{one_of(namespaces)}"
    shown = f'last_over_time(kube_pod_labels{{{within}, {_HASH}!=""}}[{int(STEP)}s])'
    labelled = await over_time(source, f"max by (namespace, pod, {_HASH}) ({shown})", start, end, STEP)
    if not labelled:
        return ()
    owned = f'last_over_time(kube_pod_owner{{{within}, owner_kind="DaemonSet"}}[{int(STEP)}s])'
    owners = await over_time(source, f"max by (namespace, pod, owner_name) ({owned})", start, end, STEP)
    templates = {(one.labels.get("namespace", ""), one.labels.get("pod", "")): one.labels[_HASH] for one in labelled}
    made: dict[Target, dict[SeenPod, str]] = {}
    for one in owners:
        namespace, name = one.labels.get("namespace", ""), one.labels.get("pod", "")
        target = Target(namespace, TargetKind.DAEMONSET, one.labels.get("owner_name", ""))
        for pod in state.pods.born.get(namespace, ()):
            if pod.name == name and (namespace, name) in templates:
                made.setdefault(target, {})[pod] = templates[namespace, name]
    return tuple(
        Course(target, state.labels.get(target, {}), tuple(_served(target, pods)))
        for target, pods in sorted(made.items())
    )


def _served(target: Target, pods: dict[SeenPod, str]) -> Sequence[Serving]:
    """Whatever its controller makes is of the newest template: another one serves from its first pod on."""
    rows: list[tuple[str, list[SeenPod]]] = []
    for pod in as_made(pods):
        if not rows or rows[-1][0] != pods[pod]:
            rows.append((pods[pod], []))
        rows[-1][1].append(pod)
    return [
        Serving(
            Revision(target.name, template, pods=pods_of(target), kind=target.kind),
            made[0].created,
            source=SOURCE,
            pods=tuple(made),
            patience=PROGRESS * len(made),
        )
        for template, made in rows
    ]
