"""What is particular to flips: which pods a selector selects, several Services at once, and a blue that sleeps."""

from datetime import timedelta

import pytest

from adapters.kubernetes.building import (
    BLUE,
    BRAND,
    GREEN,
    NOON,
    SHOP,
    Connected,
    a_cluster,
    a_flip,
    a_stable,
    connected,
    passes,
    two_colours,
)
from watchdog.adapters.kubernetes.pointing import together
from watchdog.adapters.kubernetes.services import ServiceProvider
from watchdog.domain.effects import (
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    Remedy,
    ServicePutBack,
)
from watchdog.domain.live import Destination, Live
from watchdog.domain.rollout import Revision, SwitchKind, Target, TrafficSwitch
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster


def provider(at: Connected) -> ServiceProvider:
    found = at.flips.provider
    assert isinstance(found, ServiceProvider)
    return found


async def look(at: Connected, switch: TrafficSwitch, to: Revision) -> Live:
    return await provider(at).live(switch, a_stable(to), fresh=True)


async def destination(at: Connected, switch: TrafficSwitch, to: Revision) -> Destination:
    found = (await look(at, switch, to)).destination
    assert found is not None
    return found


def a_remedy(live: Live, switch: TrafficSwitch, to: Revision) -> Remedy:
    services = tuple(
        ServicePutBack(flip.service, *live.services[flip.service][:2], selector=flip.before) for flip in switch.flips
    )
    return Remedy(
        "w-1", switch.target, SwitchKind.SELECTOR, switch.candidate, to, live.uid, live.resource_version, services
    )


async def flipped(at: Connected, *services: str) -> tuple[TrafficSwitch, Revision]:
    """Flip the Services to green; the switch, and blue's revision."""
    for service in services or ("brand",):
        at.cluster.flip(SHOP, service, GREEN)
    await passes(10)
    green, blue = at.revision("brand-green"), at.revision("brand-blue")
    return a_flip(green, blue, *services), blue


async def a_pair(cluster: SimulatedCluster) -> None:
    await two_colours(cluster)
    cluster.service(SHOP, "brand-admin", BLUE)


def selector(cluster: SimulatedCluster, name: str) -> object:
    return cluster.get("services", SHOP, name)["spec"]["selector"]


def test_two_services_are_put_back_each_by_one_write() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_pair(cluster)
            async with connected(cluster) as at:
                switch, blue = await flipped(at, "brand", "brand-admin")
                live = await look(at, switch, blue)
                assert {name: is_green for name, (_, _, is_green) in live.services.items()} == {
                    "brand": True,
                    "brand-admin": True,
                }
                done = await provider(at).put_back(a_remedy(live, switch, blue))
                assert isinstance(done, PutBackDone)
                assert done.left == {}
                assert selector(cluster, "brand") == selector(cluster, "brand-admin") == BLUE
                assert len([one for one in cluster.writes() if one.code == 200]) == 2

    run_simulated(main())


def test_a_service_that_someone_changed_is_left_and_named() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_pair(cluster)
            async with connected(cluster) as at:
                switch, blue = await flipped(at, "brand", "brand-admin")
                live = await look(at, switch, blue)
                cluster.flip(SHOP, "brand-admin", {"app": "brand", "colour": "red"})
                done = await provider(at).put_back(a_remedy(live, switch, blue))
                assert isinstance(done, PutBackDone)
                assert set(done.left) == {"brand-admin"}
                assert "changed since" in done.left["brand-admin"]
                assert selector(cluster, "brand") == BLUE
                assert selector(cluster, "brand-admin") == {"app": "brand", "colour": "red"}

    run_simulated(main())


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([PutBackConflicted(NOON, "a"), PutBackConflicted(NOON, "b")], PutBackConflicted),
        ([PutBackConflicted(NOON, "a"), PutBackRefused(NOON, "b")], PutBackConflicted),
        ([PutBackUnsure(NOON, "a"), PutBackConflicted(NOON, "b")], PutBackUnsure),
        ([PutBackRefused(NOON, "a"), PutBackRefused(NOON, "b")], PutBackRefused),
        ([PutBackDone(NOON), PutBackUnsure(NOON, "b")], PutBackDone),
        ([], PutBackRefused),
    ],
)
def test_several_answers_become_one(answers: list[PutBackAnswer], expected: type[PutBackAnswer]) -> None:
    assert isinstance(together({str(index): one for index, one in enumerate(answers)}, NOON), expected)


