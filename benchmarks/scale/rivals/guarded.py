"""How each guard is given the same targets, and by what in the API one sees that it is at work on them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.scale.rivals.manifests import (
    Object,
    analysis_template,
    canary,
    deployment,
    metric_template,
    rollout,
)
from e2e.controlplane.controllers import ARGO, FLAGGER, SOURCES

_DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments/{}"


Seen = tuple[str, Callable[[Mapping[str, Any]], bool]]  # a list in the API, and what must hold of an object in it


@dataclass(frozen=True)
class Guarded:
    """`before` the targets these objects, then each `target`; by what one sees that they are ready to be released, and at work."""

    before: Callable[[str, float], list[Object]]  # of Prometheus's address and the interval
    target: Callable[[str, float], list[Object]]  # of a name and the interval
    container: Object  # of the targets' pods
    place: str  # of what is patched to release
    initialised: Seen
    analysing: Seen

    def path(self, namespace: str, name: str) -> str:
        """What is patched to release a target."""
        return self.place.format(namespace, name)


def guarded_by(guard: str, port: int) -> Guarded:
    """How the targets are made for that guard; their pods listen on `port`."""
    plain = deployment("app", port)["spec"]["template"]["spec"]["containers"][0]
    if guard == FLAGGER:
        return Guarded(
            before=lambda prometheus, _: [*_definitions(FLAGGER), *metric_template(prometheus)],
            target=lambda name, interval: [deployment(name, port), canary(name, port, interval)],
            container=plain,
            place=_DEPLOYMENTS,
            initialised=("/apis/flagger.app/v1beta1/canaries", _in_phase("Initialized")),
            analysing=("/apis/flagger.app/v1beta1/canaries", _in_phase("Progressing")),
        )
    if guard == ARGO:
        return Guarded(
            before=lambda prometheus, interval: [*_definitions(ARGO), analysis_template(prometheus, interval)],
            target=lambda name, _: rollout(name, port),
            container=plain,
            place="/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts/{}",
            initialised=("/apis/argoproj.io/v1alpha1/rollouts", _in_phase("Healthy")),
            analysing=("/apis/argoproj.io/v1alpha1/analysisruns", _in_phase("Running")),
        )
    return Guarded(
        before=lambda _, __: [],
        target=lambda name, _: [deployment(name, port)],
        container=plain,
        place=_DEPLOYMENTS,
        initialised=("/apis/apps/v1/deployments", _is_out),
        analysing=("/apis/apps/v1/deployments", _is_out),
    )


def _in_phase(phase: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda found: found.get("status", {}).get("phase") == phase


def _is_out(found: Mapping[str, Any]) -> bool:
    """Whether `kubectl rollout status` would say that it is done."""
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    return status.get("observedGeneration", 0) >= found["metadata"]["generation"] and counts == [wanted] * 3


def _definitions(guard: str) -> list[Object]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # three megabytes
    return [body for path in SOURCES[guard].definitions for body in _documents(path, loader)]


def _documents(path: Path, loader: Any) -> Iterator[Object]:
    for body in yaml.load_all(path.read_text(), Loader=loader):
        if body and body["kind"] == "CustomResourceDefinition":
            yield body
