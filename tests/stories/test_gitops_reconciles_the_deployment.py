"""Argo CD and Flux put back what others change: the watchdog does not fight them."""

import asyncio
import json
from typing import Any

import pytest

from town import NAMESPACE, RULES, Town, tell
from watchdog.simulator.traffic import Course

HEALED_AFTER = 5.0
SUSPENDING = RULES.replace(
    'channels   = ["releases", "oncall"]', 'channels = ["releases", "oncall"]\ngitops = "suspend"'
)

ARGO = ("applications", "argocd", {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}})
FLUX = ("kustomizations", "flux-system", {"interval": "10m", "prune": True})
MARKS = {
    "applications": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:production/research"}},
    "kustomizations": {
        "labels": {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    },
}


class GitOps:
    """A stand-in that reverts as Argo CD's self-heal and Flux do: what differs from git is applied again, after 5 s."""

    def __init__(self, town: Town, kind: str, namespace: str, spec: dict[str, Any]) -> None:
        self._town, self.kind, self.namespace = town, kind, namespace
        self.wanted = "research:v1"
        self.reverts = 0
        self.every = HEALED_AFTER
        town.cluster.create(kind, namespace, {"metadata": {"name": "shop"}, "spec": spec})
        town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": MARKS[kind]}, manager=self._manager)

    @property
    def _manager(self) -> str:
        return "argocd-controller" if self.kind == "applications" else "kustomize-controller"

    @property
    def object(self) -> Any:
        return self._town.cluster.get(self.kind, self.namespace, "shop")

    def heals(self) -> bool:
        spec = self.object["spec"]
        if self.kind == "applications":
            return bool(((spec.get("syncPolicy") or {}).get("automated") or {}).get("selfHeal"))
        return not spec.get("suspend")

    def commit(self, image: str) -> None:
        self.wanted = image
        self._apply()

    def _apply(self) -> None:
        self._town.cluster.deploy(NAMESPACE, "research", self.wanted, manager=self._manager)

    async def reconcile(self) -> None:
        while True:
            await self._town.clock.sleep(self.every)
            if self.heals() and self._town.serving_image("research") != self.wanted:
                self.reverts += 1
                self._apply()


async def bad_commit(town: Town, kind: str, namespace: str, spec: dict[str, Any]) -> tuple[GitOps, asyncio.Task[None]]:
    gitops = GitOps(town, kind, namespace, spec)
    reconciling = asyncio.create_task(gitops.reconcile())
    town.behaves("research:v2", errors=Course.step(0.004, 0.5, after=20))
    gitops.commit("research:v2")
    return gitops, reconciling


@pytest.mark.parametrize(("kind", "namespace", "spec"), [ARGO, FLUX], ids=["Argo CD", "Flux"])
def test_what_heals_is_held_by_default_with_the_command_that_would_roll_back(
    kind: str, namespace: str, spec: dict[str, Any]
) -> None:
    async def story(town: Town) -> None:
        gitops, reconciling = await bad_commit(town, kind, namespace, spec)
        record = await town.outcome("research")
        reconciling.cancel()
        assert record["outcome"] == "held"
        assert "would revert an undo" in record["reason"]
        assert "rollout undo deployment/research" in record["reason"]
        assert town.acts() == []
        assert gitops.reverts == 0
        assert town.told("oncall")[0] == "held"

    tell(story)


@pytest.mark.parametrize(("kind", "namespace", "spec"), [ARGO, FLUX], ids=["Argo CD", "Flux"])
def test_a_guard_that_suspends_acts_once_and_says_how_to_resume(
    kind: str, namespace: str, spec: dict[str, Any]
) -> None:
    async def story(town: Town) -> None:
        gitops, reconciling = await bad_commit(town, kind, namespace, spec)
        record = await town.outcome("research")
        reconciling.cancel()
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("research") == "research:v1"
        assert gitops.reverts == 0
        assert not gitops.heals()
        note = json.loads(gitops.object["metadata"]["annotations"]["rollback-watchdog.dev/suspended"])
        assert note["watch"] == record["watch"]
        if kind == "applications":
            assert note["before"] == spec["syncPolicy"]
        assert town.acts() == ["deployments/research"]
        notice = next(notice for notice, _ in town.channels["releases"].told if notice.topic.value == "rolled-back")
        assert any("resume" in line for line in notice.lines)

    tell(story, rules=SUSPENDING)


def test_an_owner_that_may_not_be_suspended_is_not_fought() -> None:
    async def story(town: Town) -> None:
        gitops, reconciling = await bad_commit(town, *ARGO)
        town.cluster.faults.answer(403, method="PATCH", path="/apis/argoproj.io", count=None)
        record = await town.outcome("research")
        reconciling.cancel()
        assert record["outcome"] == "held"
        assert "could not be suspended" in record["reason"]
        assert town.acts() == []
        assert gitops.reverts == 0

    tell(story, rules=SUSPENDING)


@pytest.mark.parametrize("after", [HEALED_AFTER, 40.0], ids=["at once", "once it was rolled out"])
def test_an_undo_that_somebody_reverts_is_seen_and_not_repeated(after: float) -> None:
    async def story(town: Town) -> None:
        # Its marks are gone, so that nobody can know that it is reconciled.
        gitops, reconciling = await bad_commit(town, *FLUX)
        gitops.every = after
        bare = dict.fromkeys(MARKS["kustomizations"]["labels"])
        town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": {"labels": bare}})
        record = await town.outcome("research")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "not-recovered")
        assert "kustomize-controller" in record["reason"]
        await town.sleep(900)
        reconciling.cancel()
        assert [one["outcome"] for one in town.records("research")[1:]] in ([], ["notified"])
        assert town.acts() == ["deployments/research"]
        assert gitops.reverts == 1

    tell(story)
