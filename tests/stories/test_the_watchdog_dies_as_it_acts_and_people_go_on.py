"""The watchdog dies in the very moment of an act, and people go on before it is back. All of it found by the soak."""

import asyncio

from town import RULES, Town, tell
from watchdog.ports import NotDelivered
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.traffic import Course

_QUICK = RULES.replace(
    'rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash"]',
    'rules = ["error-rate", "crash"]\nbake = "2m"\ninterval = "5s"\nwarmup = "5s"\nrecovery = "60s"\nbaseline = "5m"',
)


def test_an_act_of_which_nobody_heard_is_told_though_a_newer_version_serves_by_then() -> None:
    async def story(town: Town) -> None:
        struck = asyncio.Event()

        async def die(write: WriteAttempt) -> None:
            if write.resource == "deployments" and not write.dry_run:
                struck.set()
                await asyncio.Event().wait()  # the answer dies with the process

        unhook = town.cluster.after_write(die)
        town.behaves("research:v2", errors=Course.constant(0.5))
        town.deploy("research", "research:v2")
        await struck.wait()
        await town.kill()
        unhook()
        assert town.serving_image("research") == "research:v1"
        town.deploy("research", "research:v3", manager="ann")
        await town.sleep(20)

        await town.start()
        bad = await town.outcome("research")
        fix = await town.outcome("research", number=2)
        assert (bad["outcome"], fix["outcome"]) == ("rolled-back", "passed")
        assert len(town.writes("deployments")) == 1
        assert town.told("oncall")[0] == "rolled-back"
        assert town.serving_image("research") == "research:v3"

    tell(story, rules=_QUICK)


def test_an_act_that_is_planned_anew_after_a_conflict_is_journalled_anew() -> None:
    async def story(town: Town) -> None:
        phases: list[str] = []
        struck = asyncio.Event()

        async def die_at_the_first(write: WriteAttempt) -> None:
            if write.resource == "deployments" and not write.dry_run:
                phases.append(town.records("research")[-1]["phase"])
                if not struck.is_set():
                    struck.set()
                    await asyncio.Event().wait()  # the request dies with the process

        town.cluster.before_write(die_at_the_first)
        releases = town.channels["releases"]
        releases.fails = lambda: NotDelivered("busy")
        town.behaves("research:v2", errors=Course.constant(0.5))
        town.deploy("research", "research:v2")
        await struck.wait()
        await town.kill()
        town.cluster.scale("production", "research", 3)  # the template stays: the act will be planned anew
        await town.sleep(20)

        # While it looks again, a notice that is told at last changes the record, which says "deciding" by then.
        releases.fails = lambda: None
        town.cluster.faults.delay(
            1.5, method="GET", path="/apis/apps/v1/namespaces/production/deployments/", count=None
        )
        await town.start()
        record = await town.outcome("research")
        assert record["outcome"] == "rolled-back"
        assert phases == ["acting", "acting"]

    tell(story, rules=_QUICK)


def test_a_colour_that_was_rolled_out_and_flipped_to_in_its_absence_is_one_release() -> None:
    async def story(town: Town) -> None:
        await town.kill()
        # What was learnt of the idle colour was not journalled before the process died.
        for one in town.cluster.list("configmaps", "watchdog"):
            keys = [key for key in one.get("data", {}) if key.endswith(".gateway-green")]
            if keys:
                patch = {"data": dict.fromkeys(keys)}
                town.cluster.patch("configmaps", "watchdog", one["metadata"]["name"], patch)
        town.behaves("gateway:v3", errors=Course.constant(0.5), since="traffic")
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(10)
        town.flip()
        await town.sleep(5)

        await town.start()
        record = await town.outcome("gateway")
        assert (record["outcome"], town.colour()) == ("rolled-back", "blue")
        assert town.records("gateway-green") == []
        assert town.acts() == ["services/gateway"]

    tell(story, lambda here: here.furnish_colours(), rules=_QUICK)
