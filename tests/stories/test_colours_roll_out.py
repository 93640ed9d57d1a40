from town import NAMESPACE, RULES, Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
ONLY_THE_SERVICE = RULES.replace(
    """namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
""",
    'targets = ["production/service/gateway"]\n',
)


def test_an_idle_colours_rollout_opens_no_watch() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(1200)

        assert town.records() == []
        assert town.acts() == []
        assert town.told() == []

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_the_colour_that_served_before_the_flip_is_idle_too() -> None:
    async def story(town: Town) -> None:
        town.flip()
        assert (await town.outcome("gateway"))["outcome"] == "passed"
        town.deploy("gateway-blue", "gateway:v3")
        await town.sleep(900)

        assert len(town.records()) == 1
        assert town.told() == ["switch", "passed"]

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_rollout_of_the_serving_colour_is_a_rollout_switch_and_is_undone() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-blue", "gateway:v3")
        record = await town.outcome("gateway-blue")

        assert (record["kind"], record["outcome"], record["recovery"]) == ("rollout", "rolled-back", "recovered")
        assert town.serving_image("gateway-blue") == "gateway:v1"
        assert town.colour() == "blue"
        assert town.acts() == ["deployments/gateway-blue"]
        assert len(town.records()) == 1

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_rollout_of_the_serving_colour_is_watched_where_a_guard_names_only_the_service() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-green", "gateway:v3")  # idle: not watched
        town.deploy("gateway-blue", "gateway:v3")
        record = await town.outcome("gateway-blue")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/gateway-blue"]
        assert len(town.records()) == 1

    tell(story, Town.furnish_colours, rules=ONLY_THE_SERVICE, scrape_interval=15)


def test_a_colour_that_passed_its_flip_is_what_its_next_bad_rollout_goes_back_to() -> None:
    async def story(town: Town) -> None:
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(60)
        town.flip()
        assert (await town.outcome("gateway"))["outcome"] == "passed"
        town.behaves("gateway:v4", errors=FAILING)
        town.deploy("gateway-green", "gateway:v4")
        record = await town.outcome("gateway-green")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("gateway-green") == "gateway:v3"
        assert town.acts() == ["deployments/gateway-green"]

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_rollout_of_the_colour_that_is_being_watched_supersedes_the_flips_watch() -> None:
    async def story(town: Town) -> None:
        town.flip()
        await town.sleep(120)
        town.deploy("gateway-green", "gateway:v3", manager="ann")
        flip = await town.outcome("gateway")
        rollout = await town.outcome("gateway-green")

        assert (flip["outcome"], rollout["outcome"]) == ("superseded", "passed")
        assert town.acts() == []
        assert town.cluster.rolled_out(NAMESPACE, "gateway-green")

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_an_idle_colours_rollout_during_the_watchdogs_absence_opens_no_watch() -> None:
    async def story(town: Town) -> None:
        await town.kill()
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(60)
        await town.start()
        await town.sleep(900)

        assert town.records() == []
        assert town.acts() == []

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_an_idle_colours_rollout_before_the_watchdog_first_came_opens_no_watch() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(60)
        await town.start()
        await town.sleep(900)

        assert town.records() == []
        assert town.acts() == []

    tell(story, Town.furnish_colours, scrape_interval=15, start=False)
