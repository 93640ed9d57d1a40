"""What kustomize and Helm make of deploy/, as objects by kind, namespace and name."""

import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from deployment.tools import DEPLOY, kubectl, module, said

Object = dict[str, Any]
Objects = dict[tuple[str, str, str], Object]

KUSTOMIZE = DEPLOY / "kustomize"
CHART = DEPLOY / "helm" / "rollback-watchdog"
ENVIRONMENTS = ("development", "staging", "production")
NAMESPACE = "watchdog"
CUSTOM = {"ServiceMonitor", "PodMonitor"}  # of the Prometheus operator: no schema of theirs comes with Kubernetes
HELMS_OWN_LABELS = ("app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart")


@cache
def generator() -> ModuleType:
    """deploy/generate.py."""
    return script(DEPLOY / "generate.py")


def script(path: Path) -> ModuleType:
    """A program of deploy/, to ask it what it would write."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def objects(text: str) -> Objects:
    """The objects of some YAML; two of one name are a mistake."""
    found = [each for each in yaml.safe_load_all(text) if each]
    by_name = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one for one in found}
    assert len(by_name) == len(found)
    return by_name


def kustomized(directory: Path) -> str:
    """As `kubectl apply -k` would apply it."""
    return said([kubectl(), "kustomize", str(directory)])


def rules_of(environment: str) -> str:
    return (KUSTOMIZE / "overlays" / environment / "rules.toml").read_text()


def values_of(environment: str) -> Object:
    """An environment's values, its rules given as `--set-file rules=` gives them."""
    values: Object = yaml.safe_load((CHART / f"values-{environment}.yaml").read_text())
    return values | {"rules": rules_of(environment)}


def helmed(values: Mapping[str, Any]) -> str:
    """As `helm install` would apply it. Raises the package's own errors."""
    helm = module("helm_python")
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(dict(values))
        rendered = chart.render(dict(values), name="rollback-watchdog", namespace=NAMESPACE)
    return "\n---\n".join(text for name, text in sorted(rendered.items()) if name.endswith(".yaml"))


def without_helms_labels(found: Objects) -> Objects:
    """Helm marks what it installs; apart from that both are to be the same."""
    for one in found.values():
        for label in HELMS_OWN_LABELS:
            one["metadata"].get("labels", {}).pop(label, None)
    return found
