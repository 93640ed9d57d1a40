import json

import pytest

from town import OWN, RULES, Town, tell
from watchdog.simulator.traffic import Course

EACH_SECOND = RULES.replace('rules      = ["error', 'bake = "10m"\ninterval = "1s"\nrules = ["error')
REPLICAS = 20
LARGEST = 256 * 1024


def many(town: Town) -> None:
    """A large Deployment; its many pods share few requests, as counting them is not what this is about."""
    town.furnish("research", replicas=REPLICAS)


def record_sizes(town: Town) -> list[int]:
    """Bytes of each version of a record that was written."""
    return [
        len(request.body["data"]["record.json"])
        for request in town.cluster.writes()
        if f"/namespaces/{OWN}/configmaps" in request.path and "record.json" in request.body.get("data", {})
    ]


@pytest.mark.timeout(240)
def test_records_and_writes_are_bounded_with_a_block_each_second_and_many_pods() -> None:
    async def story(town: Town) -> None:
        # It breaches near the end, when most is remembered.
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=500))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        await town.sleep(60)

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        sizes = record_sizes(town)
        assert max(sizes) < LARGEST
        assert len(sizes) <= 12
        assert len(town.written()) <= 24
        [memory] = [one for one in town.cluster.list("configmaps", OWN) if "targets" in one["metadata"]["name"]]
        assert len(json.dumps(memory)) < 20_000

    tell(story, many, rules=EACH_SECOND, scrape_interval=5)
