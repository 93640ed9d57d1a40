from town import Town, tell
from watchdog.simulator.traffic import Latency


def _colours(town: Town) -> None:
    town.behaves("gateway:v1", since="traffic")
    town.behaves("gateway:v2", since="traffic")
    town.furnish_colours()


def test_a_slow_green_is_flipped_back_by_one_patch_of_the_service() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", slow=Latency(0.15, 0.5), slow_after=60)
        town.flip(colour="green")
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["latency"]["finding"] == "breach"
        assert town.colour() == "blue"
        assert town.told() == ["switch", "rolled-back", "recovered"]
        assert town.told("oncall") == ["rolled-back"]
        await town.sleep(900)
        assert town.acts() == ["services/gateway"]
        assert len(town.records()) == 1

    tell(story, _colours, scrape_interval=15)


def test_the_patch_restores_the_whole_old_selector_and_names_its_conditions() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", slow=Latency(0.15, 0.5), slow_after=0)
        before = town.cluster.get("services", "production", "gateway")
        town.flip(colour="green")
        flipped = town.cluster.get("services", "production", "gateway")
        await town.phase("gateway", "recovering")

        (patch,) = town.writes("services")
        tests = {step["path"]: step["value"] for step in patch.body if step["op"] == "test"}
        assert tests == {
            "/metadata/uid": before["metadata"]["uid"],
            "/metadata/resourceVersion": flipped["metadata"]["resourceVersion"],
        }
        now = town.cluster.get("services", "production", "gateway")
        assert now["spec"]["selector"] == before["spec"]["selector"]

    tell(story, _colours, scrape_interval=15)


def test_a_flip_to_a_good_green_passes() -> None:
    async def story(town: Town) -> None:
        town.flip(colour="green")
        record = await town.outcome("gateway")

        assert record["outcome"] == "passed"
        assert town.colour() == "green"
        assert town.acts() == []
        assert town.told() == ["switch", "passed"]
        assert town.told("oncall") == []

    tell(story, _colours, scrape_interval=15)
