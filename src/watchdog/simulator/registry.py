"""The API server behind its HTTP door: what a create, an update, a patch and a delete mean for each kind."""

import copy
import random
import uuid
from datetime import datetime
from typing import Any

from watchdog.simulator import decoding, deletions, patches, quotas, refusals, validation
from watchdog.simulator.cleaning import cleaned
from watchdog.simulator.defaults import admitted_pod, defaulted, qos_class
from watchdog.simulator.deletions import DeleteOptions
from watchdog.simulator.fieldsets import Writer, managed
from watchdog.simulator.objects import SAFE_LETTERS, Object, timestamp, with_metadata
from watchdog.simulator.resources import (
    CONFIGMAPS,
    DAEMONSETS,
    NAMESPACES,
    PODS,
    SERVICEACCOUNTS,
    SERVICES,
    Resource,
)
from watchdog.simulator.store import Store
from watchdog.simulator.timeline import Timeline
from watchdog.simulator.updates import TEMPLATES, owned, updated

CONTROLLER = Writer("kube-controller-manager")
CONTROLLER_STATUS = Writer("kube-controller-manager", "status")


class Registry:
    """Every write goes through here, whether it came over HTTP, from a controller or from a test."""

    def __init__(self, store: Store, timeline: Timeline, seed: int = 0) -> None:
        self.store = store
        self._timeline = timeline
        # Seeded, so that a run can be repeated; nothing here is a secret.
        self._random = random.Random(seed)  # noqa: S311

    def now(self) -> datetime:
        """The cluster's time."""
        return self._timeline.now()

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """The object, read-only; refused with 404 where there is none."""
        found = self.store.get(resource, namespace, name)
        if found is None:
            raise refusals.not_found(resource.plural, resource.group, name)
        return found

    def suffix(self, length: int = 5) -> str:
        """Letters that make a generated name unique."""
        return "".join(self._random.choices(SAFE_LETTERS, k=length))

    def create(self, resource: Resource, namespace: str, body: Any, writer: Writer, *, dry_run: bool = False) -> Object:
        """Store a new object. `body` belongs to the registry from here on."""
        obj = cleaned(decoding.check(resource, body))
        obj = self._placed(resource, namespace, obj)
        obj = self._newborn(resource, defaulted(resource, obj))
        metadata = obj["metadata"]
        validation.validate(resource, obj, None)
        if self.store.get(resource, namespace, metadata["name"]) is not None:
            raise refusals.already_exists(resource.plural, resource.group, metadata["name"])
        fields = managed(None, owned(resource, obj), writer, resource.api_version, self.now())
        if fields:
            obj = with_metadata(obj, managedFields=fields)
        obj = self._allocated(resource, obj)
        if resource is PODS:
            quotas.admit(self.store, namespace, obj)
        return obj if dry_run else self.store.put(resource, obj)

    def _placed(self, resource: Resource, namespace: str, obj: Object) -> Object:
        metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if v is not None}
        if resource.namespaced:
            given = metadata.setdefault("namespace", namespace)
            if given != namespace:
                problem = "the namespace of the provided object does not match the namespace sent on the request"
                raise refusals.bad_request(problem)
            if self.store.get(NAMESPACES, "", namespace) is None:
                raise refusals.not_found(NAMESPACES.plural, "", namespace)
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"][:58] + self.suffix()
        if metadata.get("resourceVersion"):
            raise refusals.bad_request("resourceVersion should not be set on objects to be created")
        return {**obj, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}

    def _newborn(self, resource: Resource, obj: Object) -> Object:
        unset = ("managedFields", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation")
        metadata = {key: value for key, value in obj["metadata"].items() if key not in unset}
        metadata["uid"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        metadata["creationTimestamp"] = timestamp(self.now())
        if resource.generation:
            metadata["generation"] = 1
        if resource is DAEMONSETS:
            metadata["annotations"] = {**(metadata.get("annotations") or {}), TEMPLATES: "1"}
        obj = {**obj, "metadata": metadata}
        if resource.newborn_status is not None:
            obj["status"] = copy.deepcopy(resource.newborn_status)
        if resource is PODS:
            obj["status"]["qosClass"] = qos_class(obj["spec"])
        return obj

    def _allocated(self, resource: Resource, obj: Object) -> Object:
        if resource is PODS:
            return admitted_pod(obj)
        if resource is not SERVICES or obj["spec"].get("type") == "ExternalName":
            return obj
        spec = {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", **obj["spec"]}
        if not spec.get("clusterIP"):
            number = self._random.randrange(1, 65535)
            spec["clusterIP"] = f"10.96.{number >> 8}.{number & 255}"
        spec["clusterIPs"] = [spec["clusterIP"]]
        return {**obj, "spec": spec}

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Any,
        writer: Writer,
        *,
        dry_run: bool = False,
        patching: bool = False,
    ) -> Object:
        """Put another state in the object's place; `writer.subresource` says which part of it."""
        current = self.get(resource, namespace, name)
        new = cleaned(decoding.check(resource, body), current)
        new = {**new, "apiVersion": resource.api_version, "kind": resource.kind}
        new["metadata"] = {k: v for k, v in (new.get("metadata") or {}).items() if v is not None}
        if new["metadata"].get("name", name) != name:
            message = "the name of the object ({0}) does not match the name on the URL ({1})"
            raise refusals.bad_request(message.format(new["metadata"]["name"], name))
        validation.check_versions(resource, new, current, patching=patching)
        new = updated(resource, defaulted(resource, new), current, writer)
        validation.validate(resource, new, current)
        if new == current:
            return current
        fields = managed(owned(resource, current), owned(resource, new), writer, resource.api_version, self.now())
        new = with_metadata(new, managedFields=fields or None)
        if dry_run:
            return new
        stored = self.store.put(resource, new)
        return self._finalised(resource, stored)

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        writer: Writer,
        *,
        content_type: str = patches.MERGE,
        dry_run: bool = False,
    ) -> Object:
        """Patch the newest state; only a resourceVersion in the patch itself can make it conflict."""
        current = self.get(resource, namespace, name)
        patched = patches.apply_patch(content_type, current, patch)
        return self.update(resource, namespace, name, patched, writer, dry_run=dry_run, patching=True)

    def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        options: DeleteOptions | None = None,
        *,
        dry_run: bool = False,
    ) -> tuple[Object, bool]:
        """(the object, whether it is gone at once): a pod is given time, a finalizer holds others back."""
        options = options or DeleteOptions()
        obj = self.get(resource, namespace, name)
        deletions.check_preconditions(resource, obj, options)
        finalizers, grace = deletions.finalizers_of(obj, options), deletions.grace_of(resource, obj, options)
        if dry_run:
            return obj, not finalizers and not grace
        if grace is not None or finalizers:
            marked = deletions.marked(obj, grace or 0, finalizers, self.now())
            obj = obj if marked is obj else self.store.put(resource, marked)
        if grace or finalizers:
            return obj, False
        return self.store.remove(resource, namespace, name), True

    def _finalised(self, resource: Resource, obj: Object) -> Object:
        """An object that only waited for its last finalizer goes when that is taken off."""
        metadata = obj["metadata"]
        waiting = "deletionTimestamp" in metadata and not metadata.get("deletionGracePeriodSeconds")
        if waiting and not metadata.get("finalizers"):
            return self.store.remove(resource, metadata.get("namespace", ""), metadata["name"])
        return obj

    def open_namespace(self, name: str) -> None:
        """Make a namespace with what every namespace has; nothing where it is there already."""
        if self.store.get(NAMESPACES, "", name) is not None:
            return
        self.create(NAMESPACES, "", {"metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]}}, CONTROLLER)
        self.furnish(name)

    def furnish(self, name: str) -> None:
        """The service account and the certificates that controllers put into each new namespace."""
        if self.store.get(SERVICEACCOUNTS, name, "default") is None:
            self.create(SERVICEACCOUNTS, name, {"metadata": {"name": "default"}}, CONTROLLER)
        if self.store.get(CONFIGMAPS, name, "kube-root-ca.crt") is None:
            certificates = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}}
            self.create(CONFIGMAPS, name, certificates, CONTROLLER)
