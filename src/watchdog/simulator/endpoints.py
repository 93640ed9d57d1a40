"""The endpointslice controller: which pods stand behind a Service, ready or not."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.simulator.objects import Object, is_true, owner_reference, replaced, timestamp, with_metadata
from watchdog.simulator.pods import is_ending, is_over
from watchdog.simulator.registry import CONTROLLER, Registry
from watchdog.simulator.resources import ENDPOINTSLICES, PODS, SERVICES
from watchdog.simulator.selectors import covers

SERVICE_NAME = "kubernetes.io/service-name"
_TRIGGERED = "endpoints.kubernetes.io/last-change-trigger-time"


class EndpointSliceController:
    """Keeps one slice for each Service that has a selector."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def sync(self, namespace: str, name: str) -> None:
        """Bring a Service's slice up to date; where the Service is gone its slice goes with its owner."""
        service = self._registry.store.get(SERVICES, namespace, name)
        if service is None or not service["spec"].get("selector"):
            return
        pods = [pod for pod in self._registry.store.all(PODS, namespace) if _belongs(service, pod)]
        pods.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
        endpoints = [_endpoint(service, pod) for pod in pods]
        ports = _ports(service, pods) if pods else []
        current = self._slice(service)
        if current is None:
            self._create(service, endpoints, ports)
        elif (current.get("endpoints") or [], current.get("ports") or []) != (endpoints, ports):
            annotations = {**(current["metadata"].get("annotations") or {}), _TRIGGERED: self._now()}
            current = with_metadata(current, annotations=annotations, labels=_labels(service))
            current = replaced(current, endpoints=endpoints or None, ports=ports or None)
            self._registry.update(ENDPOINTSLICES, namespace, current["metadata"]["name"], current, CONTROLLER)

    def _now(self) -> str:
        return timestamp(self._registry.now())

    def _slice(self, service: Object) -> Object | None:
        name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        uid = service["metadata"]["uid"]
        for found in self._registry.store.all(ENDPOINTSLICES, namespace):
            owners = found["metadata"].get("ownerReferences") or ()
            named = (found["metadata"].get("labels") or {}).get(SERVICE_NAME) == name
            if named and any(owner["uid"] == uid for owner in owners):
                return found
        return None

    def _create(self, service: Object, endpoints: Sequence[Object], ports: Sequence[Object]) -> None:
        metadata = {
            "generateName": f"{service['metadata']['name']}-",
            "labels": _labels(service),
            "annotations": {_TRIGGERED: self._now()},
            "ownerReferences": [owner_reference(service)],
        }
        body = {
            "metadata": metadata,
            "addressType": "IPv4",
            "endpoints": endpoints or None,
            "ports": ports or None,
        }
        self._registry.create(ENDPOINTSLICES, service["metadata"]["namespace"], body, CONTROLLER)


def _labels(service: Object) -> dict[str, str]:
    labels = {
        **(service["metadata"].get("labels") or {}),
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        SERVICE_NAME: service["metadata"]["name"],
    }
    if service["spec"].get("clusterIP") == "None":
        labels["service.kubernetes.io/headless"] = ""
    return labels


def _belongs(service: Object, pod: Object) -> bool:
    if not pod["status"].get("podIP") or is_over(pod):
        return False
    return covers(service["spec"]["selector"], pod["metadata"].get("labels") or {})


def _endpoint(service: Object, pod: Object) -> Object:
    serving, terminating = is_true(pod, "Ready"), is_ending(pod)
    anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    ready = anyway or (serving and not terminating)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "uid": pod["metadata"]["uid"],
        },
    }


def _ports(service: Object, pods: Sequence[Object]) -> list[Object]:
    """The Service's ports as pod ports; a name that no pod knows leaves its port out."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = _target(port, pods)
        if number is not None:
            ports.append({"name": port.get("name", ""), "port": number, "protocol": port["protocol"]})
    return ports


def _target(port: Mapping[str, Any], pods: Sequence[Object]) -> int | None:
    wanted = port["targetPort"]
    if isinstance(wanted, int):
        return wanted
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for declared in container.get("ports") or ():
                if declared.get("name") == wanted:
                    return int(declared["containerPort"])
    return None
