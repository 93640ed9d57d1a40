"""A moment judged as if a switch had happened then."""

import re
from dataclasses import replace
from datetime import timedelta

from builders import BLUE, GREEN, T0, a_block, a_guard, a_probe, a_ratio, a_rule, a_target, counts, play, signs_of
from watchdog.domain.as_if import BLOCKS, as_if_switched, as_if_weighted, seen_then, whoever
from watchdog.domain.effects import PutBackWithheld
from watchdog.domain.events import Looked, Measured, PutBackAnswered
from watchdog.domain.rollout import TargetKind
from watchdog.domain.state import Phase

ERRORS = a_rule(a_ratio(), name="error-rate")
GUARD = a_guard(ERRORS, a_rule(a_probe(), name="health"), a_rule(signs_of("crash-loop"), name="crash"))


def test_whatever_served_before_is_compared_with_whatever_came_after() -> None:
    case = as_if_switched(
        a_target("gateway", kind=TargetKind.SERVICE), GUARD, whoever(("gateway-blue", "gateway-green")), T0, {}
    )
    switch, stable = case.watch.switch, case.watch.stable
    assert stable is not None
    assert (stable.since, stable.until, switch.at) == (T0 - GUARD.baseline, T0, T0)
    assert switch.candidate.pods_pattern == stable.revision.pods_pattern
    for name in ("gateway-blue-7c9d-x2x2x", "gateway-green-5f6d-z9z9z"):
        assert re.fullmatch(switch.candidate.pods_pattern, name)
    assert str(switch.candidate) == "whatever served as gateway-blue"


def test_what_leaves_no_past_is_left_out_and_said() -> None:
    case = as_if_switched(a_target(), GUARD, whoever(("research",)), T0, {})
    assert [track.rule.name for track in case.watch.tracks] == ["error-rate"]
    assert [rule.name for rule in case.left_out] == ["health", "crash"]
    assert not case.shortened


def test_of_a_very_long_bake_only_the_beginning_is_judged() -> None:
    case = as_if_switched(a_target(), replace(GUARD, bake=timedelta(days=7)), whoever(("research",)), T0, {})
    assert case.shortened
    assert case.watch.guard.bake == BLOCKS * GUARD.interval


def test_nothing_is_in_the_way_of_a_rollback_that_would_be() -> None:
    watch = as_if_switched(a_target(), GUARD, whoever(("research",)), T0, {}).watch
    seen = seen_then(watch.switch, T0 + timedelta(seconds=60))
    blocks = [(Measured({"error-rate": a_block(n, counts(50, 100))}), 15.0 * n) for n in range(1, 6)]
    deciding, _ = play(watch, (Looked(seen), 1), *blocks, (Looked(replace(seen, fresh=True)), 80))
    assert deciding.phase is Phase.ACTING
    ended, _ = play(deciding, (PutBackAnswered(PutBackWithheld(T0)), 81))
    assert ended.phase is Phase.WOULD_ROLL_BACK


def test_a_canary_is_judged_beside_what_had_the_rest() -> None:
    route = a_target("gateway", kind=TargetKind.HTTPROUTE)
    case = as_if_weighted(route, GUARD, GREEN, BLUE, 0.05, T0, {})
    switch, stable = case.watch.switch, case.watch.stable
    assert stable is not None
    assert (switch.candidate, switch.previous, stable.revision, switch.part) == (GREEN, BLUE, BLUE, 0.05)
    assert case.whom.startswith("by the records ")
    assert "had 5 % of the traffic then" in case.whom
