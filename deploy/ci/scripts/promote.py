#!/usr/bin/env python3
"""Staging's word on a version: promote.py (it passed), promote.py --check (did it?). With SERVICE and VERSION set.

Kept in the ConfigMap `promoted` of NAMESPACE, a key a service and version, so that production takes only what passed
in staging, and anybody can see what that is.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

from services import annotate, image, setting

CONFIGMAP = "promoted"


def kubectl(*words: str, text: str | None = None) -> str:
    """Standard output; raises CalledProcessError."""
    command = ["kubectl", "--request-timeout=10s", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


def is_promoted(namespace: str, key: str) -> bool:
    """Whether the version passed in staging once."""
    found = json.loads(kubectl("--namespace", namespace, "get", "configmaps", CONFIGMAP, "-o", "json"))
    return key in (found.get("data") or {})


def promote(namespace: str, key: str) -> None:
    """Write it down; the ConfigMap is made where it is not there yet, by one of several that may want to at once."""
    passed = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": os.environ.get("RUN_URL", "")}
    document = {"data": {key: json.dumps(passed)}}
    patch = (
        "--namespace",
        namespace,
        "patch",
        "configmaps",
        CONFIGMAP,
        "--type=merge",
        f"--patch={json.dumps(document)}",
    )
    try:
        kubectl(*patch)
    except subprocess.CalledProcessError as error:
        if "NotFound" not in error.stderr and "not found" not in error.stderr:
            raise
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIGMAP, "namespace": namespace}}
        try:
            kubectl("create", "-f", "-", text=json.dumps(made))
        except subprocess.CalledProcessError as again:
            if "AlreadyExists" not in again.stderr and "already exists" not in again.stderr:
                raise
        kubectl(*patch)


def main() -> int:
    """0: it is (now) promoted; 4: it is not; 1: the cluster cannot be asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="only ask")
    asked = parser.parse_args()
    name, version, namespace = setting("SERVICE"), setting("VERSION"), setting("NAMESPACE")
    image(name, version)  # refuses what is no service or no version
    key = f"{name}.{version}"
    try:
        if not asked.check:
            promote(namespace, key)
            print(f"promoted: {name} {version}")
            return 0
        if is_promoted(namespace, key):
            print(f"{name} {version} passed in {namespace}")
            return 0
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "kubectl failed").strip().splitlines()[-1]
        if not asked.check or "not found" not in said:
            print(f"promote: {said}", file=sys.stderr)
            return 1
    annotate("error", f"{name} {version} is not promoted", f"it has not passed in {namespace}; deploy it there first")
    return 4


if __name__ == "__main__":
    sys.exit(main())
