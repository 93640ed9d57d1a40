"""Who else writes an object: what Argo CD, Flux and Helm leave on what they own."""

from collections.abc import Mapping
from dataclasses import dataclass

from watchdog.adapters.kubernetes import workloads
from watchdog.survey.cluster import Json

_TRACKING = "argocd.argoproj.io/tracking-id"
_ARGO_INSTANCE = "argocd.argoproj.io/instance"
_INSTANCE = "app.kubernetes.io/instance"
_FLUX = {"kustomize.toolkit.fluxcd.io": "Kustomization", "helm.toolkit.fluxcd.io": "HelmRelease"}
_RELEASE, _RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns an object, by which mark, and what that means for a rollback of the watchdog's."""

    name: str
    mark: str
    meaning: str


def owner_of(one: Json) -> Owner | None:
    """The owner that an object's labels and annotations speak of; None where nobody but people (or CI) writes it."""
    labels, annotations = workloads.labels(one), workloads.annotations(one)
    return _argo(labels, annotations) or _flux(labels) or _helm(labels, annotations) or _perhaps_argo(labels)


def _argo(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    if _TRACKING in annotations:
        application = annotations[_TRACKING].partition(":")[0]
        mark = f"annotation {_TRACKING}"
    elif _ARGO_INSTANCE in labels:
        application = labels[_ARGO_INSTANCE]
        mark = f"label {_ARGO_INSTANCE}"
    else:
        return None
    return Owner(f"Argo CD (application {application})", mark, "with self-heal it takes a rollback back within seconds")


def _flux(labels: Mapping[str, str]) -> Owner | None:
    for prefix, kind in _FLUX.items():
        name = labels.get(f"{prefix}/name")
        if name is not None:
            place = f"{labels.get(f'{prefix}/namespace', '?')}/{name}"
            meaning = "it takes a rollback back when it reconciles next"
            return Owner(f"Flux ({kind} {place})", f"label {prefix}/name", meaning)
    return None


def _helm(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    release = annotations.get(_RELEASE)
    if release is None:
        return None
    where = annotations.get(_RELEASE_NAMESPACE)
    name = f"Helm (release {f'{where}/' if where else ''}{release})"
    mark = f"annotation {_RELEASE}" + (f", label {_MANAGED_BY}" if labels.get(_MANAGED_BY) == "Helm" else "")
    return Owner(
        name, mark, "its record of the release stays behind a rollback, and the next upgrade begins from there"
    )


def _perhaps_argo(labels: Mapping[str, str]) -> Owner | None:
    """Argo CD's older mark is a label that people write as well."""
    application = labels.get(_INSTANCE)
    if application is None:
        return None
    meaning = "if it is Argo CD's, self-heal takes a rollback back within seconds; if people wrote it, roll back"
    return Owner(f"perhaps Argo CD (application {application})", f"label {_INSTANCE}", meaning)
