"""Whether a watch ended because something else serves, as its reason tells."""

import pytest

from builders import BLUE, GREEN, a_flip_switch, a_watch
from watchdog.domain.state import Phase
from watchdog.domain.superseding import nobody_serves, taken_back_to, took_over


@pytest.mark.parametrize("who", ["", "ann"])
def test_it_is_told_again_from_the_sentence(who: str) -> None:
    for reason in (took_over(BLUE, who), nobody_serves(who)):
        watch = a_watch(switch=a_flip_switch(), phase=Phase.SUPERSEDED, reason=reason)
        assert taken_back_to(watch, BLUE)
        assert who in reason
        assert taken_back_to(watch, GREEN) is reason.startswith("all its weights")


def test_a_watch_that_ended_otherwise_was_not_taken_back() -> None:
    assert not taken_back_to(a_watch(phase=Phase.PASSED, reason=took_over(BLUE, "")), BLUE)