def test_keys_that_only_the_new_selector_has_are_gone_after_the_put_back() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster) as at:
                switch, blue = await flipped(at)
                cluster.flip(SHOP, "brand", {**GREEN, "tier": "web"})
                live = await look(at, switch, blue)
                assert live.services["brand"][2] is False  # maps are compared whole
                await provider(at).put_back(a_remedy(live, switch, blue))
                assert selector(cluster, "brand") == BLUE

    run_simulated(main())


def test_external_names_and_services_without_selector_are_no_targets_and_headless_ones_are() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            outside = {"type": "ExternalName", "externalName": "example.com", "selector": BLUE}
            cluster.create("services", SHOP, {"metadata": {"name": "outside"}, "spec": outside})
            ports = [{"port": 80}]
            cluster.create("services", SHOP, {"metadata": {"name": "bare"}, "spec": {"ports": ports}})
            headless = {"clusterIP": "None", "selector": BLUE, "ports": ports}
            cluster.create("services", SHOP, {"metadata": {"name": "headless"}, "spec": headless})
            async with connected(cluster) as at:
                assert {one.target.name for one in at.flips.all} == {"brand", "headless"}

    run_simulated(main())


def test_a_selector_that_selects_two_deployments_or_none_serves_no_one_revision() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster) as at:
                cluster.flip(SHOP, "brand", {"app": "brand"})
                await passes(5)
                assert at.flips.of(BRAND)[-1].serving is None
                cluster.flip(SHOP, "brand", {"app": "nobody"})
                await passes(5)
                last = at.flips.of(BRAND)[-1]
                assert (last.serving, last.selector) == (None, {"app": "nobody"})
                assert abs(last.since - at.clock.now() + timedelta(seconds=5)) < timedelta(seconds=1)

    run_simulated(main())


def test_pods_that_were_labelled_by_hand_tell_whose_they_are() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            for pod in cluster.pods_of(SHOP, "brand-green"):
                live = {"metadata": {"labels": {"live": "yes"}}}
                cluster.patch("pods", SHOP, pod["metadata"]["name"], live)
            async with connected(cluster) as at:
                cluster.flip(SHOP, "brand", {"live": "yes"})
                await passes(5)
                assert at.flips.of(BRAND)[-1].serving == at.revision("brand-green")

    run_simulated(main())


def test_a_flip_seen_late_has_the_time_its_selector_was_written_as_a_bound() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            await passes(600)
            cluster.flip(SHOP, "brand", GREEN)
            flipped_at = cluster.now()
            await passes(300)
            async with connected(cluster) as at:
                (told,) = at.flips.of(BRAND)
                assert not told.live
                assert told.since_is_bound
                assert abs(told.since - flipped_at) <= timedelta(seconds=1)

    run_simulated(main())


def test_a_flip_that_was_long_on_its_way_is_seen_late_too() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster) as at:
                fault = cluster.faults.hang(path="/api/v1/namespaces/shop/services", count=None)
                for watch in cluster.watches("services"):
                    watch.close()
                await passes(5)
                cluster.flip(SHOP, "brand", GREEN)
                flipped_at = cluster.now()
                await passes(120)
                fault.remove()
                await passes(60)
                told = at.flips.of(BRAND)[-1]
                assert told.serving == at.revision("brand-green")
                assert not told.live
                assert told.since_is_bound
                assert abs(told.since - flipped_at) <= timedelta(seconds=1)

    run_simulated(main())


def test_a_rollout_of_the_colour_that_serves_changes_what_the_service_serves() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster) as at:
                cluster.deploy(SHOP, "brand-blue", "brand:v3")
                await passes(30)
                last = at.flips.of(BRAND)[-1]
                assert last.selector == BLUE
                assert last.serving == at.revision("brand-blue")
                assert Target.parse("shop/service/brand") == last.target

    run_simulated(main())
