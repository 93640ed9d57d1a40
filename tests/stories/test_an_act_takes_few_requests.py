"""From a breach to the patch: what must be read before is read side by side where nothing depends on the order."""

from town import UNBRAKED, Town, tell
from watchdog.simulator.calls import LoggedRequest
from watchdog.simulator.traffic import Course

NAMES = [f"app-{number:02d}" for number in range(12)]
EACH = 1.0  # seconds that the API server takes for each request


def patches(requests: list[LoggedRequest]) -> list[LoggedRequest]:
    return [one for one in requests if one.method == "PATCH" and "/deployments/" in one.path and one.is_write]


def test_an_act_waits_for_seven_requests_one_after_the_other() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.5, after=60))
        town.deploy("research", "research:v2")
        await town.sleep(50)
        town.cluster.faults.delay(EACH, count=None)
        begun = len(town.cluster.requests)
        await town.outcome("research")
        asked = list(town.cluster.requests[begun:])
        (patch,) = patches(asked)
        first = next(one for one in asked if one.method == "GET" and one.path.endswith("/deployments/research"))
        assert (patch.at - first.at).total_seconds() <= 7 * EACH + 0.5

    tell(story)


def test_many_that_act_at_once_share_their_looks_at_the_brakes() -> None:
    async def story(town: Town) -> None:
        for name in NAMES:
            town.behaves(f"{name}:v2", errors=Course.step(0.004, 0.5, after=60))
        await town.sleep(30)
        for name in NAMES:
            town.deploy(name, f"{name}:v2")
        await town.sleep(50)
        begun = len(town.cluster.requests)
        while len(patches(list(town.cluster.requests[begun:]))) < len(NAMES):
            await town.sleep(1)
        asked = [one for one in town.cluster.requests[begun:] if one.method == "GET"]
        for what in ("rollback-watchdog-pause", "rollback-watchdog-acts", "rollouts", "canaries"):
            assert 1 <= sum(one.path.endswith(f"/{what}") for one in asked) < len(NAMES), what

    tell(story, lambda here: here.furnish(*NAMES), rules=UNBRAKED)
