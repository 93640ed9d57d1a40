"""`run --dry-run`: judges, records and tells for weeks, touches nothing, and no real run takes its word for a deed."""

import json
from typing import Any

from town import NAMESPACE, OWN, RULES, Town, tell
from watchdog.simulator.access import Rule
from watchdog.simulator.behaviour import Route
from watchdog.simulator.traffic import Course

BAD = Course.step(0.004, 0.4, after=10)
MARK = "rollback-watchdog.dev/record"
RIGHTS = [
    Rule(["get", "list", "watch"], ["*"]),
    Rule(["create", "update", "patch", "delete"], ["configmaps"], namespaces=[OWN]),
    Rule(["create"], ["leases"], namespaces=[OWN]),
    Rule(["update"], ["leases"], namespaces=[OWN], names=["rollback-watchdog-dry-run"]),
]


def documents(town: Town, label: str) -> list[dict[str, Any]]:
    """What is kept under that label in the watchdog's namespace."""
    return [
        json.loads(text)
        for one in town.cluster.list("configmaps", OWN)
        if one["metadata"].get("labels", {}).get(MARK) == label
        for text in one["data"].values()
    ]


async def dry(town: Town) -> None:
    """Start it, with no right to write anywhere but in its own namespace."""
    await town.start(dry_run=True, token=town.cluster.user("dry", RIGHTS))


async def would_roll_back(town: Town) -> dict[str, Any]:
    """A bad research, judged to its end by a dry run."""
    await dry(town)
    town.behaves("research:v2", errors=BAD)
    town.deploy("research", "research:v2")

    def ended() -> list[dict[str, Any]]:
        return [one for one in documents(town, "dry-run-watch") if one["outcome"] is not None]

    await town.until(ended)
    await town.sleep(5)
    return ended()[0]


def test_a_bad_release_would_be_rolled_back_and_serves_on() -> None:
    async def story(town: Town) -> None:
        record = await would_roll_back(town)
        assert (record["outcome"], record["recovery"], record["acted_at"]) == ("would-roll-back", None, None)
        assert record["dry_run"] is True
        assert record["would_send"][0]["path"].endswith("/deployments/research")
        assert town.serving_image("research") == "research:v2"
        written = [one for one in town.written() if f"/namespaces/{OWN}/configmaps" not in one.path]
        assert written == []
        assert not town.cluster.list("events", NAMESPACE)

    tell(story, start=False)


def test_people_are_told_and_cannot_mistake_it() -> None:
    async def story(town: Town) -> None:
        await would_roll_back(town)
        for channel in ("releases", "oncall"):
            told = [notice for notice, _ in town.channels[channel].told]
            assert "would-roll-back" in [notice.topic.value for notice in told]
            for notice in told:
                assert notice.title.startswith("[dry run] ")
                assert notice.severity.value != "critical"
                assert notice.watch.startswith("dry-run/")
                assert notice.facts["dry_run"] == "true"
                assert notice.topic.value != "rolled-back"
        last = town.channels["oncall"].told[-1][0]
        assert "would be put back" in last.title
        assert any("watchdog explain --dry-run research-" in line for line in last.lines)

    tell(story, start=False)


def test_its_metrics_count_no_rollback() -> None:
    async def story(town: Town) -> None:
        await would_roll_back(town)
        assert town.metric("watchdog_dry_run") == 1.0
        assert town.metric("watchdog_rollbacks_total", kind="rollout", result="withheld") == 1.0
        assert town.metric("watchdog_rollbacks_total", kind="rollout", result="done") is None
        assert town.metric("watchdog_outcomes_total", outcome="would-roll-back") == 1.0
        assert town.metric("watchdog_outcomes_total", outcome="rolled-back") == 0.0

    tell(story, start=False)


def test_a_real_run_after_it_knows_nothing_of_it_and_acts() -> None:
    async def story(town: Town) -> None:
        record = await would_roll_back(town)
        await town.terminate()
        assert town.records() == []
        assert documents(town, "targets") == []
        assert {one["dry_run"] for one in documents(town, "dry-run-targets")} == {True}

        await town.start()
        real = await town.outcome("research")
        assert (real["outcome"], real["recovery"]) == ("rolled-back", "recovered")
        assert "dry_run" not in real
        assert real["watch"] == record["watch"]
        [write] = town.writes("deployments")
        shown = json.loads(record["would_send"][0]["body"])
        for body in (shown, write.body):
            body[1]["value"] = "..."
        assert shown == write.body
        assert town.metric("watchdog_dry_run") == 0.0

    tell(story, start=False)


def test_killed_and_started_again_it_goes_on_with_its_own_watches() -> None:
    async def story(town: Town) -> None:
        await dry(town)
        town.deploy("research", "research:v2")
        await town.until(lambda: documents(town, "dry-run-watch"))
        await town.kill()
        await town.sleep(30)
        await dry(town)
        await town.until(lambda: documents(town, "dry-run-watch")[0]["outcome"] is not None)
        [record] = documents(town, "dry-run-watch")
        assert record["outcome"] == "passed"

    tell(story, start=False)


def test_it_begins_with_what_a_real_run_remembers() -> None:
    """Without it nothing would be known of what the Service selected before."""

    async def story(town: Town) -> None:
        await town.sleep(30)
        await town.terminate()
        town.behaves("gateway:v2", errors=BAD)
        town.flip()
        await town.sleep(20)
        before = documents(town, "targets")
        await dry(town)
        await town.until(lambda: any(one["outcome"] for one in documents(town, "dry-run-watch")))
        [record] = documents(town, "dry-run-watch")
        assert record["outcome"] == "would-roll-back"
        assert town.colour() == "green"
        assert documents(town, "targets") == before

    tell(story, lambda town: town.furnish_colours())


def test_a_fix_that_is_deployed_after_it_is_watched_and_passes() -> None:
    async def story(town: Town) -> None:
        await would_roll_back(town)
        town.deploy("research", "research:v1")
        await town.until(lambda: len([one for one in documents(town, "dry-run-watch") if one["outcome"]]) == 2)
        outcomes = {one["outcome"] for one in documents(town, "dry-run-watch")}
        assert outcomes == {"would-roll-back", "passed"}

    # The baseline of what was there before holds the fault: only the rules with a limit of their own can judge.
    rules = RULES.replace(
        '"error-rate", "latency", "cpu", "memory", "health", "crash"', '"error-rate", "health", "crash"'
    )
    tell(story, start=False, rules=rules)


def test_it_says_where_it_hurts_though_the_watch_ended_with_the_verdict() -> None:
    async def story(town: Town) -> None:
        await dry(town)
        routes = (Route("POST", "/checkout", 0.2, BAD), Route("GET", "/items", 0.8))
        town.behaves("research:v2", routes=routes)
        town.deploy("research", "research:v2")

        def said() -> list[str]:
            return [line for one in documents(town, "dry-run-watch") if one["outcome"] for line in one["slices"]]

        await town.until(said)
        assert "of the failures are POST /checkout" in said()[0]

    tell(story, start=False)
