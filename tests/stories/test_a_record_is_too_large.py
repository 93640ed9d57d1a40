"""A record that is refused for its size keeps no watch from its course: it is kept in brief, or not at all."""

import json

import pytest

from town import OWN, Town, tell
from watchdog.adapters.kubernetes import journal
from watchdog.simulator.traffic import Course


def bad_release(town: Town) -> None:
    town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
    town.deploy("research", "research:v2")


def test_it_is_kept_in_brief_and_the_release_is_undone_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal, "LARGEST", 20_000)

    async def story(town: Town) -> None:
        bad_release(town)
        record = await town.outcome("research")
        assert record["outcome"] == "rolled-back"
        assert record["brief"]
        assert "state" not in record
        assert record["headline"]
        assert record["rules"]["error-rate"]["sentence"]
        assert town.acts() == ["deployments/research"]
        assert "rolled-back" in town.told("oncall")

    tell(story)
    assert "record too large, kept in brief" in caplog.text


def test_where_not_even_the_brief_is_taken_the_watch_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal, "LARGEST", 100)

    async def story(town: Town) -> None:
        bad_release(town)
        await town.sleep(1500)
        assert town.serving_image("research") == "research:v1"
        assert town.told("oncall") == ["rolled-back"]
        assert town.watchdog is not None
        assert town.running
        assert not [one for one in town.cluster.list("configmaps", OWN) if "record.json" in json.dumps(one)]

    tell(story)
    assert "not kept" in caplog.text
    assert "watch failed" not in caplog.text
