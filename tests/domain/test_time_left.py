"""How much of an open watch's time is left."""

from typing import Any

import pytest

from builders import T0, at, seconds
from watchdog.domain.time_left import time_left

WATCHING: dict[str, Any] = {"outcome": "watching", "tempo": {"bake": 600}, "bake_until": at(600).isoformat()}
RECOVERING: dict[str, Any] = {
    "outcome": "recovering",
    "tempo": {"recovery": 120},
    "recovery_until": at(220).isoformat(),
}


def test_of_the_bake_the_share_that_is_to_come() -> None:
    left = time_left(WATCHING, at(450))
    assert (left.sentence, left.share, left.ends) == ("2 min 30 s of the bake left, of 10 min", 0.25, at(600))
    assert time_left(WATCHING, at(900)).share == 0.0
    assert time_left({**WATCHING, "outlook": ["errors: slow"]}, T0).sentence.endswith("of 10 min; errors: slow")


def test_of_the_recovery_once_the_put_back_is_complete() -> None:
    assert time_left(RECOVERING, at(100)).short == "the put-back is under way"
    complete = {**RECOVERING, "put_back_complete_at": at(100).isoformat()}
    assert time_left(complete, at(160)).share == seconds(60) / seconds(120)


@pytest.mark.parametrize(
    "record", [{"outcome": "watching"}, {**WATCHING, "tempo": {}}, {**WATCHING, "bake_until": None}]
)
def test_while_the_rollout_goes_on_nothing_is_counted(record: dict[str, Any]) -> None:
    left = time_left(record, T0)
    assert (left.share, left.ends, left.short) == (None, None, "the rollout is not complete")
