"""A bad base image, a sick database: everything that was released breaks at once. The watchdog stops after a few."""

from town import RULES, Town, tell
from watchdog.simulator.traffic import Course

SERVICES = ("research", "brand", "content", "agent", "billing")
BRAKED = RULES.replace("version = 1\n", 'version = 1\n[brakes]\nall = "2 in 30m"\n')


async def all_go_bad(town: Town) -> None:
    for name in SERVICES:
        town.behaves(f"{name}:v2", errors=Course.step(0.004, 0.5, after=20))
        town.deploy(name, f"{name}:v2")
    for name in SERVICES:
        await town.outcome(name)


def test_of_five_bad_releases_at_once_two_are_undone_and_the_rest_is_paged_once() -> None:
    async def story(town: Town) -> None:
        await all_go_bad(town)
        outcomes = sorted(record["outcome"] for record in town.records())
        assert outcomes == ["held", "held", "held", "rolled-back", "rolled-back"]
        assert len(town.acts()) == 2
        assert town.told("oncall").count("held") == 1
        held = [record for record in town.records() if record["outcome"] == "held"]
        assert all("so many at once have a cause elsewhere" in record["reason"] for record in held)

    tell(story, lambda here: here.furnish(*SERVICES, replicas=1), rules=BRAKED)


def test_a_watchdog_that_was_started_again_still_knows_what_was_rolled_back() -> None:
    async def story(town: Town) -> None:
        for name in SERVICES[:2]:
            town.behaves(f"{name}:v2", errors=Course.step(0.004, 0.5, after=20))
            town.deploy(name, f"{name}:v2")
        for name in SERVICES[:2]:
            assert (await town.outcome(name))["outcome"] == "rolled-back"
        await town.kill()
        await town.start()
        town.behaves("content:v2", errors=Course.step(0.004, 0.5, after=20))
        town.deploy("content", "content:v2")
        assert "2 rollbacks" in (await town.phase("content", "holding"))["reason"]
        assert len(town.acts()) == 2

    tell(story, lambda here: here.furnish(*SERVICES[:3], replicas=1), rules=BRAKED)
