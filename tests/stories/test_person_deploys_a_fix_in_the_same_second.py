from meanwhile import just_before_the_put_back
from town import NAMESPACE, Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)


def test_a_fix_deployed_in_the_same_second_stays_and_supersedes_the_watch() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        met = just_before_the_put_back(town, lambda: town.deploy("research", "research:v3", manager="ann"))
        bad = await town.outcome("research")
        fix = await town.outcome("research", number=2)

        assert len(met) == 1
        assert (bad["outcome"], fix["outcome"]) == ("superseded", "passed")
        assert town.serving_image("research") == "research:v3"
        assert town.acts(refused=True) == ["deployments/research"]
        assert town.acts() == []
        assert sorted(town.told()) == ["passed", "superseded", "switch", "switch"]
        assert town.told("oncall") == []

    tell(story, scrape_interval=15)


def test_a_flip_to_a_third_colour_in_the_same_second_stays() -> None:
    def furnish(town: Town) -> None:
        town.furnish_colours()
        town.cluster.deploy(
            NAMESPACE, "gateway-red", "gateway:v3", replicas=2, pod_labels={"app": "gateway", "colour": "red"}
        )

    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        just_before_the_put_back(town, lambda: town.flip(colour="red", manager="ann"))
        bad = await town.outcome("gateway")
        fix = await town.outcome("gateway", number=2)

        assert (bad["outcome"], fix["outcome"]) == ("superseded", "passed")
        assert town.colour() == "red"
        assert town.acts(refused=True) == ["services/gateway"]
        assert town.acts() == []

    tell(story, furnish, scrape_interval=15)


def test_a_status_update_in_the_same_second_is_no_reason_to_give_up() -> None:
    async def story(town: Town) -> None:
        def status_update() -> None:
            condition = {"type": "Seen", "status": "True"}
            town.cluster.patch(
                "deployments",
                NAMESPACE,
                "research",
                [{"op": "add", "path": "/status/conditions/-", "value": condition}],
                subresource="status",
            )

        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        just_before_the_put_back(town, status_update)
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts(refused=True) + town.acts() == ["deployments/research"] * 2
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


def test_a_scale_in_the_same_second_is_no_reason_to_give_up_and_is_kept() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        just_before_the_put_back(town, lambda: town.cluster.scale(NAMESPACE, "research", 4))
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("research") == "research:v1"
        assert town.cluster.get("deployments", NAMESPACE, "research")["spec"]["replicas"] == 4
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_label_on_the_service_in_the_same_second_is_no_reason_to_give_up() -> None:
    async def story(town: Town) -> None:
        labelled = {"metadata": {"labels": {"team": "edge"}}}
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        just_before_the_put_back(town, lambda: town.cluster.patch("services", NAMESPACE, "gateway", labelled))
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]

    tell(story, lambda town: town.furnish_colours(), scrape_interval=15)


def test_someone_who_writes_again_and_again_is_waited_for_and_then_acted_beside() -> None:
    async def story(town: Town) -> None:
        counter = iter(range(100_000))

        def annotate() -> None:
            change = {"metadata": {"annotations": {"counter": str(next(counter))}}}
            town.cluster.patch("deployments", NAMESPACE, "research", change)

        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        end = town.cluster.before_write(
            lambda attempt: annotate() if attempt.resource == "deployments" and not attempt.dry_run else None
        )
        record = await town.phase("research", "holding")
        assert "was changed since it was read" in record["reason"]
        assert len(town.acts(refused=True)) < 10
        end()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "held", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)
