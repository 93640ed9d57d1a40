"""What is particular to rollouts: whose they are, when they began, and what an undo does and leaves alone."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.kubernetes.building import (
    GATEWAY,
    GREEN,
    NOON,
    SHOP,
    Connected,
    a_cluster,
    a_gateway,
    a_rollout,
    a_stable,
    connected,
    only,
    passes,
    two_colours,
)
from watchdog.adapters.kubernetes.acting import annotate
from watchdog.adapters.kubernetes.deployments import DeploymentProvider
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, PODS, REPLICASETS
from watchdog.domain.effects import PutBackAnswer, PutBackDone, PutBackRefused, Remedy
from watchdog.domain.live import Live
from watchdog.domain.rollout import Revision, SwitchKind, Target
from watchdog.ports import OutOfReach
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.pod_behaviour import PodBehaviour

READS = Rule(["get", "list", "watch"], ["deployments", "replicasets", "pods", "services"])


async def look(at: Connected, candidate: Revision, to: Revision) -> Live:
    provider = at.rollouts.provider
    assert isinstance(provider, DeploymentProvider)
    return await provider.live(a_rollout(candidate, to), a_stable(to), fresh=True)


async def put_back(at: Connected, candidate: Revision, to: Revision) -> PutBackAnswer:
    provider = at.rollouts.provider
    assert isinstance(provider, DeploymentProvider)
    live = await look(at, candidate, to)
    remedy = Remedy("w-1", GATEWAY, SwitchKind.ROLLOUT, candidate, to, live.uid, live.resource_version)
    return await provider.put_back(remedy)


async def rolled(at: Connected, tag: str = "v2", **given: Any) -> tuple[Revision, Revision]:
    """Roll the gateway out; the new revision and the one before."""
    before = at.revision("gateway")
    at.cluster.deploy(SHOP, "gateway", f"gateway:{tag}", **given)
    await passes(30)
    return at.revision("gateway"), before


def test_an_undo_restores_template_and_change_cause_and_leaves_every_other_annotation() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            hold = {"rollback-watchdog.dev/hold": "an old hold", "example.com/a": "1"}
            await a_gateway(cluster, cause="release 1", annotations=hold)
            async with connected(cluster) as at:
                gone = {"metadata": {"annotations": {"rollback-watchdog.dev/hold": None, "example.com/a": "2"}}}
                cluster.patch("deployments", SHOP, "gateway", gone)
                candidate, stable = await rolled(at, cause="release 2")
                assert isinstance(await put_back(at, candidate, stable), PutBackDone)
                await passes(30)
                live = cluster.get("deployments", SHOP, "gateway")
                assert live["metadata"]["annotations"] == {
                    "deployment.kubernetes.io/revision": "3",
                    "kubernetes.io/change-cause": "release 1",
                    "example.com/a": "2",
                    "rollback-watchdog.dev/last-watch": "w-1",
                    "rollback-watchdog.dev/known-good": str(stable),
                }
                assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "gateway:v1"
                assert "pod-template-hash" not in live["spec"]["template"]["metadata"]["labels"]
                assert live["spec"]["replicas"] == 2
                assert at.revision("gateway") == stable

    run_simulated(main())


def test_a_change_cause_that_stable_never_had_is_removed() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at, cause="release 2")
                assert isinstance(await put_back(at, candidate, stable), PutBackDone)
                live = cluster.get("deployments", SHOP, "gateway")
                assert "kubernetes.io/change-cause" not in live["metadata"]["annotations"]

    run_simulated(main())


def test_annotations_are_set_with_escaped_names_and_where_there_were_none() -> None:
    wanted = {"a.dev/x~y": "1", "b.dev/gone": None}
    assert annotate({"metadata": {}}, wanted) == [
        {"op": "add", "path": "/metadata/annotations", "value": {"a.dev/x~y": "1"}}
    ]
    assert annotate({"metadata": {}}, {"b.dev/gone": None}) == []
    assert annotate({"metadata": {"annotations": {"b.dev/gone": "x", "c": "y"}}}, wanted) == [
        {"op": "add", "path": "/metadata/annotations/a.dev~1x~0y", "value": "1"},
        {"op": "remove", "path": "/metadata/annotations/b.dev~1gone"},
    ]


def test_a_restart_is_nothing_that_an_undo_could_change() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                before = at.revision("gateway")
                cluster.restart(SHOP, "gateway")
                await passes(30)
                restarted = at.revision("gateway")
                assert restarted != before
                destination = (await look(at, restarted, before)).destination
                assert destination is not None
                assert destination.exists
                assert not destination.differs

    run_simulated(main())


def test_what_the_old_template_needs_and_is_gone_is_missing() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            for name in ("settings", "files"):
                cluster.create("configmaps", SHOP, {"metadata": {"name": name}, "data": {"url": "x"}})
            container = {
                "name": "app",
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "env": [{"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "files", "key": "url"}}}],
            }
            await a_gateway(cluster, spec={"template": {"spec": {"containers": [container]}}})
            async with connected(cluster) as at:
                candidate, stable = await rolled(at)
                destination = (await look(at, candidate, stable)).destination
                assert destination is not None
                assert destination.missing == ()
                cluster.delete("configmaps", SHOP, "settings")
                cluster.patch("configmaps", SHOP, "files", {"data": {"url": None}})
                destination = (await look(at, candidate, stable)).destination
                assert destination is not None
                assert destination.missing == ("configmap/files key url", "configmap/settings")

    run_simulated(main())


def test_what_may_not_be_read_counts_as_there() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            container = {"name": "app", "envFrom": [{"configMapRef": {"name": "gone"}}]}
            await a_gateway(cluster, spec={"template": {"spec": {"containers": [container]}}})
            token = cluster.user("watchdog", [READS, Rule(["patch"], ["deployments"])])
            async with connected(cluster, token=token) as at:
                destination = (await look(at, *await rolled(at))).destination
                assert destination is not None
                assert destination.missing == ()
                assert destination.refused == ""

    run_simulated(main())


def test_a_right_that_is_missing_shows_in_the_rehearsal() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster, token=cluster.user("watchdog", [READS])) as at:
                candidate, stable = await rolled(at)
                destination = (await look(at, candidate, stable)).destination
                assert destination is not None
                assert "cannot patch" in destination.refused
                assert isinstance(await put_back(at, candidate, stable), PutBackRefused)

    run_simulated(main())


def test_a_webhook_that_takes_no_dry_run_is_no_refusal() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at)
                message = 'admission webhook "w.example.com" does not support dry run'
                body = {"kind": "Status", "reason": "BadRequest", "message": message, "code": 400}
                cluster.faults.answer(400, body, method="PATCH")
                destination = (await look(at, candidate, stable)).destination
                assert destination is not None
                assert destination.refused == ""

    run_simulated(main())


def test_a_replicaset_that_was_pruned_is_no_place_to_go_back_to() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at)
                cluster.delete("replicasets", SHOP, f"gateway-{stable.template}")
                await passes(5)
                destination = (await look(at, candidate, stable)).destination
                assert destination is not None
                assert not destination.exists
                answer = await put_back(at, candidate, stable)
                assert isinstance(answer, PutBackRefused)
                assert "gone" in answer.detail

    run_simulated(main())


def test_a_rollout_that_never_gets_ready_is_told_from_its_first_pod_and_misses_its_deadline() -> None:
    async def main() -> None:
        async with a_cluster(bad=PodBehaviour.crash_loop()) as cluster:
            await a_gateway(cluster, spec={"progressDeadlineSeconds": 60})
            await passes(60)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at, "bad")
                told = at.rollouts.of(GATEWAY)[-1]
                assert told.serving == candidate
                assert not told.complete
                assert abs((told.since - at.clock.now()).total_seconds() + 30) < 2
                await passes(60)
                live = await look(at, candidate, stable)
                assert live.deadline_exceeded
                assert live.completed_at is None
                assert {one.waiting for pod in live.candidate_pods for one in pod.containers} == {"CrashLoopBackOff"}
                assert len([pod for pod in live.stable_pods if pod.ready]) == 2

    run_simulated(main())


def test_an_undo_in_the_middle_of_a_rollout_begins_when_it_was_made_not_when_its_pods_were() -> None:
    async def main() -> None:
        async with a_cluster(bad=PodBehaviour.never_ready()) as cluster:
            await a_gateway(cluster)
            await passes(600)
            async with connected(cluster) as at:
                await rolled(at, "bad")
                undone = at.clock.now()
                cluster.undo(SHOP, "gateway")
                await passes(30)
                told = at.rollouts.of(GATEWAY)[-1]
                assert told.serving is not None
                assert told.serving.number == 3
                assert told.live
                assert abs(told.since - undone) <= timedelta(seconds=1)  # its pods are ten minutes older

    run_simulated(main())


def test_a_revision_whose_pods_cannot_be_made_is_told_after_a_while() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                cluster.scale(SHOP, "gateway", 0)
                await passes(30)
                at.rollouts.forget()
                rolled_at = at.clock.now()
                cluster.deploy(SHOP, "gateway", "gateway:v2")
                await passes(9)
                assert at.rollouts.of(GATEWAY) == []
                await passes(2)
                told = at.rollouts.of(GATEWAY)[-1]
                assert abs(told.since - rolled_at) <= timedelta(seconds=1)

    run_simulated(main())


def test_seen_late_a_revision_began_with_its_oldest_living_pod_and_not_before_it_was_current() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            await passes(600)
            cluster.deploy(SHOP, "gateway", "gateway:v2")
            await passes(600)
            async with connected(cluster) as at:
                (told,) = at.rollouts.of(GATEWAY)
                assert abs(told.since - (NOON + timedelta(seconds=600))) < timedelta(seconds=10)
                assert told.previous is not None
                assert told.previous.images == ("gateway:v1",)
                assert told.previous_since is not None
                assert abs(told.previous_since - NOON) < timedelta(seconds=5)
                assert not told.since_is_bound

    run_simulated(main())


def test_a_guard_of_a_service_alone_shows_the_rollouts_of_the_colour_it_selects_and_no_others() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster, only("shop/service/brand")) as at:
                assert [str(one.target) for one in at.rollouts.all] == ["shop/deployment/brand-blue"]
                at.rollouts.forget()
                cluster.deploy(SHOP, "brand-green", "brand:v3")
                await passes(30)
                assert at.rollouts.all == []
                cluster.deploy(SHOP, "brand-blue", "brand:v3")
                await passes(30)
                assert {str(one.target) for one in at.rollouts.all} == {"shop/deployment/brand-blue"}
                cluster.flip(SHOP, "brand", GREEN)
                await passes(30)
                last = at.rollouts.all[-1]
                assert str(last.target) == "shop/deployment/brand-green"
                assert not last.live  # newly guarded; what it runs was rolled out a minute ago

    run_simulated(main())


def test_a_colour_is_told_by_the_service_it_would_fit() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            await a_gateway(cluster)
            async with connected(cluster) as at:
                relations = {
                    one.target.name: (tuple(map(str, one.selected_by)), tuple(map(str, one.colour_of)))
                    for one in at.rollouts.all
                }
                assert relations == {
                    "brand-blue": (("shop/service/brand",), ()),
                    "brand-green": ((), ("shop/service/brand",)),
                    "gateway": ((), ()),
                }

    run_simulated(main())


def test_a_paused_deployment_goes_on_with_its_newest_revision() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at)
                cluster.pause(SHOP, "gateway")
                cluster.deploy(SHOP, "gateway", "gateway:v3")
                await passes(30)
                live = await look(at, candidate, stable)
                assert live.paused
                assert live.serving == candidate
                assert {one.serving for one in at.rollouts.of(GATEWAY)} == {candidate, stable}

    run_simulated(main())


def test_who_switched_is_the_annotation_where_there_is_one() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                note = {"rollback-watchdog.dev/switched-by": "release 17 of gateway"}
                await rolled(at, annotations=note, manager="argocd-controller")
                assert at.rollouts.of(GATEWAY)[-1].by == "release 17 of gateway"
                await rolled(at, "v3", manager="argocd-controller")
                candidate = at.revision("gateway")
                assert (await look(at, candidate, candidate)).managers[0] == "argocd-controller"

    run_simulated(main())


def test_namespaces_come_and_go_with_the_rules() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            cluster.deploy("other", "gateway", "gateway:v1")
            async with connected(cluster) as at:
                other = Target.parse("other/deployment/gateway")
                assert at.rollouts.of(other) == []
                at.cache.watch_namespaces([SHOP, "other"])
                assert not at.cache.synced
                await passes(5)
                assert at.cache.synced
                assert len(at.rollouts.of(other)) == 1
                at.cache.watch_namespaces(["other"])
                await passes(5)
                assert len(cluster.watches()) == 4
                at.rollouts.forget()
                cluster.deploy(SHOP, "gateway", "gateway:v2")
                cluster.deploy("other", "gateway", "gateway:v2")
                await passes(30)
                assert {one.target for one in at.rollouts.all} == {other}
                at.cache.watch_namespaces([])
                at.cache.watch_namespaces(["other"])  # taken up again before anything could be stopped
                await passes(5)
                assert at.cache.synced
                assert len(cluster.watches()) == 4

    run_simulated(main())


def test_what_is_held_in_memory_of_a_pod_or_template_is_little() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster, env={"BIG": "x" * 20_000})
            async with connected(cluster) as at:
                for kind in (DEPLOYMENTS, REPLICASETS, PODS):
                    for one in at.cache.all(kind, SHOP).values():
                        assert len(str(one)) < 4_000

    run_simulated(main())


def test_pods_of_a_lost_node_and_evicted_ones_are_gone_and_no_sign_of_the_revision() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at)
                evicted, lost = cluster.pods_of(SHOP, "gateway", revision=2)
                cluster.evict(SHOP, evicted["metadata"]["name"])
                cluster.lose_node(lost["spec"]["nodeName"])
                await passes(120)
                live = await look(at, candidate, stable)
                gone = {pod.name: pod.gone for pod in live.candidate_pods}
                assert gone[evicted["metadata"]["name"]]
                assert gone[lost["metadata"]["name"]]

    run_simulated(main())


def test_what_is_not_listed_does_not_look_as_if_it_were_gone() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            async with connected(cluster) as at:
                candidate, stable = await rolled(at)
                provider = at.rollouts.provider
                assert isinstance(provider, DeploymentProvider)
                live = await provider.live(a_rollout(candidate, stable), None)
                waiting = asyncio.create_task(provider.live(a_rollout(candidate, stable), None, after=live.version))
                await passes(5)
                assert not waiting.done()
                at.cache.watch_namespaces([])
                with pytest.raises(OutOfReach, match="namespace shop is not watched"):
                    await waiting
                assert (await look(at, candidate, stable)).exists

    run_simulated(main())
