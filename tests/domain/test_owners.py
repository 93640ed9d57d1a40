"""Who reconciles an object, and what that means for an act."""

from dataclasses import replace

import pytest

from builders import a_live
from domain.test_remedy import breached
from watchdog.domain.effects import Remedy
from watchdog.domain.owners import Owner, Tool, owner_of, suspending
from watchdog.domain.remedy import plan
from watchdog.domain.state import Refusal, RefusalReason

TRACKING = "argocd.argoproj.io/tracking-id"
ARGO = Owner(Tool.ARGO_CD, "shop", "argocd", heals=True)


@pytest.mark.parametrize(
    ("labels", "annotations", "managers", "owner"),
    [
        ({}, {}, (), None),
        ({"app.kubernetes.io/instance": "shop"}, {}, ("helm",), None),
        ({"app.kubernetes.io/instance": "shop"}, {}, ("kubectl", "argocd-controller"), replace(ARGO, heals=None)),
        ({}, {TRACKING: "shop:apps/Deployment:production/web"}, (), replace(ARGO, heals=None)),
        ({}, {TRACKING: "team-a_shop:apps/Deployment:p/web"}, (), Owner(Tool.ARGO_CD, "shop", "team-a")),
        (
            {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            {},
            (),
            Owner(Tool.KUSTOMIZATION, "apps", "flux-system"),
        ),
        (
            {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
            (),
            Owner(Tool.KUSTOMIZATION, "apps", "flux-system", heals=False),
        ),
        (
            {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "production"},
            {"meta.helm.sh/release-name": "web"},
            (),
            Owner(Tool.HELM_RELEASE, "web", "production"),
        ),
        (
            {"app.kubernetes.io/managed-by": "Helm"},
            {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "production"},
            (),
            Owner(Tool.HELM, "web", "production", heals=False),
        ),
    ],
)
def test_an_owner_is_told_by_its_marks(
    labels: dict[str, str], annotations: dict[str, str], managers: tuple[str, ...], owner: Owner | None
) -> None:
    assert owner_of(labels, annotations, managers) == owner


def planned(owner: Owner, gitops: str = "hold") -> Remedy | Refusal:
    watch = breached()
    watch = replace(watch, guard=replace(watch.guard, gitops=gitops))
    return plan(watch, replace(a_live(100, fresh=True), owner=owner))


@pytest.mark.parametrize("tool", [Tool.ARGO_CD, Tool.KUSTOMIZATION, Tool.HELM_RELEASE])
@pytest.mark.parametrize("heals", [True, None])
def test_what_heals_or_may_heal_is_held_with_the_very_commands(tool: Tool, heals: bool | None) -> None:
    owner = Owner(tool, "shop", "gitops", heals)
    answer = planned(owner)
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.GITOPS
    assert str(owner) in answer.sentence
    assert suspending(owner) in answer.sentence
    assert "rollout undo deployment/research" in answer.sentence
    assert ("could not be read" in answer.sentence) is (heals is None)


@pytest.mark.parametrize("tool", list(Tool))
def test_what_heals_nothing_is_put_back(tool: Tool) -> None:
    answer = planned(Owner(tool, "shop", "gitops", heals=False))
    assert isinstance(answer, Remedy)
    assert not answer.suspends


def test_a_guard_that_suspends_does_so_only_with_what_is_known_to_heal() -> None:
    answer = planned(ARGO, "suspend")
    assert isinstance(answer, Remedy)
    assert answer.suspends
    assert answer.owner == ARGO
    assert isinstance(planned(replace(ARGO, heals=None), "suspend"), Refusal)
    unhealing = planned(replace(ARGO, heals=False), "suspend")
    assert isinstance(unhealing, Remedy)
    assert not unhealing.suspends


def test_a_person_may_pass_over_it() -> None:
    watch = replace(breached(), by_hand="ada: down", overridden=("gitops",))
    assert isinstance(plan(watch, replace(a_live(100, fresh=True), owner=ARGO)), Remedy)
