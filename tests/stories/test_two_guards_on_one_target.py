from town import RULES, Town, tell
from watchdog.simulator.traffic import Course

TWICE = RULES.replace(
    "[rules.error-rate]",
    """[guards.another]
namespaces = ["production"]
selector = "app.kubernetes.io/part-of"
rules = ["error-rate"]
channels = ["releases"]

[rules.error-rate]""",
    1,
)


def test_a_target_that_two_guards_cover_is_told_of_and_never_acted_on() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "notified"
        assert town.writes("deployments") == []
        [breach] = [notice for notice, _ in town.channels["releases"].told if notice.topic == "breach"]
        assert any("guards services and another both cover it" in line for line in breach.lines)

    tell(story, rules=TWICE)
