from town import RULES, Town, tell
from watchdog.simulator.traffic import Course

NEVER_THERE = '\n[metrics.queue_depth]\nkind = "gauge"\nquery = \'max by (pod) (queue_depth{pod=~"{{ pods }}"})\'\n'
WITH_QUEUE = RULES.replace('"error-rate", "latency"', '"error-rate", "queue", "latency"') + NEVER_THERE


def queue_rule(*more: str) -> str:
    """The rules, with one on a metric that nobody exports."""
    return WITH_QUEUE + "\n".join(("[rules.queue]", 'when = "queue_depth > 100"', *more, ""))


def test_a_blind_rule_keeps_a_good_release_from_passing() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "inconclusive"
        assert "queue" in record["reason"]
        assert record["rules"]["queue"]["finding"] == "no-data"
        assert town.acts() == []

    tell(story, rules=queue_rule(), scrape_interval=15)


def test_a_blind_rule_that_is_not_required_does_not() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert record["rules"]["queue"]["finding"] == "no-data"

    tell(story, rules=queue_rule("required = false"), scrape_interval=15)


def test_a_rule_that_is_not_required_acts_all_the_same() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")

    optional = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5%"\nrequired = false')
    tell(story, rules=optional, scrape_interval=15)


def test_a_rule_whose_action_is_notify_is_told_once_and_the_watch_goes_on_to_its_end() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        switched = town.clock.now()
        record = await town.outcome("research")

        assert record["outcome"] == "notified"
        assert (town.clock.now() - switched).total_seconds() > 600  # the whole bake
        assert town.told() == ["switch", "breach", "notified"]
        assert town.told("oncall") == []
        assert town.acts() + town.acts(refused=True) == []
        assert town.serving_image("research") == "research:v2"

    quiet = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5%"\naction = "notify"')
    tell(story, rules=quiet, scrape_interval=15)
