"""Whether a Service's old colour can be gone back to: it was rolled on, it sleeps, it changes in the same instant."""

from dataclasses import replace

from adapters.kubernetes.building import GREEN, SHOP, a_cluster, connected, passes, two_colours
from adapters.kubernetes.test_services import a_remedy, destination, flipped, look, provider, selector
from watchdog.domain.effects import PutBackConflicted, PutBackDone
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import run_simulated


def test_a_blue_that_was_rolled_on_is_no_longer_what_served() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster) as at:
                switch, blue = await flipped(at)
                assert (await destination(at, switch, blue)).same_template
                cluster.deploy(SHOP, "brand-blue", "brand:v3")
                await passes(30)
                found = await destination(at, switch, blue)
                assert found.exists
                assert not found.same_template
                cluster.delete("deployments", SHOP, "brand-blue")
                await passes(5)
                assert not (await destination(at, switch, blue)).exists

    run_simulated(main())


def test_a_blue_that_sleeps_is_scaled_up_first_and_only_once() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            rules = [Rule(["get", "list", "watch", "patch"], ["*"]), Rule(["patch"], ["deployments/scale"])]
            async with connected(cluster, token=cluster.user("watchdog", rules)) as at:
                switch, blue = await flipped(at)
                cluster.scale(SHOP, "brand-blue", 0)
                await passes(30)
                found = await destination(at, switch, blue)
                assert (found.exists, found.same_template, found.replicas, found.ready_pods) == (True, True, 0, 0)
                remedy = replace(a_remedy(await look(at, switch, blue), switch, blue), scale_to=2)
                assert isinstance(await provider(at).put_back(remedy), PutBackDone)
                assert isinstance(await provider(at).put_back(remedy), PutBackDone)
                (write,) = cluster.writes("watchdog")
                assert write.path.endswith("/deployments/brand-blue/scale")
                assert "resourceVersion" in write.body["metadata"]
                await passes(30)
                assert (await destination(at, switch, blue)).ready_pods == 2
                assert selector(cluster, "brand") == GREEN

    run_simulated(main())


def test_a_blue_that_changed_in_the_same_instant_is_not_scaled() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await two_colours(cluster)
            async with connected(cluster) as at:
                switch, blue = await flipped(at)
                cluster.scale(SHOP, "brand-blue", 0)
                await passes(30)
                remedy = replace(a_remedy(await look(at, switch, blue), switch, blue), scale_to=2)
                end = cluster.before_write(lambda _: (end(), cluster.deploy(SHOP, "brand-blue", "brand:v9"))[0])
                assert isinstance(await provider(at).put_back(remedy), PutBackConflicted)
                assert isinstance(await provider(at).put_back(remedy), PutBackConflicted)
                assert cluster.get("deployments", SHOP, "brand-blue")["spec"]["replicas"] == 0

    run_simulated(main())
