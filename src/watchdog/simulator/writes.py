"""What a writing call over HTTP asks of the registry, and what it is answered."""

from typing import Any

from watchdog.simulator import patches, refusals
from watchdog.simulator.calls import Call, selection
from watchdog.simulator.deletions import DeleteOptions
from watchdog.simulator.lists import page
from watchdog.simulator.objects import Object
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import PODS
from watchdog.simulator.scale import as_scale, unscaled


class Writes:
    """Carries out the writes of one API server."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def carry_out(self, call: Call) -> tuple[Object, int]:
        """(what is answered, the status code); raises `Refusal`."""
        place, method = call.place, call.request.method
        if place.subresource == "eviction" and method == "POST":
            return self._evict(call), 201
        if method == "POST" and not place.name:
            create = self._registry.create
            return create(place.resource, place.namespace, call.body, call.writer(), dry_run=call.dry_run), 201
        if method == "DELETE":
            return self._delete(call) if place.name else self._delete_all(call), 200
        if method not in ("PUT", "PATCH") or not place.name:
            raise refusals.method_not_allowed()
        if place.subresource == "scale":
            return self._scale(call), 200
        where = (place.resource, place.namespace, place.name)
        if method == "PUT":
            return self._registry.update(*where, call.body, call.writer(), dry_run=call.dry_run), 200
        patched = self._registry.patch(
            *where, call.body, call.writer(), content_type=call.content_type, dry_run=call.dry_run
        )
        return patched, 200

    def _scale(self, call: Call) -> Object:
        place = call.place
        where = (place.resource, place.namespace, place.name)
        current = self._registry.get(*where)
        scale = call.body
        if call.request.method == "PATCH":
            scale = patches.apply_patch(call.content_type, as_scale(current), call.body)
        new = unscaled(current, scale)
        return as_scale(self._registry.update(*where, new, call.writer(), dry_run=call.dry_run, patching=True))

    def _evict(self, call: Call) -> Object:
        options = DeleteOptions.of((call.body or {}).get("deleteOptions") or {})
        self._registry.delete(PODS, call.place.namespace, call.place.name, options, dry_run=call.dry_run)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    def _delete(self, call: Call) -> Object:
        place = call.place
        given: dict[str, Any] = {
            key: call.options[key] for key in ("propagationPolicy", "gracePeriodSeconds") if key in call.options
        }
        options = DeleteOptions.of({**given, **(call.body if isinstance(call.body, dict) else {})})
        obj, gone = self._registry.delete(place.resource, place.namespace, place.name, options, dry_run=call.dry_run)
        if place.resource is PODS or not gone:
            return obj
        details = refusals.details_of(place.resource.group, place.resource.plural, place.name)
        details["uid"] = obj["metadata"]["uid"]
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def _delete_all(self, call: Call) -> Object:
        place = call.place
        found = page(self._registry.store, place.resource, place.namespace, selection(call.options))
        for item in found.objects:
            namespace = item["metadata"].get("namespace", "")
            self._registry.delete(place.resource, namespace, item["metadata"]["name"], dry_run=call.dry_run)
        return found.whole()
