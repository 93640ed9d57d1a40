"""What is kept of a watch whose record is too large."""

import json
from dataclasses import replace

import pytest

from builders import a_switch, a_watch
from watchdog.domain.brief import LARGEST, brief_of
from watchdog.domain.record import record_of
from watchdog.domain.state import Phase


@pytest.mark.parametrize("length", [10, 10_000, 500_000])
def test_it_is_small_and_says_whose_it_is_whatever_people_wrote(length: int) -> None:
    watch = replace(a_watch(switch=a_switch(by="x" * length)), phase=Phase.HELD, reason="y" * length)
    brief, whole = brief_of(watch), record_of(watch)
    assert len(json.dumps(brief)) <= LARGEST
    assert brief["brief"] is True
    assert "state" not in brief
    assert all(brief[key] == whole[key] for key in ("schema", "watch", "target", "outcome"))
    assert ("y" * min(length, 64)) in brief["reason"]
