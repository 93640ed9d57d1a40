"""The resources the watchdog reads and writes, and where they lie. Secrets are not among them, on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from watchdog.domain.rollout import TargetKind

NAME = "rollback-watchdog"  # User-Agent, field manager, and the beginning of our objects' names
PREFIX = "rollback-watchdog.dev/"  # of our annotations and labels


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object as the API server serves it."""

    api_version: str
    plural: str
    kind: str

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The collection's path, or that of one object, or of its subresource. No namespace: the whole cluster's."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [root, *(["namespaces", quote(namespace, safe="")] if namespace else []), self.plural]
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


DEPLOYMENTS = Resource("apps/v1", "deployments", "Deployment")
REPLICASETS = Resource("apps/v1", "replicasets", "ReplicaSet")
STATEFULSETS = Resource("apps/v1", "statefulsets", "StatefulSet")
DAEMONSETS = Resource("apps/v1", "daemonsets", "DaemonSet")
ROLLOUTS = Resource("argoproj.io/v1alpha1", "rollouts", "Rollout")
CANARIES = Resource("flagger.app/v1beta1", "canaries", "Canary")
CONTROLLERREVISIONS = Resource("apps/v1", "controllerrevisions", "ControllerRevision")
HTTPROUTES = Resource("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute")
VIRTUALSERVICES = Resource("networking.istio.io/v1", "virtualservices", "VirtualService")
DESTINATIONRULES = Resource("networking.istio.io/v1", "destinationrules", "DestinationRule")
INGRESSES = Resource("networking.k8s.io/v1", "ingresses", "Ingress")
PODS = Resource("v1", "pods", "Pod")
SERVICES = Resource("v1", "services", "Service")
CONFIGMAPS = Resource("v1", "configmaps", "ConfigMap")
CLAIMS = Resource("v1", "persistentvolumeclaims", "PersistentVolumeClaim")
ACCOUNTS = Resource("v1", "serviceaccounts", "ServiceAccount")
NAMESPACES = Resource("v1", "namespaces", "Namespace")
EVENTS = Resource("events.k8s.io/v1", "events", "Event")
LEASES = Resource("coordination.k8s.io/v1", "leases", "Lease")

READ: Mapping[TargetKind, tuple[Resource, ...]] = MappingProxyType(
    {
        TargetKind.DEPLOYMENT: (DEPLOYMENTS, REPLICASETS, PODS, SERVICES),
        TargetKind.SERVICE: (SERVICES, DEPLOYMENTS, REPLICASETS, PODS),
        TargetKind.STATEFULSET: (STATEFULSETS, CONTROLLERREVISIONS, PODS),
        TargetKind.DAEMONSET: (DAEMONSETS, CONTROLLERREVISIONS, PODS),
        TargetKind.ROLLOUT: (ROLLOUTS, REPLICASETS, PODS),
        TargetKind.HTTPROUTE: (HTTPROUTES, SERVICES, DEPLOYMENTS, REPLICASETS, PODS),
        TargetKind.VIRTUALSERVICE: (VIRTUALSERVICES, DESTINATIONRULES, SERVICES, DEPLOYMENTS, REPLICASETS, PODS),
        TargetKind.INGRESS: (INGRESSES, SERVICES, DEPLOYMENTS, REPLICASETS, PODS),
    }
)
"""What is watched of a namespace in which targets of a kind are guarded: the kind's own objects first."""

OBJECTS: Mapping[TargetKind, Resource] = MappingProxyType({kind: read[0] for kind, read in READ.items()})
BESIDE: Mapping[Resource, TargetKind] = MappingProxyType({DESTINATIONRULES: TargetKind.VIRTUALSERVICE})
"""What says more of all objects of a kind in its namespace."""

CARRIERS: Mapping[Resource, TargetKind] = MappingProxyType({own: kind for kind, own in OBJECTS.items()})
