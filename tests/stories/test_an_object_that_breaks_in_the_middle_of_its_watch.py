"""A definition lets in what nobody can read, while a watch is open: that watch waits and says so, all others go on."""

import logging

import pytest

from stories.test_a_rollout_is_aborted import FAILING, release, search, status
from stories.test_an_object_that_cannot_be_read import said
from town import NAMESPACE, RULES, Town, tell

STRANGE = f"{NAMESPACE}/rollout/search"
BOTH = RULES.replace("rules      =", 'kinds = ["rollout", "deployment"]\nrules      =') + (
    f"""
[guards.search]
targets = ["{STRANGE}"]
rules = ["error-rate", "crash"]
channels = ["releases", "oncall"]
action = "abort"
"""
)
WHY = 'not the shape of its kind (spec.replicas is "many", not a whole number)'


def furnish(town: Town) -> None:
    town.furnish("research", "brand", "content")
    search(town)
    town.cluster.patch("rollouts", NAMESPACE, "search", {"metadata": {"labels": {"app.kubernetes.io/part-of": "own"}}})


def breaks(town: Town, *, mended: bool = False) -> None:
    replicas = 4 if mended else "many"
    town.cluster.patch("rollouts", NAMESPACE, "search", {"spec": {"replicas": replicas}})


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if one.levelno >= logging.ERROR]


def test_it_is_held_and_told_while_it_cannot_be_read_and_put_back_once_it_is_mended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        town.behaves("research:v2", errors=FAILING)
        await town.sleep(30)
        town.deploy("research", "research:v2")
        await town.sleep(5)
        breaks(town)
        other = await town.outcome("research")
        assert (other["outcome"], other["recovery"]) == ("rolled-back", "recovered")

        await town.until(lambda: town.told("oncall").count("held") == 1)
        (held,) = [one for one, _ in town.channels["oncall"].told if one.topic.value == "held"]
        assert f"{STRANGE} cannot be read: {WHY}" in str(held)
        await town.sleep(120)
        assert [(one["target"], one["why"]) for one in said(caplog)] == [(STRANGE, WHY)]
        assert town.told().count("unguarded") == 1
        assert town.metric("watchdog_unguarded", target=STRANGE, reason="unreadable") == 1
        assert town.acts() == ["deployments/research"]

        breaks(town, mended=True)
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert status(town)["abort"] is True
        assert town.acts() == ["deployments/research", "rollouts/search/status"]
        assert town.metric("watchdog_unguarded", target=STRANGE, reason="unreadable") is None
        assert failures(caplog) == []

    tell(story, furnish, rules=BOTH)


def test_a_watch_of_what_was_broken_for_a_while_goes_on_and_passes(caplog: pytest.LogCaptureFixture) -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.sleep(60)
        breaks(town)
        await town.sleep(120)
        assert [one["phase"] for one in town.records("search")] == ["watching"]
        breaks(town, mended=True)
        await town.sleep(10)
        town.cluster.promote(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "passed"
        assert town.told().count("unguarded") == 1
        assert failures(caplog) == []

    tell(story, furnish, rules=BOTH)


def test_a_peer_that_cannot_be_read_stands_in_nobodys_way(caplog: pytest.LogCaptureFixture) -> None:
    """Its pods would be asked whether the way to pods is blocked."""
    rules = RULES.replace("rules      =", 'kinds = ["rollout", "deployment"]\nrules      =')

    async def story(town: Town) -> None:
        await town.sleep(60)
        breaks(town)
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        assert failures(caplog) == []

    def beside(town: Town) -> None:
        town.furnish("research")
        search(town)

    tell(story, beside, rules=rules)
