"""Which resources the simulated API server has, and what is special about each."""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Resource:
    """One row of the API: `deployments` of `apps/v1`. There is one object of each, so it is hashed by what it is."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    # Fields that count a generation up when they change: the whole spec, or for some the annotations too.
    generation: bool = False
    annotations_count: bool = False
    # A write without a resourceVersion overwrites what is there; leases and the like refuse that.
    unconditional: bool = True
    # What status a newborn object has, whatever its maker wrote; None: the kind keeps no separate status.
    newborn_status: dict[str, object] | None = None

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` of the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


_STATUS = ("status",)

DEPLOYMENTS = Resource(
    "apps",
    "v1",
    "deployments",
    "Deployment",
    short=("deploy",),
    subresources=("status", "scale"),
    generation=True,
    annotations_count=True,
    newborn_status={},
)
REPLICASETS = Resource(
    "apps",
    "v1",
    "replicasets",
    "ReplicaSet",
    short=("rs",),
    subresources=("status", "scale"),
    generation=True,
    newborn_status={"replicas": 0},
)
STATEFULSETS = Resource(
    "apps",
    "v1",
    "statefulsets",
    "StatefulSet",
    short=("sts",),
    subresources=("status", "scale"),
    generation=True,
    newborn_status={"availableReplicas": 0, "replicas": 0},
)
DAEMONSETS = Resource(
    "apps",
    "v1",
    "daemonsets",
    "DaemonSet",
    short=("ds",),
    subresources=("status",),
    generation=True,
    newborn_status={
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
)
CONTROLLERREVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
PODS = Resource(
    "",
    "v1",
    "pods",
    "Pod",
    short=("po",),
    subresources=("status", "eviction"),
    generation=True,
    newborn_status={"phase": "Pending", "qosClass": "BestEffort"},
)
SERVICES = Resource(
    "",
    "v1",
    "services",
    "Service",
    short=("svc",),
    subresources=_STATUS,
    newborn_status={"loadBalancer": {}},
)
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap", short=("cm",))
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), subresources=_STATUS)
QUOTAS = Resource(
    "", "v1", "resourcequotas", "ResourceQuota", short=("quota",), subresources=_STATUS, newborn_status={}
)
SERVICEACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", short=("sa",))
NAMESPACES = Resource(
    "",
    "v1",
    "namespaces",
    "Namespace",
    namespaced=False,
    short=("ns",),
    subresources=_STATUS,
    newborn_status={"phase": "Active"},
)
NODES = Resource(
    "",
    "v1",
    "nodes",
    "Node",
    namespaced=False,
    short=("no",),
    subresources=_STATUS,
)
ENDPOINTSLICES = Resource(
    "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", generation=True, unconditional=False
)
EVENTS = Resource("events.k8s.io", "v1", "events", "Event", short=("ev",))
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", unconditional=False)

ROLLOUTS = Resource(
    "argoproj.io",
    "v1alpha1",
    "rollouts",
    "Rollout",
    short=("ro",),
    subresources=("status", "scale"),
    generation=True,
    newborn_status={},
)
CANARIES = Resource(
    "flagger.app", "v1beta1", "canaries", "Canary", subresources=_STATUS, generation=True, newborn_status={}
)
APPLICATIONS = Resource("argoproj.io", "v1alpha1", "applications", "Application", generation=True)
HTTPROUTES = Resource(
    "gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", subresources=_STATUS, generation=True
)
VIRTUALSERVICES = Resource("networking.istio.io", "v1", "virtualservices", "VirtualService", generation=True)
DESTINATIONRULES = Resource("networking.istio.io", "v1", "destinationrules", "DestinationRule", generation=True)
INGRESSES = Resource(
    "networking.k8s.io",
    "v1",
    "ingresses",
    "Ingress",
    short=("ing",),
    subresources=_STATUS,
    generation=True,
    newborn_status={"loadBalancer": {}},
)
KUSTOMIZATIONS = Resource(
    "kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization", subresources=_STATUS, generation=True
)
HELMRELEASES = Resource(
    "helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", subresources=_STATUS, generation=True
)

RESOURCES: tuple[Resource, ...] = (
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
    DAEMONSETS,
    CONTROLLERREVISIONS,
    PODS,
    SERVICES,
    CONFIGMAPS,
    CLAIMS,
    QUOTAS,
    SERVICEACCOUNTS,
    NAMESPACES,
    NODES,
    ENDPOINTSLICES,
    EVENTS,
    LEASES,
    ROLLOUTS,
    CANARIES,
    APPLICATIONS,
    HTTPROUTES,
    VIRTUALSERVICES,
    DESTINATIONRULES,
    INGRESSES,
    KUSTOMIZATIONS,
    HELMRELEASES,
)

_BY_PLACE = {(r.group, r.version, r.plural): r for r in RESOURCES}
_BY_NAME = {name: r for r in RESOURCES for name in (r.plural, r.kind, r.kind.lower(), *r.short)}


def at(group: str, version: str, plural: str) -> Resource | None:
    """The resource a URL names, if the server has it."""
    return _BY_PLACE.get((group, version, plural))


def named(name: str) -> Resource:
    """The resource that a person means by `Deployment`, `deployments` or `deploy`."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(f"no resource {name!r} here; known are {sorted(_BY_NAME)}") from None
