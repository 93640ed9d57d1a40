"""A bad base image breaks ten services of one guard at once: people read one notice, and the acts wait for none."""

from dataclasses import dataclass

from fake_channel import FakeChannel
from town import UNBRAKED, Town, tell
from watchdog.domain.channels import Topic
from watchdog.simulator.traffic import Course

SERVICES = tuple(f"service-{number}" for number in range(10))


@dataclass
class ForPeople(FakeChannel):
    """One that takes digests, as Slack's does."""

    gathers: bool = True


def furnish(town: Town) -> None:
    town.furnish(*SERVICES, replicas=1)
    town.channels["releases"] = ForPeople("releases", frozenset({Topic.ROLLED_BACK}))


def test_ten_rollbacks_of_one_guard_within_a_minute_are_told_once() -> None:
    async def story(town: Town) -> None:
        for name in SERVICES:
            town.behaves(f"{name}:v2", errors=Course.constant(0.9))
            town.deploy(name, f"{name}:v2")
        while len(town.acts()) < len(SERVICES):
            await town.sleep(5)
        await town.sleep(65)

        told = [notice for notice, _ in town.channels["releases"].told if notice.topic == Topic.ROLLED_BACK]
        assert len(told) == 1
        assert told[0].title.startswith("10 targets of guard services were put back: ")
        assert len(told[0].lines) == 10
        for record in town.records():
            (notice,) = [notice for notice in record["notices"] if notice["id"].endswith("/rolled-back")]
            assert notice["deliveries"]["releases"] == "sent"
        # A channel for machines hears of each by itself.
        assert town.told("oncall").count("rolled-back") == 10

    tell(
        story,
        furnish,
        rules=UNBRAKED.replace('"latency", "cpu", "memory", "health", "crash"', '"crash"'),
        scrape_interval=15,
    )
