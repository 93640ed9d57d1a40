"""Who reconciles an object: Argo CD, Flux or Helm. An undo behind the back of one that heals is reverted in seconds.

And who rolls it out: an Argo Rollout or a Flagger Canary judges and takes back by itself; two would fight.

The marks are those that the tools document. A label alone is no proof: `app.kubernetes.io/instance` is written by Helm
charts and by hand as well, so it means Argo CD only where Argo CD has written the object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchdog.domain.rollout import Revision, SwitchKind, Target

_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE, _OLDER_INSTANCE = "app.kubernetes.io/instance", "argocd.argoproj.io/instance"
_KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
_HELM_TOOLKIT = "helm.toolkit.fluxcd.io/"
_RELEASE, _RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


class Tool(StrEnum):
    """What reconciles or has installed it."""

    ARGO_CD = "Argo CD application"
    KUSTOMIZATION = "Flux Kustomization"
    HELM_RELEASE = "Flux HelmRelease"
    HELM = "Helm release"
    ROLLOUT = "Argo Rollout"
    CANARY = "Flagger Canary"


@dataclass(frozen=True, slots=True)
class Owner:
    """What reconciles an object. `heals`: it would revert an undo; None where that could not be read."""

    tool: Tool
    name: str
    namespace: str
    heals: bool | None = None

    def __str__(self) -> str:
        return f"{self.tool} {self.namespace}/{self.name}" if self.namespace else f"{self.tool} {self.name}"


def owner_of(labels: Mapping[str, str], annotations: Mapping[str, str], managers: Sequence[str]) -> Owner | None:
    """The owner by an object's marks; None where nobody reconciles it. What heals is found out elsewhere."""
    if (name := labels.get(_KUSTOMIZE + "name")) is not None:
        heals = False if annotations.get(_KUSTOMIZE + "reconcile") == "disabled" else None
        return Owner(Tool.KUSTOMIZATION, name, labels.get(_KUSTOMIZE + "namespace", ""), heals)
    if (name := labels.get(_HELM_TOOLKIT + "name")) is not None:
        return Owner(Tool.HELM_RELEASE, name, labels.get(_HELM_TOOLKIT + "namespace", ""))
    if (name := labels.get(_OLDER_INSTANCE)) is not None:
        return Owner(Tool.ARGO_CD, name, "argocd")
    if (tracked := annotations.get(_TRACKING, "").partition(":")[0]) != "":
        namespace, _, name = tracked.rpartition("_")
        return Owner(Tool.ARGO_CD, name, namespace or "argocd")
    if _INSTANCE in labels and any(manager.startswith("argocd") for manager in managers):
        return Owner(Tool.ARGO_CD, labels[_INSTANCE], "argocd")
    if (name := annotations.get(_RELEASE)) is not None:
        return Owner(Tool.HELM, name, annotations.get(_RELEASE_NAMESPACE, ""), heals=False)
    return None


_CONTROLLERS = {("argoproj.io", "Rollout"): Tool.ROLLOUT, ("flagger.app", "Canary"): Tool.CANARY}
_MANAGED_BY_ROLLOUT = "argo-rollouts.argoproj.io/managed-by-rollouts"
_PRIMARY = "-primary"  # what Flagger calls its copy of what it rolls out


def runner_of(namespace: str, controller: tuple[str, str, str] | None, annotations: Mapping[str, str]) -> Owner | None:
    """Who rolls an object out, by its own marks; `controller` is its owner's API group, kind and name."""
    if controller is not None and (tool := _CONTROLLERS.get(controller[:2])) is not None:
        return Owner(tool, controller[2], namespace)
    if (name := annotations.get(_MANAGED_BY_ROLLOUT)) is not None:
        return Owner(Tool.ROLLOUT, name, namespace)
    return None


def copies(workload: str) -> tuple[str, str]:
    """What a Canary of this workload rolls out: the workload itself, and Flagger's copy, which serves."""
    return workload, workload + _PRIMARY


def left_to(runner: Owner, target: Target) -> str:
    """That a target is left to what rolls it out, with the command by which a person takes it back there."""
    if runner.tool is Tool.ROLLOUT:
        command = f"kubectl argo rollouts abort {runner.name} -n {runner.namespace}"
    else:
        # Known of Flagger as a manual rollback: it starts no analysis of what it promoted last.
        workload = runner.name if target.kind.routes else target.name.removesuffix(_PRIMARY)
        command = f"kubectl -n {target.namespace} rollout undo deployment/{workload}"
    return f"{runner} rolls it out and takes it back itself; by hand: {command}"


def suspending(owner: Owner) -> str:
    """The command by which a person suspends it; "" where it heals nothing."""
    match owner.tool:
        case Tool.ARGO_CD:
            patch = '{"spec":{"syncPolicy":{"automated":null}}}'
            return f"kubectl -n {owner.namespace} patch application {owner.name} --type merge -p '{patch}'"
        case Tool.KUSTOMIZATION:
            return f"flux suspend kustomization {owner.name} -n {owner.namespace}"
        case Tool.HELM_RELEASE:
            return f"flux suspend helmrelease {owner.name} -n {owner.namespace}"
        case Tool.HELM | Tool.ROLLOUT | Tool.CANARY:
            return ""


def resuming(owner: Owner) -> str:
    """How a person resumes what was suspended, once the bad version is out of git."""
    match owner.tool:
        case Tool.ARGO_CD:
            note = "rollback-watchdog.dev/suspended"
            return f"put back spec.syncPolicy.automated as its annotation {note} says (or: argocd app set {owner.name})"
        case Tool.KUSTOMIZATION:
            return f"flux resume kustomization {owner.name} -n {owner.namespace}"
        case Tool.HELM_RELEASE:
            return f"flux resume helmrelease {owner.name} -n {owner.namespace}"
        case Tool.HELM | Tool.ROLLOUT | Tool.CANARY:
            return ""


def putting_back(target: Target, kind: SwitchKind, to: Revision, selector: Mapping[str, str]) -> str:
    """The command by which a person puts the traffic back."""
    if kind is SwitchKind.SELECTOR:
        wanted = ",".join(f'"{key}":"{value}"' for key, value in sorted(selector.items()))
        patch = '{"spec":{"selector":{' + wanted + "}}}"
        return f"kubectl -n {target.namespace} patch {target.kind} {target.name} -p '{patch}'"
    if kind is SwitchKind.ROUTE:
        weights = ", ".join(f"{key} {value}" for key, value in sorted(selector.items()))
        return f"kubectl -n {target.namespace} edit {target.kind} {target.name} (weights: {weights})"
    if target.kind.aborts:
        return f"kubectl argo rollouts abort {target.name} -n {target.namespace}"
    number = f" --to-revision={to.number}" if to.number else ""
    return f"kubectl -n {target.namespace} rollout undo {target.kind}/{target.name}{number}"
