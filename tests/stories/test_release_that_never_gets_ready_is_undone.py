from datetime import datetime

import pytest

from town import RULES, Town, tell
from watchdog.simulator.pod_behaviour import PodBehaviour

BAKE = 600.0


@pytest.mark.parametrize(
    ("life", "says"),
    [
        pytest.param(PodBehaviour.crash_loop(), "crash loop", id="crash loop"),
        pytest.param(PodBehaviour.cannot_pull(), "image cannot be pulled", id="image that cannot be pulled"),
    ],
)
def test_a_release_that_never_gets_ready_is_undone_before_its_bake_began(life: PodBehaviour, says: str) -> None:
    async def story(town: Town) -> None:
        town.lives_as("research:v2", life)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert says in record["rules"]["crash"]["sentence"]
        assert "bake_from" not in record["state"]
        assert _seconds(record["switched_at"], record["acted_at"]) < 300
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


def test_a_container_that_is_killed_twice_for_its_memory_is_undone() -> None:
    async def story(town: Town) -> None:
        town.lives_as("research:v2", PodBehaviour.oom_kills(after=45))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert "killed for lack of memory" in record["rules"]["crash"]["sentence"]
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, rules=RULES.replace('"crash-loop", ', "").replace(', "not-ready"', ""), scrape_interval=15)


def test_a_rollout_past_its_progress_deadline_is_undone() -> None:
    async def story(town: Town) -> None:
        town.lives_as("research:v2", PodBehaviour.never_ready())
        town.deploy("research", "research:v2", spec={"progressDeadlineSeconds": 300})
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert "missed its progress deadline" in record["rules"]["crash"]["sentence"]
        assert 300 <= _seconds(record["switched_at"], record["acted_at"]) < 330
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_release_that_is_never_ready_and_to_which_no_rule_listens_is_inconclusive() -> None:
    async def story(town: Town) -> None:
        town.lives_as("research:v2", PodBehaviour.never_ready())
        town.deploy("research", "research:v2")
        record = await town.outcome("research", within=3000)

        assert (record["outcome"], record["reason"]) == ("inconclusive", "the rollout never completed")
        assert town.serving_image("research") == "research:v2"
        assert town.acts() == []
        assert town.told() == ["switch", "inconclusive"]

    tell(story, rules=RULES.replace(', "health", "crash"]', "]"), scrape_interval=15)


def test_a_release_that_gets_ready_late_is_baked_from_then_on() -> None:
    async def story(town: Town) -> None:
        town.lives_as("research:v2", PodBehaviour(ready_after=240))
        town.deploy("research", "research:v2")
        record = await town.outcome("research", within=3000)

        assert record["outcome"] == "passed"
        assert _seconds(record["switched_at"], record["ended_at"]) > 2 * 240 + BAKE - 30
        assert town.acts() == []

    tell(story, scrape_interval=15)


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
