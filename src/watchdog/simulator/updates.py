"""What an update comes to: the parts that its writer may touch, and what the server alone sets."""

from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object
from watchdog.simulator.resources import DAEMONSETS, ENDPOINTSLICES, SERVICES, Resource

TEMPLATES = "deprecated.daemonset.template.generation"


def owned(resource: Resource, obj: Object) -> Object:
    """The object without the status that every newborn has: nobody wrote that."""
    status = {key: value for key, value in (obj.get("status") or {}).items() if key != "qosClass"}
    newborn = {key: value for key, value in (resource.newborn_status or {}).items() if key != "qosClass"}
    if resource.newborn_status is not None and status == newborn:
        return {key: value for key, value in obj.items() if key != "status"}
    return obj


def updated(resource: Resource, new: Object, current: Object, writer: Writer) -> Object:
    """What the update may touch, with what only the server sets."""
    old_meta, subresource = current["metadata"], writer.subresource
    servers = ("resourceVersion", "managedFields", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
    metadata = {"namespace": old_meta.get("namespace"), "name": old_meta["name"], **new["metadata"]}
    for field in servers:
        metadata[field] = old_meta.get(field)
    for field in ("uid", "creationTimestamp"):
        metadata.setdefault(field, old_meta.get(field))
    metadata = {key: value for key, value in metadata.items() if value is not None}
    new = {**new, "metadata": metadata}
    if resource.newborn_status is not None:
        if subresource == "status":
            new["spec"] = current["spec"]
            metadata.pop("labels", None)
            if "labels" in old_meta:
                metadata["labels"] = old_meta["labels"]
        else:
            new["status"] = current["status"]
    if resource is DAEMONSETS and subresource != "status":
        metadata["annotations"] = _counted_templates(new, current)
    if resource is SERVICES and subresource != "status":
        new["spec"] = _with_addresses(new["spec"], current["spec"])
    if resource.generation and _counts(resource, new, current, subresource):
        metadata["generation"] = old_meta.get("generation", 0) + 1
    return new


def _counted_templates(new: Object, current: Object) -> Object:
    """The server counts a DaemonSet's templates in an annotation, whatever the writer says."""
    count = int((current["metadata"].get("annotations") or {}).get(TEMPLATES, "1"))
    changed = new["spec"].get("template") != current["spec"].get("template")
    return {**(new["metadata"].get("annotations") or {}), TEMPLATES: str(count + changed)}


def _with_addresses(new: Object, current: Object) -> Object:
    allocated = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
    return {**{key: current[key] for key in allocated if key in current}, **new}


def _counts(resource: Resource, new: Object, current: Object, subresource: str) -> bool:
    if subresource == "status":
        return False
    if resource is ENDPOINTSLICES:
        return any(new.get(part) != current.get(part) for part in ("endpoints", "ports"))
    if new.get("spec") != current.get("spec"):
        return True
    annotations = new["metadata"].get("annotations") or {}
    return resource.annotations_count and annotations != (current["metadata"].get("annotations") or {})
