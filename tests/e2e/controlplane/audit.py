"""What was written to the API server, by whom, and what was refused, as the server's own audit log says it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The programs of the control plane and the stand-in kubelet write all the time; nobody asks for that.
MACHINERY = ("e2e:controllers", "e2e:scheduler", "e2e:kubelet", "system:apiserver")
READS = ("get", "list", "watch")

POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": list(MACHINERY)},
        # Of those whose rights are tested: what was refused them.
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"], "verbs": list(READS)},
        {"level": "None", "verbs": list(READS)},
        {
            "level": "RequestResponse",
            "resources": [
                {"group": "apps"},
                {"group": "", "resources": ["services", "configmaps", "events", "pods"]},
                {"group": "coordination.k8s.io"},
                {"group": "events.k8s.io"},
            ],
        },
        # Of everything else (tokens among it) only that it happened.
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True)
class AuditedWrite:
    """One write request, answered. `resource` names a subresource as RBAC does: `deployments/status`."""

    verb: str  # create, update, patch, delete, deletecollection
    resource: str
    namespace: str | None
    name: str | None
    user: str
    code: int
    dry_run: bool  # a server-side dry run: asked, checked, not stored
    request: Any  # the body as sent: the object, a patch (a dict, or a JSON patch's list), or None
    response: Any
    uri: str
    user_agent: str
    at: str  # the server's time of arrival, RFC 3339 with microseconds
    audit_id: str


def read(path: Path) -> list[AuditedWrite]:
    """All writes in an audit log, in the order of their answers."""
    return [_write(event) for event in _events(path) if event["verb"] not in READS]


def refusals(path: Path, user: str) -> list[str]:
    """What the user was forbidden: `get /api/v1/...`."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in _events(path)
        if event["user"].get("username") == user and event.get("responseStatus", {}).get("code") == 403
    ]


def _events(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]  # the last line may still be in writing
    return [json.loads(line) for line in whole.splitlines()]


def _write(event: dict[str, Any]) -> AuditedWrite:
    target, response = event.get("objectRef", {}), event.get("responseObject")
    resource = "/".join(filter(None, (target.get("resource", ""), target.get("subresource"))))
    name = target.get("name")
    if name is None and isinstance(response, dict):  # named by the server (generateName), or in the body
        name = response.get("metadata", {}).get("name")
    return AuditedWrite(
        verb=event["verb"],
        resource=resource,
        namespace=target.get("namespace"),
        name=name,
        user=event["user"].get("username", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        dry_run="dryRun=" in event["requestURI"],
        request=event.get("requestObject"),
        response=response,
        uri=event["requestURI"],
        user_agent=event.get("userAgent", ""),
        at=event["requestReceivedTimestamp"],
        audit_id=event["auditID"],
    )
