"""What the server fills in where the writer left it out."""

from collections.abc import Mapping
from typing import Any

from watchdog.simulator.objects import Object
from watchdog.simulator.resources import (
    DAEMONSETS,
    DEPLOYMENTS,
    ENDPOINTSLICES,
    EVENTS,
    PODS,
    REPLICASETS,
    SERVICES,
    STATEFULSETS,
    Resource,
)


def defaulted(resource: Resource, obj: Object) -> Object:
    """The object with the server's defaults; parts that need none are shared with the one given."""
    fill = _FILLERS.get(resource.plural)
    return fill(obj) if fill else obj


def _under(values: Mapping[str, Any] | None, **defaults: Any) -> Object:
    values = values or {}
    return {**{key: value for key, value in defaults.items() if key not in values}, **values}


def _with_spec(obj: Object, **defaults: Any) -> Object:
    return {**obj, "spec": _under(obj.get("spec"), **defaults)}


def _deployment(obj: Object) -> Object:
    obj = _with_spec(obj, progressDeadlineSeconds=600, replicas=1, revisionHistoryLimit=10)
    spec = obj["spec"]
    strategy = _under(spec.get("strategy"), type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = _under(strategy.get("rollingUpdate"), maxSurge="25%", maxUnavailable="25%")
        strategy = {**strategy, "rollingUpdate": rolling}
    return {**obj, "spec": {**spec, "strategy": strategy, "template": _template(spec.get("template"))}}


def _replicaset(obj: Object) -> Object:
    obj = _with_spec(obj, replicas=1)
    return {**obj, "spec": {**obj["spec"], "template": _template(obj["spec"].get("template"))}}


def _statefulset(obj: Object) -> Object:
    obj = _with_spec(obj, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    spec = obj["spec"]
    strategy = _under(spec.get("updateStrategy"), type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _under(strategy.get("rollingUpdate"), partition=0)
    claims = _under(spec.get("persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    filled = {"updateStrategy": strategy, "persistentVolumeClaimRetentionPolicy": claims}
    return {**obj, "spec": {**spec, **filled, "template": _template(spec.get("template"))}}


def _daemonset(obj: Object) -> Object:
    obj = _with_spec(obj, revisionHistoryLimit=10)
    spec = obj["spec"]
    strategy = _under(spec.get("updateStrategy"), type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _under(strategy.get("rollingUpdate"), maxSurge=0, maxUnavailable=1)
    return {**obj, "spec": {**spec, "updateStrategy": strategy, "template": _template(spec.get("template"))}}


def _template(template: Mapping[str, Any] | None) -> Object:
    template = template or {}
    return {**template, "metadata": template.get("metadata") or {}, "spec": _pod_spec(template.get("spec"))}


def _pod_spec(spec: Mapping[str, Any] | None) -> Object:
    spec = _under(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        schedulerName="default-scheduler",
        securityContext={},
        terminationGracePeriodSeconds=30,
    )
    for name in ("containers", "initContainers"):
        if isinstance(spec.get(name), list):
            spec[name] = [_container(container) for container in spec[name]]
    return spec


def _container(container: Mapping[str, Any]) -> Object:
    image = str(container.get("image", ""))
    untagged = ":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest")
    filled = _under(
        container,
        imagePullPolicy="Always" if untagged and "@" not in image else "IfNotPresent",
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    if filled.get("ports"):
        filled["ports"] = [_under(port, protocol="TCP") for port in filled["ports"]]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in filled:
            filled[probe] = _probe(filled[probe])
    return filled


def _probe(probe: Mapping[str, Any]) -> Object:
    filled = _under(probe, failureThreshold=3, periodSeconds=10, successThreshold=1, timeoutSeconds=1)
    if "httpGet" in filled:
        filled["httpGet"] = _under(filled["httpGet"], path="/", scheme="HTTP")
    return filled


def _pod(obj: Object) -> Object:
    return {**obj, "spec": _under(_pod_spec(obj.get("spec")), enableServiceLinks=True)}


def admitted_pod(obj: Object) -> Object:
    """What admission adds to a pod; unlike a default, no manager owns it."""
    spec = _under(
        obj["spec"],
        preemptionPolicy="PreemptLowerPriority",
        priority=0,
        serviceAccount="default",
        serviceAccountName="default",
        tolerations=[
            _toleration("node.kubernetes.io/not-ready"),
            _toleration("node.kubernetes.io/unreachable"),
        ],
    )
    return {**obj, "spec": spec}


def qos_class(spec: Mapping[str, Any]) -> str:
    """Guaranteed where limits and requests agree for all containers, BestEffort where there are none."""
    resources = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if not any(part.get("limits") or part.get("requests") for part in resources):
        return "BestEffort"
    for part in resources:
        limits = part.get("limits") or {}
        if not {"cpu", "memory"} <= set(limits) or (part.get("requests") or limits) != limits:
            return "Burstable"
    return "Guaranteed"


def _toleration(key: str) -> Object:
    return {"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}


def _service(obj: Object) -> Object:
    obj = _with_spec(obj, internalTrafficPolicy="Cluster", sessionAffinity="None", type="ClusterIP")
    if obj["spec"]["type"] == "ExternalName":
        obj["spec"].pop("internalTrafficPolicy")
    ports = obj["spec"].get("ports")
    if isinstance(ports, list):
        filled = [_under(port, protocol="TCP", targetPort=port.get("port")) for port in ports]
        obj["spec"]["ports"] = filled
    return obj


def _event(obj: Object) -> Object:
    return _under(obj, deprecatedFirstTimestamp=None, deprecatedLastTimestamp=None, deprecatedSource={})


def _endpointslice(obj: Object) -> Object:
    return _under(obj, endpoints=None, ports=None)


_FILLERS = {
    DEPLOYMENTS.plural: _deployment,
    REPLICASETS.plural: _replicaset,
    STATEFULSETS.plural: _statefulset,
    DAEMONSETS.plural: _daemonset,
    PODS.plural: _pod,
    SERVICES.plural: _service,
    EVENTS.plural: _event,
    ENDPOINTSLICES.plural: _endpointslice,
}
