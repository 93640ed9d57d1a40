"""Who else writes an object, in words for a first rules.toml: what Argo CD, Flux and Helm leave on what they own."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from watchdog.adapters.kubernetes import workloads
from watchdog.domain import owners
from watchdog.domain.owners import Tool
from watchdog.survey.cluster import Json

_INSTANCE = "app.kubernetes.io/instance"
_MEANINGS: Mapping[Tool, str] = MappingProxyType(
    {
        Tool.ARGO_CD: "with self-heal it takes a rollback back within seconds",
        Tool.KUSTOMIZATION: "it takes a rollback back when it reconciles next",
        Tool.HELM_RELEASE: "with drift detection it takes a rollback back when it reconciles next",
        Tool.HELM: "its record of the release stays behind a rollback, and the next upgrade begins from there",
    }
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns an object, and what that means for a rollback of the watchdog's. `heals`: it may take it back."""

    name: str
    meaning: str
    heals: bool


def owner_of(one: Json) -> Owner | None:
    """The owner that an object's labels and annotations speak of; None where nobody but people (or CI) writes it."""
    labels, annotations = workloads.labels(one), workloads.annotations(one)
    found = owners.owner_of(labels, annotations, ())
    if found is not None:
        return Owner(str(found), _MEANINGS[found.tool], heals=found.heals is not False)
    if _INSTANCE not in labels:
        return None
    # Argo CD's older mark is a label that people write as well.
    meaning = "if it is Argo CD's, self-heal takes a rollback back within seconds; if people wrote it, roll back"
    return Owner(f"perhaps the {Tool.ARGO_CD} {labels[_INSTANCE]}", meaning, heals=True)
