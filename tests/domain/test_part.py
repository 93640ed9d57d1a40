"""Which part of the traffic a candidate has, and when people are told how long a verdict takes with it."""

from dataclasses import replace

import pytest

from builders import a_block, a_flip_switch, a_ratio, a_rule, a_switch, a_watch, at, counts, play
from watchdog.domain.effects import Record
from watchdog.domain.events import Measured, Stepped
from watchdog.domain.part import of_traffic, part_of, part_told
from watchdog.domain.record import record_of
from watchdog.domain.rollout import SwitchKind, Target, TrafficSwitch, WeightStep
from watchdog.domain.state import Phase, Watch

ROUTE = Target.parse("production/httproute/gateway")
RULE = a_rule(a_ratio(), name="error-rate", alpha=0.0005)


def a_route_switch(part: float) -> TrafficSwitch:
    return replace(a_flip_switch(), target=ROUTE, kind=SwitchKind.ROUTE, part=part)


def stepped(watch: Watch, *shares: float, when: float = 100) -> Watch:
    steps = tuple(WeightStep(at(when), share, "gateway") for share in shares)
    return replace(watch, steps=(*watch.steps, *steps))


@pytest.mark.parametrize(
    ("share", "said"), [(0.05, "5 % of the traffic"), (1.0, "100 % of the traffic"), (1 / 3, "33.3 % of the traffic")]
)
def test_a_share_is_said_in_percent(share: float, said: str) -> None:
    assert of_traffic(share) == said


def test_the_present_weight_is_told_with_its_step_alike_by_watch_and_record() -> None:
    watch = a_watch(RULE, switch=a_route_switch(0.05))
    later = stepped(watch, 0.25, 0.5)
    for one, said in ((watch, "5 % of the traffic"), (later, "50 % of the traffic, step 3")):
        assert part_of(one) == part_told(record_of(one)) == said
    assert record_of(later)["weight"] == {"share": 0.5, "step": 3}
    assert [step["share"] for step in record_of(later)["steps"]] == [0.25, 0.5]


def test_a_step_of_a_route_that_joined_is_not_one_of_the_targets_own() -> None:
    watch = a_watch(RULE, switch=a_route_switch(0.05))
    other = replace(watch, steps=(WeightStep(at(100), 0.9, "gateway-internal"),))
    assert part_of(other) == "5 % of the traffic"


def test_where_nothing_is_shared_or_all_was_put_back_no_weight_is_told() -> None:
    watch = a_watch(RULE, switch=a_route_switch(0.05))
    put_back = replace(watch, phase=Phase.RECOVERING, acted_at=at(200))
    for one in (a_watch(RULE, switch=a_switch()), a_watch(RULE, switch=a_flip_switch()), put_back):
        assert part_of(one) == part_told(record_of(one)) == ""
    assert part_told({"weight": "5 %"}) == part_told({}) == ""


def test_a_minute_after_the_switch_and_after_each_step_the_record_is_written_for_what_there_is_to_tell() -> None:
    watch = a_watch(RULE, switch=a_route_switch(0.05))
    measured = [(Measured({"error-rate": a_block(n, counts(0, 1))}), 15 * n + 2) for n in range(1, 21)]
    written = []
    for event in measured[:12]:
        watch, effects = play(watch, event)
        written += [event[1] for effect in effects if isinstance(effect, Record)]
    assert written == [62]
    step = Stepped(WeightStep(at(185), 0.25, "gateway"), {"colour": "a quarter"})
    watch, _ = play(watch, (step, 185))
    for event in measured[12:]:
        watch, effects = play(watch, event)
        written += [event[1] for effect in effects if isinstance(effect, Record)]
    assert written == [62, 257]  # the fourth whole block after the step


def test_of_a_rollout_nothing_is_written_for_that() -> None:
    watch = a_watch(RULE, switch=a_switch())
    for n in range(1, 9):
        watch, effects = play(watch, (Measured({"error-rate": a_block(n, counts(0, 1))}), 15 * n + 2))
        assert not [effect for effect in effects if isinstance(effect, Record)]
