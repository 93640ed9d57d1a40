"""May we act, and to what? Each refusal with its sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    BLUE,
    GOOD,
    GREEN,
    NEW,
    a_baseline,
    a_block,
    a_destination,
    a_flip_switch,
    a_gauge,
    a_guard,
    a_latency,
    a_live,
    a_pod,
    a_ratio,
    a_revision,
    a_rule,
    a_switch,
    a_watch,
    counts,
    play,
    seconds,
    signs_of,
    slow,
    values,
)
from watchdog.domain.annotations import GUARD, HOLD
from watchdog.domain.conditions import Op
from watchdog.domain.effects import Remedy
from watchdog.domain.events import BaselineMeasured, Looked, Measured
from watchdog.domain.live import Live
from watchdog.domain.measurement import Baseline, Reading
from watchdog.domain.remedy import plan
from watchdog.domain.rollout import ServiceFlip
from watchdog.domain.rules import Guard, Rule
from watchdog.domain.state import Refusal, RefusalReason, Watch

BAD = counts(50, 100, samples=2)


def breached(
    rule: Rule | None = None,
    reading: Reading = BAD,
    *,
    baseline: Baseline | None = None,
    flipped: bool = False,
    guard: Guard | None = None,
    **changes: object,
) -> Watch:
    """A watch that waits for a decision, its rule breached by one block."""
    rule = rule or a_rule()
    switch = a_flip_switch() if flipped else a_switch()
    guard = guard or a_guard(rule, warmup=seconds(0))
    watch = a_watch(guard=guard, switch=switch, **changes)  # type: ignore[arg-type]
    known = [(BaselineMeasured({rule.name: baseline}), 1.0)] if baseline else []
    pod = a_live(1, switch=switch, pods=[a_pod(ready=0)])
    watch, _ = play(watch, (Looked(pod), 1), *known, (Measured({rule.name: a_block(1, reading)}), 17))
    assert watch.breached == (rule.name,)
    return watch


def flipped(**changes: object) -> Watch:
    return breached(flipped=True, **changes)  # type: ignore[arg-type]


def look(watch: Watch, **changes: object) -> Live:
    return a_live(60, switch=watch.switch, fresh=True, **changes)  # type: ignore[arg-type]


def refusal(watch: Watch, **changes: object) -> Refusal:
    answer = plan(watch, look(watch, **changes))
    assert isinstance(answer, Refusal), answer
    return answer


def remedy(watch: Watch, **changes: object) -> Remedy:
    answer = plan(watch, look(watch, **changes))
    assert isinstance(answer, Remedy), answer
    return answer


def test_an_undo_names_what_it_undoes_where_to_and_under_which_conditions() -> None:
    watch = breached()
    answer = remedy(watch)
    assert (answer.watch, answer.target, answer.kind) == (watch.id, watch.switch.target, watch.switch.kind)
    assert (answer.candidate, answer.to) == (NEW, GOOD)
    assert (answer.uid, answer.resource_version) == ("uid-research", "100")
    assert answer.services == ()
    assert answer.scale_to is None


def test_a_flip_back_restores_the_whole_selector_of_before() -> None:
    (service,) = remedy(flipped()).services
    assert (service.service, service.uid, service.resource_version) == ("gateway", "uid-gateway", "100")
    assert service.selector == {"app": "gateway", "colour": "blue"}


REFUSALS = [
    ({"exists": False}, RefusalReason.SUPERSEDED, "the target is gone"),
    (
        {"serving": a_revision("newer")},
        RefusalReason.SUPERSEDED,
        "research-newer serves now, not research-7c9d (research:1.5.0)",
    ),
    (
        {"serving": None},
        RefusalReason.SUPERSEDED,
        "nothing that could be told serves now, not research-7c9d (research:1.5.0)",
    ),
    ({"paused": True}, RefusalReason.PAUSED, "the Deployment is paused: an undo would not roll out"),
    (
        {"annotations": {HOLD: "until=2026-03-02T13:00:00Z; schema migration 42"}},
        RefusalReason.ON_HOLD,
        "on hold until 2026-03-02 13:00 UTC: schema migration 42",
    ),
    (
        {"annotations": {GUARD: "off; until=2026-03-02T13:00:00Z; reason=load test"}},
        RefusalReason.ON_HOLD,
        "on hold until 2026-03-02 13:00 UTC: load test",
    ),
    ({"destination": None}, RefusalReason.NOTHING_TO_GO_BACK_TO, "no good revision to go back to is known"),
    (
        {"destination": a_destination(exists=False)},
        RefusalReason.DESTINATION_GONE,
        "research-5f6d (research:1.4.0) is gone (revisionHistoryLimit, or deleted)",
    ),
    (
        {"destination": a_destination(differs=False)},
        RefusalReason.NO_DIFFERENCE,
        "research-5f6d (research:1.4.0) differs in annotations alone (a restart): an undo would change nothing",
    ),
    (
        {"destination": a_destination(missing=("configmap/limits", "serviceaccount/old"))},
        RefusalReason.NEEDS_GONE,
        "research-5f6d (research:1.4.0) needs what is gone: configmap/limits, serviceaccount/old",
    ),
    (
        {"destination": a_destination(refused="denied by quota")},
        RefusalReason.DRY_RUN_REFUSED,
        "the API server would refuse it: denied by quota",
    ),
]


@pytest.mark.parametrize(("changes", "reason", "sentence"), REFUSALS, ids=lambda value: str(value)[:40])
def test_each_refusal_of_a_rollout_has_its_reason_and_its_sentence(
    changes: dict[str, object], reason: RefusalReason, sentence: str
) -> None:
    assert refusal(breached(), **changes) == Refusal(reason, sentence)


def test_without_a_stable_revision_there_is_nothing_to_go_back_to() -> None:
    assert refusal(breached(stable=None)).reason is RefusalReason.NOTHING_TO_GO_BACK_TO


def test_refusals_come_in_the_order_from_not_ours_to_would_not_help() -> None:
    everything: dict[str, object] = {}
    for changes, _, _ in reversed(REFUSALS):
        everything |= changes  # what stands earlier in the list overrides what comes later
    watch = breached()
    seen = []
    everything["destination"] = a_destination(
        exists=False, differs=False, missing=("configmap/x",), refused="no", replicas=0, ready_pods=0
    )
    for fixed in (
        {"exists": True},
        {"serving": NEW},
        {"paused": False},
        {"annotations": {}},
        {"destination": a_destination(differs=False, missing=("configmap/x",), refused="no")},
        {"destination": a_destination(missing=("configmap/x",), refused="no")},
        {"destination": a_destination(refused="no")},
        {"destination": a_destination()},
    ):
        seen.append(refusal(watch, **everything).reason)
        everything |= fixed
    assert seen == [
        RefusalReason.SUPERSEDED,
        RefusalReason.SUPERSEDED,
        RefusalReason.PAUSED,
        RefusalReason.ON_HOLD,
        RefusalReason.DESTINATION_GONE,
        RefusalReason.NO_DIFFERENCE,
        RefusalReason.NEEDS_GONE,
        RefusalReason.DRY_RUN_REFUSED,
    ]
    remedy(watch, **everything)


# -- holds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "until=2026-03-02T11:00:00Z; over",
        "schema migration, no end given",
        "until=2027-01-01T00:00:00Z; more than thirty days",
        "until=0001-01-01T00:00:00+14:00; before the calendar began",
        "until=9999-12-31T23:59:59-12:00; after it ends",
        "until=2026-03-02T13:00:00; no offset",
        "",
    ],
)
def test_a_hold_that_is_over_or_not_in_order_holds_nothing(text: str) -> None:
    remedy(breached(), annotations={HOLD: text})


def test_a_guard_may_forbid_holds() -> None:
    watch = breached(guard=a_guard(annotations=False, warmup=seconds(0)))
    remedy(watch, annotations={HOLD: "until=2026-03-02T13:00:00Z; please not"})


# -- flips -------------------------------------------------------------------------------------------------------


def blue(**changes: object) -> dict[str, object]:
    return {"destination": a_destination(BLUE, **changes)}


def test_a_colour_that_no_longer_runs_what_served_is_no_destination() -> None:
    answer = refusal(flipped(), **blue(same_template=False))
    assert answer.reason is RefusalReason.DESTINATION_CHANGED
    assert answer.sentence.startswith("gateway-blue no longer runs what served: gateway-blue-b1ue")


@pytest.mark.parametrize(("ready", "replicas", "may"), [(0, 2, False), (1, 2, True), (1, 3, False), (2, 3, True)])
def test_blue_must_have_half_of_its_pods_ready(ready: int, replicas: int, may: bool) -> None:
    answer = plan(flipped(), look(flipped(), **blue(ready_pods=ready, replicas=replicas)))
    assert isinstance(answer, Remedy) is may
    if not may:
        assert answer == Refusal(
            RefusalReason.DESTINATION_NOT_READY, f"{ready} of {replicas} pods of gateway-blue are ready"
        )


def test_a_rollout_needs_no_ready_pods_to_go_back_to() -> None:
    remedy(breached(), destination=a_destination(ready_pods=0, replicas=0))


def test_a_blue_that_was_scaled_to_zero_is_refused_with_a_hint() -> None:
    answer = refusal(flipped(), **blue(ready_pods=0, replicas=0))
    assert answer.sentence == "0 of 0 pods of gateway-blue are ready (restore_replicas would scale it up)"


def restoring(**changes: object) -> Watch:
    return flipped(guard=a_guard(restore_replicas=True, warmup=seconds(0)), **changes)


def test_with_restore_replicas_it_is_scaled_up_first_to_what_green_has() -> None:
    answer = remedy(restoring(), desired=3, **blue(ready_pods=0, replicas=0))
    assert (answer.scale_to, answer.to, answer.services) == (3, BLUE, ())
    assert remedy(restoring(), desired=0, **blue(ready_pods=0, replicas=0)).scale_to == 1


def test_it_is_scaled_up_once_and_then_waited_for() -> None:
    scaled = restoring(scaled_up=True)
    assert refusal(scaled, **blue(ready_pods=0, replicas=0)).reason is RefusalReason.DESTINATION_NOT_READY
    assert refusal(scaled, **blue(ready_pods=0, replicas=3)).sentence == "0 of 3 pods of gateway-blue are ready"
    assert remedy(scaled, **blue(ready_pods=2, replicas=3)).scale_to is None


def test_nothing_is_scaled_up_for_a_put_back_that_would_be_refused_anyway() -> None:
    was_bad_before = restoring(baseline=a_baseline(counts(60, 100, samples=9)))
    answer = refusal(was_bad_before, **blue(ready_pods=0, replicas=0))
    assert answer.reason is RefusalReason.STABLE_OVER_LIMIT


def several(*names: str) -> Watch:
    watch = flipped()
    switch = a_flip_switch(*names)
    return a_watch(switch=switch, guard=watch.guard, tracks=watch.tracks, breached=watch.breached)


def test_several_services_are_put_back_in_one_remedy_each_under_its_own_condition() -> None:
    answer = remedy(several("gateway", "admin", "docs"))
    assert [back.service for back in answer.services] == ["gateway", "admin", "docs"]
    assert [back.uid for back in answer.services] == ["uid-gateway", "uid-admin", "uid-docs"]


def test_services_that_moved_on_are_left_alone() -> None:
    answer = remedy(several("gateway", "admin"), moved=["gateway"], serving=BLUE)
    assert [back.service for back in answer.services] == ["admin"]


def test_where_all_services_moved_on_it_is_not_ours_any_more() -> None:
    both = several("gateway", "admin")
    assert refusal(both, moved=["gateway", "admin"], serving=BLUE).reason is RefusalReason.SUPERSEDED


def test_a_selector_that_was_changed_to_another_map_of_the_same_pods_is_a_persons_doing() -> None:
    answer = refusal(flipped(), moved=["gateway"])
    assert answer == Refusal(RefusalReason.SUPERSEDED, "the Service's selector was changed since")


def test_a_newer_template_of_green_is_not_taken_for_what_breached() -> None:
    newer = a_revision("newer", workload=GREEN.workload)
    assert refusal(flipped(), serving=newer).reason is RefusalReason.SUPERSEDED
    assert refusal(several("gateway", "admin"), serving=newer).reason is RefusalReason.SUPERSEDED


def test_a_flip_of_which_nobody_knows_the_selector_before_cannot_be_put_back() -> None:
    for flips in ((), (ServiceFlip("gateway", {}, {"colour": "green"}),)):
        watch = flipped()
        unknown = a_watch(switch=a_flip_switch(flips=flips), guard=watch.guard, breached=watch.breached)
        assert refusal(unknown) == Refusal(
            RefusalReason.NOTHING_TO_GO_BACK_TO, "what the Service selected before is not known"
        )


# -- stable itself was over the limit ----------------------------------------------------------------------------


def test_where_stable_was_over_the_limit_it_is_refused_and_told_what_stable_had() -> None:
    watch = breached(reading=counts(12, 100, samples=2), baseline=a_baseline(counts(80, 1000, samples=9)))
    assert refusal(watch) == Refusal(
        RefusalReason.STABLE_OVER_LIMIT, "error-rate: stable itself was at 8 % before the switch"
    )


def test_the_limit_is_then_added_to_stables_value() -> None:
    before = a_baseline(counts(80, 1000, samples=9))  # 8 %, so the limit is 13 %
    assert isinstance(plan(breached(reading=counts(13, 100, samples=2), baseline=before), look(breached())), Refusal)
    remedy(breached(reading=counts(14, 100, samples=2), baseline=before))


def test_stable_exactly_at_the_limit_was_not_over_it() -> None:
    remedy(breached(reading=counts(6, 100, samples=2), baseline=a_baseline(counts(50, 1000, samples=9))))


def test_a_thin_baseline_excuses_nothing() -> None:
    remedy(breached(reading=counts(6, 100, samples=2), baseline=a_baseline(counts(10, 19, samples=9))))


def test_limits_that_come_from_the_baseline_need_no_excuse() -> None:
    watch = breached(a_rule(a_gauge("1.5x")), values(300), baseline=a_baseline(values(100)))
    remedy(watch)


def test_signs_are_never_excused_by_stable() -> None:
    rule = a_rule(signs_of())
    watch, _ = play(a_watch(rule), (Looked(a_live(40, pods=[a_pod(waiting="CrashLoopBackOff", ready=None)])), 40))
    remedy(watch)


def test_a_total_outage_is_never_excused_by_stable() -> None:
    rule = a_rule()
    watch = a_watch(rule)
    events = [(Measured({rule.name: a_block(n, counts(30, 30))}), 15.0 * n + 2) for n in (1, 2)]
    watch, _ = play(watch, (BaselineMeasured({rule.name: a_baseline(counts(900, 1000, samples=9))}), 1), *events)
    remedy(watch)


def test_a_lower_limit_that_stable_missed_too_is_refused() -> None:
    rule = a_rule(a_gauge(10, op=Op.BELOW))
    assert refusal(breached(rule, values(5), baseline=a_baseline(values(8)))).reason is RefusalReason.STABLE_OVER_LIMIT
    remedy(breached(rule, values(5), baseline=a_baseline(values(12))))


def test_one_breach_that_stable_does_not_excuse_is_enough_to_act() -> None:
    errors, latency = a_rule(), a_rule(a_latency(0.2))
    watch = a_watch(errors, latency)
    pods = a_live(1, pods=[a_pod(ready=0)])
    base = {"error-rate": a_baseline(counts(80, 1000, samples=9))}
    bad = Measured({"error-rate": a_block(1, counts(10, 100, samples=2))})
    watch, _ = play(watch, (Looked(pods), 1), (BaselineMeasured(base), 1), (bad, 17))
    assert refusal(watch).reason is RefusalReason.STABLE_OVER_LIMIT
    two = [(Measured({"latency": a_block(n, slow(0.5))}), 15.0 * n + 2) for n in (2, 3)]
    watch, _ = play(watch, *two)
    assert watch.breached == ("error-rate", "latency")
    remedy(watch)


def test_what_was_never_breached_gives_no_excuse() -> None:
    assert isinstance(plan(a_watch(), a_live(60, fresh=True)), Remedy)
    assert isinstance(plan(a_watch(breached=("unknown",)), a_live(60, fresh=True)), Remedy)


@given(st.integers(0, 99), st.integers(1, 100))
def test_acting_on_a_ratio_takes_more_than_the_limit_above_stable(before: int, now: int) -> None:
    if now <= 5:
        return
    reading = counts(now, 100, samples=2)
    answer = plan(breached(reading=reading, baseline=a_baseline(counts(before, 100, samples=9))), look(breached()))
    over_before = before > 5
    assert isinstance(answer, Remedy) is (not over_before or now / 100 > 0.05 + before / 100)


@given(
    st.fixed_dictionaries(
        {
            "exists": st.booleans(),
            "serving": st.sampled_from([None, NEW, GOOD, a_revision("newer")]),
            "paused": st.booleans(),
            "annotations": st.dictionaries(st.sampled_from([HOLD, GUARD]), st.text(max_size=60)),
            "destination": st.none() | st.builds(
                a_destination,
                exists=st.booleans(),
                same_template=st.booleans(),
                differs=st.booleans(),
                replicas=st.integers(0, 3),
                ready_pods=st.integers(0, 3),
                missing=st.sampled_from([(), ("configmap/x",)]),
                refused=st.sampled_from(["", "no"]),
            ),
        }
    ),
    st.booleans(),
)  # fmt: skip
def test_a_remedy_never_goes_where_it_must_not(changes: dict[str, object], flip: bool) -> None:
    watch = flipped() if flip else breached()
    live = look(watch, **changes)
    answer = plan(watch, live)
    if isinstance(answer, Remedy):
        assert live.exists
        assert live.serving == watch.switch.candidate
        assert not live.paused
        assert watch.stable is not None
        assert answer.to == watch.stable.revision != watch.switch.candidate
        destination = live.destination
        assert destination is not None
        assert destination.exists
        assert destination.differs
        assert not destination.missing
        assert not destination.refused
        assert not flip or destination.ready_pods > 0
        assert (answer.uid, answer.resource_version) == (live.uid, live.resource_version)
    else:
        assert answer.sentence
        assert "\n" not in answer.sentence


def test_a_ratio_without_requests_before_the_switch_excuses_nothing() -> None:
    rule = a_rule(a_ratio(0.05))
    remedy(breached(rule, baseline=a_baseline(counts(0, 0))))
