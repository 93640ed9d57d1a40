#!/usr/bin/env python3
"""Health checks of a Deployment's pods through the API server: healthy.py, with NAMESPACE, SERVICE, DEPLOYMENT set.

Each ready pod of the current template has to answer its health check several times in a row. Through the API
server's proxy (`kubectl get --raw`), so that it works from any runner; it needs the right to get `pods/proxy`.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

from services import service, setting

PORT = os.environ.get("HEALTH_PORT", "http")
TIMES = int(os.environ.get("HEALTH_TIMES", "3"))
WITHIN = float(os.environ.get("HEALTH_WITHIN", "60"))
EVERY = float(os.environ.get("HEALTH_EVERY", "2"))


def kubectl(*words: str) -> str:
    """Standard output; raises CalledProcessError."""
    command = ["kubectl", "--request-timeout=10s", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def objects(*words: str) -> dict[str, Any]:
    """What kubectl says, read."""
    found: dict[str, Any] = json.loads(kubectl(*words, "-o", "json"))
    return found


def pods_of(namespace: str, deployment: str) -> list[dict[str, Any]]:
    """The pods of the Deployment's current revision that are not on their way out."""
    found = objects("--namespace", namespace, "get", f"deployment/{deployment}")
    labels = ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())
    number = found["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    sets = objects("--namespace", namespace, "get", "replicasets", "--selector", labels)["items"]
    current = {
        one["metadata"]["uid"]
        for one in sets
        if one["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision") == number
        and any(owner["uid"] == found["metadata"]["uid"] for owner in one["metadata"].get("ownerReferences", []))
    }
    pods = objects("--namespace", namespace, "get", "pods", "--selector", labels)["items"]
    return [
        pod
        for pod in pods
        if any(owner["uid"] in current for owner in pod["metadata"].get("ownerReferences", []))
        and "deletionTimestamp" not in pod["metadata"]
    ]


def port_of(pod: dict[str, Any]) -> str:
    """The number of the port of that name; a number stays one."""
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            if port.get("name") == PORT:
                return str(port["containerPort"])
    return PORT


def trouble(namespace: str, pod: dict[str, Any], path: str) -> str:
    """Why the pod's health check fails; "" where it answers."""
    name = pod["metadata"]["name"]
    try:
        kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{name}:{port_of(pod)}/proxy{path}")
    except subprocess.CalledProcessError as error:
        return (error.stderr or "no answer").strip().splitlines()[-1]
    return ""


def looked(namespace: str, deployment: str, path: str) -> tuple[int, str]:
    """How many pods answer; the first trouble there is."""
    pods = pods_of(namespace, deployment)
    if not pods:
        return 0, "it has no pods"
    for pod in pods:
        if why := trouble(namespace, pod, path):
            return 0, f"GET {path} of {pod['metadata']['name']}: {why}"
    return len(pods), ""


def main() -> int:
    """Exit 0 when all pods answered so many times in a row, 1 when they did not within the time."""
    namespace, name = setting("NAMESPACE"), setting("SERVICE")
    deployment = os.environ.get("DEPLOYMENT") or name
    path = os.environ.get("HEALTH_PATH") or service(name).get("health", "/health")
    until, in_a_row, why = time.monotonic() + WITHIN, 0, ""
    while in_a_row < TIMES:
        try:
            count, why = looked(namespace, deployment, path)
        except subprocess.CalledProcessError as error:
            count, why = 0, (error.stderr or "kubectl failed").strip().splitlines()[-1]
        in_a_row = in_a_row + 1 if count else 0
        if in_a_row == TIMES:
            print(f"{namespace}/deployment/{deployment}: {count} pods answered GET {path} {TIMES} times in a row")
            return 0
        if not in_a_row and time.monotonic() >= until:
            print(f"{namespace}/deployment/{deployment} is not healthy: {why}", file=sys.stderr)
            return 1
        time.sleep(EVERY)
    return 0


if __name__ == "__main__":
    sys.exit(main())
