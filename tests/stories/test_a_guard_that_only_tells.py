from town import NAMESPACE, RULES, Town, tell
from watchdog.domain.annotations import GUARD
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
OFF = "off; until=2026-03-02T04:00:00Z; reason=load test"


def test_a_deployment_whose_guard_is_off_is_not_watched_and_that_is_told_once() -> None:
    async def story(town: Town) -> None:
        town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": {"annotations": {GUARD: OFF}}})
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(600)
        town.cluster.scale(NAMESPACE, "research", 3)
        await town.sleep(300)

        assert town.records() == []
        assert town.acts() == []
        assert town.serving_image("research") == "research:v2"
        assert town.told() == ["unguarded"]
        assert "load test" in town.channels["releases"].told[0][0].title

    tell(story, scrape_interval=15)


def test_a_guard_that_is_off_is_on_again_when_its_time_is_over() -> None:
    async def story(town: Town) -> None:
        town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": {"annotations": {GUARD: OFF}}})
        await town.sleep(3600)
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["unguarded", "switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


def test_a_guard_that_is_off_without_an_end_is_on_and_that_is_told() -> None:
    async def story(town: Town) -> None:
        off = {"metadata": {"annotations": {GUARD: "off; reason=load test"}}}
        town.cluster.patch("deployments", NAMESPACE, "research", off)
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert sorted(town.told()[:2]) == ["switch", "unguarded"]
        notice = next(notice for notice, _ in town.channels["releases"].told if notice.topic == "unguarded")
        assert "is guarded all the same" in notice.title

    tell(story, scrape_interval=15)


def test_a_guard_whose_action_is_notify_tells_and_never_acts() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "notified"
        assert town.serving_image("research") == "research:v2"
        assert town.acts() + town.acts(refused=True) == []
        assert town.told() == ["switch", "breach", "notified"]
        assert town.told("oncall") == []

    tell(story, rules=RULES.replace("channels   =", 'action = "notify"\nchannels   =', 1), scrape_interval=15)


def test_a_rule_whose_action_is_notify_tells_and_another_one_still_acts() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING, cpu=Course.step(0.2, 0.9, after=240))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "breach", "rolled-back", "recovered"]

    quiet = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5%"\naction = "notify"')
    tell(story, rules=quiet, scrape_interval=15)
