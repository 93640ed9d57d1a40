"""What a Prometheus beside the town would also have scraped: kube-state-metrics, and the watchdog's own metrics."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from town import NAMESPACE, Town


class Exporters:
    """Writes into the town's Prometheus at each of its scrapes."""

    def __init__(self, town: Town) -> None:
        self._town = town
        town.prometheus.after_each_tick(self.scrape)

    def scrape(self) -> None:
        for pod in self._town.cluster.pods():
            self._pod(pod)
        for replicaset in self._town.cluster.list("replicasets", NAMESPACE):
            self._replicaset(replicaset)
        for deployment in self._town.cluster.list("deployments", NAMESPACE):
            self._deployment(deployment)
        for one in self._town.cluster.list("statefulsets", NAMESPACE):
            self._statefulset(one)
        self._own()

    def _add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        self._town.prometheus.tsdb.add(name, {"job": "kube-state-metrics", **labels}, self._town.clock.now(), value)

    def _pod(self, pod: Mapping[str, Any]) -> None:
        metadata, status = pod["metadata"], pod.get("status") or {}
        labels = {"namespace": metadata["namespace"], "pod": metadata["name"], "uid": metadata["uid"]}
        self._add("kube_pod_created", labels, _unix(metadata["creationTimestamp"]))
        if metadata.get("deletionTimestamp"):
            self._add("kube_pod_deletion_timestamp", labels, _unix(metadata["deletionTimestamp"]))
        owner = (metadata.get("ownerReferences") or [{}])[0]
        self._add("kube_pod_owner", {**labels, "owner_kind": owner["kind"], "owner_name": owner["name"]}, 1.0)
        if (template := metadata["labels"].get("controller-revision-hash")) is not None:
            self._add("kube_pod_labels", {**labels, "label_controller_revision_hash": template}, 1.0)
        ready = next((one for one in status.get("conditions") or [] if one["type"] == "Ready"), None)
        if ready is not None:
            is_ready = ready["status"] == "True"
            self._add("kube_pod_status_ready", {**labels, "condition": "true"}, float(is_ready))
            if is_ready:
                self._add("kube_pod_status_ready_time", labels, _unix(ready["lastTransitionTime"]))
        for one in status.get("containerStatuses") or []:
            container = {**labels, "container": one["name"]}
            self._add("kube_pod_container_status_restarts_total", container, float(one.get("restartCount") or 0))
            waiting = ((one.get("state") or {}).get("waiting") or {}).get("reason")
            if waiting:
                self._add("kube_pod_container_status_waiting_reason", {**container, "reason": waiting}, 1.0)

    def _replicaset(self, one: Mapping[str, Any]) -> None:
        labels = {"namespace": NAMESPACE, "replicaset": one["metadata"]["name"]}
        owner = one["metadata"]["ownerReferences"][0]
        self._add("kube_replicaset_owner", {**labels, "owner_kind": owner["kind"], "owner_name": owner["name"]}, 1.0)
        self._add("kube_replicaset_spec_replicas", labels, float(one["spec"].get("replicas") or 0))

    def _deployment(self, one: Mapping[str, Any]) -> None:
        labels = {"namespace": NAMESPACE, "deployment": one["metadata"]["name"]}
        own = one["metadata"].get("labels") or {}
        shown = {"label_" + "".join(c if c.isalnum() else "_" for c in key): value for key, value in own.items()}
        self._add("kube_deployment_labels", {**labels, **shown}, 1.0)
        self._add("kube_deployment_spec_replicas", labels, float(one["spec"].get("replicas", 1)))

    def _statefulset(self, one: Mapping[str, Any]) -> None:
        labels, status = {"namespace": NAMESPACE, "statefulset": one["metadata"]["name"]}, one.get("status") or {}
        self._add("kube_statefulset_replicas", labels, float(one["spec"].get("replicas", 1)))
        for name in ("current", "update"):
            revision = status.get(f"{name}Revision")
            if revision:
                self._add(f"kube_statefulset_status_{name}_revision", {**labels, "revision": revision}, 1.0)

    def _own(self) -> None:
        if self._town.watchdog is None:
            return
        now = self._town.clock.now()
        text = b"".join(self._town.watchdog.metrics.text()).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = {"job": "watchdog", **sample.labels}
                self._town.prometheus.tsdb.add(sample.name, labels, now, float(sample.value))


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
