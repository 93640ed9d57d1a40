"""When a sighting is a traffic switch, and what is remembered between watches."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import BLUE, GREEN, NEW, a_revision, a_sighting, a_stable, a_target, at, seconds
from watchdog.domain.live import Sighting
from watchdog.domain.memory import BAD_KEPT, GOOD_KEPT, Bad, Good, Memory
from watchdog.domain.noticing import Noticed, before, notice
from watchdog.domain.rollout import Revision, SwitchKind, TargetKind

BAKE = timedelta(minutes=10)
DAY = timedelta(hours=24)
REV1, REV2, REV3 = a_revision("rev1"), a_revision("rev2"), a_revision("rev3")
FLIP = SwitchKind.SELECTOR


def see(
    memory: Memory | None,
    sighting: Sighting,
    *,
    now: float | None = None,
    idle: bool = False,
    window: timedelta = DAY,
) -> Noticed:
    moment = sighting.since if now is None else at(now)
    noticed = notice(memory, sighting, bake=BAKE, rollback_window=window, idle=idle, now=moment)
    assert noticed is not None
    return noticed


def remembered(serving: Revision = REV1, *, since: float = -7200, **changes: object) -> Memory:
    """A Deployment whose revision 1 is good and serves."""
    memory = Memory(a_target(), serving, at(since), good=(Good(serving, at(since), None),))
    return replace(memory, **changes)


def remembered_service(serving: Revision = BLUE, *, since: float = -7200, **changes: object) -> Memory:
    target = a_target("gateway", kind=TargetKind.SERVICE)
    memory = Memory(target, serving, at(since), good=(Good(serving, at(since), None),))
    memory = replace(memory, selector={"colour": serving.workload}, colours=(serving.workload,))
    return replace(memory, **changes)


# -- seen for the first time -------------------------------------------------------------------------------------


def test_the_first_revision_opens_no_watch_and_is_good_once_rolled_out() -> None:
    noticed = see(None, a_sighting(REV1))
    assert noticed.switch is None
    assert noticed.quiet == "first seen"
    assert noticed.memory.stable_for(NEW, at(9)) == a_stable(REV1, since=0, until=9)


def test_a_first_revision_that_is_not_rolled_out_is_not_good_until_it_is() -> None:
    begun = see(None, a_sighting(REV1, complete=False)).memory
    assert begun.first
    assert begun.stable_for(REV2, at(5)) is None
    done = see(begun, a_sighting(REV1), now=60).memory
    assert not done.first
    assert done.stable_for(REV2, at(90)) == a_stable(REV1, since=0, until=90)


def test_a_second_revision_before_the_first_was_rolled_out_has_nothing_to_go_back_to() -> None:
    begun = see(None, a_sighting(REV1, complete=False)).memory
    noticed = see(begun, a_sighting(REV2, since=5000, complete=False))
    assert noticed.switch is not None
    assert noticed.stable is None
    assert not noticed.memory.first


def test_a_target_first_seen_in_the_midst_of_a_rollout_is_watched_from_its_true_time() -> None:
    sighting = a_sighting(REV2, since=-60, complete=False, previous=REV1, previous_since=at(-90000), live=False)
    noticed = see(None, sighting, now=0)
    assert noticed.switch is not None
    assert noticed.switch.at == at(-60)
    assert noticed.switch.previous == REV1
    assert noticed.stable == a_stable(REV1, since=-90000, until=-60)


def test_what_came_before_but_served_for_less_than_the_bake_is_no_place_to_go_back_to() -> None:
    sighting = a_sighting(REV2, since=-60, previous=REV1, previous_since=at(-120))
    noticed = see(None, sighting, now=0)
    assert noticed.switch is not None
    assert noticed.stable is None


def test_a_switch_from_long_before_the_first_sight_opens_no_watch_and_is_good() -> None:
    sighting = a_sighting(REV2, since=-600, previous=REV1, previous_since=at(-90000))
    noticed = see(None, sighting, now=0)
    assert noticed.switch is None
    assert noticed.memory.stable_for(REV3, at(0)) == a_stable(REV2, since=-600, until=0)


def test_a_rollout_that_still_is_not_complete_is_watched_however_old() -> None:
    sighting = a_sighting(REV2, since=-6000, complete=False, previous=REV1, previous_since=at(-90000))
    assert see(None, sighting, now=0).switch is not None


def test_a_first_sight_of_an_idle_colour_opens_no_watch() -> None:
    sighting = a_sighting(REV2, since=-60, previous=REV1, previous_since=at(-90000))
    noticed = see(None, sighting, now=0, idle=True)
    assert noticed.switch is None
    assert noticed.quiet == "an idle colour"


def test_nothing_that_can_be_told_to_serve_is_nothing_to_remember() -> None:
    assert notice(None, a_sighting(None), bake=BAKE, rollback_window=DAY, idle=False, now=at(0)) is None
    assert notice(remembered(), a_sighting(None), bake=BAKE, rollback_window=DAY, idle=False, now=at(0)) is None


def test_a_service_first_seen_remembers_its_colour_and_selector() -> None:
    noticed = see(None, a_sighting(BLUE, kind=FLIP))
    assert noticed.memory.colours == ("gateway-blue",)
    assert noticed.memory.selector == {"colour": "gateway-blue"}


# -- rollouts ----------------------------------------------------------------------------------------------------


def test_a_new_revision_is_a_switch_away_from_the_good_one() -> None:
    noticed = see(remembered(), a_sighting(REV2, since=10, by="argo"))
    assert noticed.switch is not None
    assert (noticed.switch.candidate, noticed.switch.previous, noticed.switch.at) == (REV2, REV1, at(10))
    assert noticed.switch.by == "argo"
    assert noticed.stable == a_stable(REV1, until=10)
    assert noticed.memory.serving == REV2
    assert noticed.memory.good[-1].until == at(10)


def test_the_same_sighting_twice_is_one_switch() -> None:
    once = see(remembered(), a_sighting(REV2, since=10))
    again = see(once.memory, a_sighting(REV2, since=10), now=11)
    assert again.switch is None
    assert again.memory == once.memory


@pytest.mark.parametrize(
    "change",
    [{"annotations": {"a": "b"}}, {"labels": {"x": "y"}}, {"complete": False}, {"since": at(55)}, {"uid": "other"}],
)
def test_scaling_restarts_and_edits_of_metadata_are_no_switch(change: dict[str, object]) -> None:
    assert see(remembered(), replace(a_sighting(REV1), **change), now=60).switch is None


def test_an_undo_that_changes_the_revision_number_of_what_serves_is_no_switch() -> None:
    renumbered = replace(REV1, number=99, uid="another")
    assert see(remembered(), a_sighting(renumbered)).switch is None


def test_a_switch_that_was_missed_is_judged_from_its_true_time() -> None:
    noticed = see(remembered(), a_sighting(REV2, since=-500, since_is_bound=True, live=False), now=0)
    assert noticed.switch is not None
    assert noticed.switch.at == at(-500)
    assert noticed.switch.at_is_bound
    assert noticed.stable == a_stable(REV1, until=-500)


def test_a_switch_whose_bake_has_long_ended_is_not_watched_and_is_good() -> None:
    noticed = see(remembered(), a_sighting(REV2, since=-1200), now=0)
    assert noticed.switch is None
    assert noticed.quiet == "seen only after its bake had long ended"
    assert noticed.memory.stable_for(REV3, at(0)) == a_stable(REV2, since=-1200, until=0)


def test_a_missed_switch_to_a_known_bad_revision_does_not_make_it_good() -> None:
    memory = remembered(bad=(Bad(REV2, "w", at(-9000)),))
    noticed = see(memory, a_sighting(REV2, since=-1200), now=0)
    assert noticed.memory.is_bad(REV2)
    assert noticed.memory.stable_for(REV3, at(0)) == a_stable(REV1, until=-1200)


def test_superseding_keeps_the_good_revision_and_never_the_one_that_was_being_watched() -> None:
    second = see(remembered(), a_sighting(REV2, since=10)).memory
    noticed = see(second, a_sighting(REV3, since=9000))
    assert noticed.stable == a_stable(REV1, until=10)


def test_superseding_keeps_the_good_revision_and_never_the_bad_one() -> None:
    second = see(remembered(), a_sighting(REV2, since=10)).memory.with_bad(REV2, "w", at(60))
    noticed = see(second, a_sighting(REV3, since=70))
    assert noticed.stable is not None
    assert noticed.stable.revision == REV1


def test_a_bad_revision_that_is_deployed_again_is_watched_in_full() -> None:
    memory = see(remembered(), a_sighting(REV2, since=10)).memory.with_bad(REV2, "w", at(60))
    back = see(memory, a_sighting(REV1, since=65)).memory
    again = see(back, a_sighting(REV2, since=900))
    assert again.switch is not None
    assert not again.notify_only
    assert again.stable == a_stable(REV1, since=65, until=900)


def test_what_the_watchdog_put_back_is_no_switch_however_late_it_is_seen() -> None:
    put_back = see(remembered(), a_sighting(REV2, since=10)).memory.with_bad(REV2, "w", at(60), REV1)
    seen = see(put_back, a_sighting(REV1, since=61), now=75)
    assert (seen.switch, seen.quiet) == (None, "put back by the watchdog")
    again = see(seen.memory, a_sighting(REV2, since=300), now=305)
    assert again.switch is not None
    # This time a person undoes it: that is a switch.
    assert see(again.memory, a_sighting(REV1, since=400), now=405).switch is not None


def test_an_idle_colours_rollout_is_remembered_and_not_watched() -> None:
    noticed = see(remembered(), a_sighting(REV2, since=10), idle=True)
    assert noticed.switch is None
    assert noticed.quiet == "an idle colour"
    assert noticed.memory.serving == REV2
    assert not any(good.revision == REV2 for good in noticed.memory.good)


# -- a person's return -------------------------------------------------------------------------------------------


def passed(revision: Revision, when: float) -> Good:
    return Good(revision, at(when - 600), at(when + 100), at(when))


def test_a_return_to_a_revision_that_passed_lately_is_only_told() -> None:
    memory = remembered(REV2, good=(passed(REV1, -3600), Good(REV2, at(-3500), None, at(-2900))))
    noticed = see(memory, a_sighting(REV1, since=0))
    assert noticed.switch is not None
    assert noticed.notify_only == "a return to a revision that passed at 2026-03-02 11:00 UTC"


def test_a_return_to_a_revision_that_passed_longer_ago_is_watched_in_full() -> None:
    memory = remembered(REV2, good=(passed(REV1, -86401), Good(REV2, at(-3500), None, at(-2900))))
    assert see(memory, a_sighting(REV1)).notify_only == ""
    assert see(memory, a_sighting(REV1), window=timedelta(hours=25)).notify_only != ""


def test_a_return_to_a_revision_that_only_served_is_watched_in_full() -> None:
    memory = remembered(REV2, good=(Good(REV1, at(-9000), at(-3500)), Good(REV2, at(-3500), None, at(-2900))))
    assert see(memory, a_sighting(REV1)).notify_only == ""


def test_what_serves_again_is_the_newest_and_its_baseline_is_its_last_stretch() -> None:
    memory = remembered(REV2, good=(passed(REV1, -9000), Good(REV2, at(-3500), None, at(-2900))))
    back = see(memory, a_sighting(REV1, since=0)).memory
    assert [good.revision for good in back.good] == [REV2, REV1]
    assert back.stable_for(REV3, at(400)) == a_stable(REV1, since=0, until=400)


def test_what_was_put_back_a_moment_ago_is_measured_as_it_served_before() -> None:
    memory = remembered(REV2, good=(passed(REV1, -9000), Good(REV2, at(-3500), None, at(-2900))))
    back = see(memory, a_sighting(REV1, since=0)).memory
    assert back.stable_for(REV3, at(7)) == a_stable(REV1, since=-9600, until=-8900)
    twice = see(see(back, a_sighting(REV2, since=7)).memory, a_sighting(REV1, since=14)).memory
    assert twice.stable_for(REV3, at(20)) == a_stable(REV1, since=-9600, until=-8900)
    assert twice.stable_for(REV3, at(314)) == a_stable(REV1, since=14, until=314)
    assert back.good[-1].passed_at == at(-9000)


# -- flips -------------------------------------------------------------------------------------------------------


def test_a_flip_is_a_switch_with_both_selectors_whole() -> None:
    noticed = see(remembered_service(), a_sighting(GREEN, since=5, kind=FLIP))
    assert noticed.switch is not None
    assert (noticed.switch.candidate, noticed.switch.previous) == (GREEN, BLUE)
    (flip,) = noticed.switch.flips
    assert flip.service == "gateway"
    assert (flip.before, flip.after) == ({"colour": "gateway-blue"}, {"colour": "gateway-green"})
    assert noticed.stable == a_stable(BLUE, until=5)
    assert set(noticed.memory.colours) == {"gateway-blue", "gateway-green"}


def test_selectors_are_compared_whole() -> None:
    more = a_sighting(GREEN, since=5, kind=FLIP, selector={"colour": "gateway-blue", "track": "x"})
    noticed = see(remembered_service(), more)
    assert noticed.switch is not None
    less = a_sighting(GREEN, since=5, kind=FLIP, selector={})
    assert see(remembered_service(), less).switch is not None


def test_another_selector_for_the_same_pods_is_no_switch() -> None:
    same = a_sighting(BLUE, since=5, kind=FLIP, selector={"colour": "gateway-blue", "app": "gateway"})
    noticed = see(remembered_service(), same)
    assert noticed.switch is None
    assert noticed.memory.selector == {"colour": "gateway-blue", "app": "gateway"}


def test_a_rollout_of_the_serving_colour_is_no_flip_but_is_remembered() -> None:
    newer = a_revision("b1ue2", workload="gateway-blue")
    noticed = see(remembered_service(), a_sighting(newer, since=5, kind=FLIP))
    assert noticed.switch is None
    assert (noticed.memory.serving, noticed.memory.since) == (newer, at(5))


def test_a_colour_that_rolled_out_is_good_for_the_service_once_it_served_for_the_bake() -> None:
    newer = a_revision("b1ue2", workload="gateway-blue")
    memory = see(remembered_service(), a_sighting(newer, since=5, kind=FLIP)).memory
    soon = see(memory, a_sighting(GREEN, since=100, kind=FLIP))
    assert soon.stable is not None
    assert soon.stable.revision == BLUE
    late = see(memory, a_sighting(GREEN, since=605, kind=FLIP))
    assert late.stable == a_stable(newer, since=5, until=605)


def test_a_doubted_colour_does_not_become_good_by_staying() -> None:
    newer = a_revision("b1ue2", workload="gateway-blue")
    memory = replace(see(remembered_service(), a_sighting(newer, since=5, kind=FLIP)).memory, doubted=True)
    noticed = see(memory, a_sighting(GREEN, since=9000, kind=FLIP))
    assert noticed.stable is not None
    assert noticed.stable.revision == BLUE
    assert not noticed.memory.doubted


def test_a_colour_that_is_undone_to_what_it_was_serves_as_the_good_one_again() -> None:
    newer = a_revision("b1ue2", workload="gateway-blue")
    memory = see(remembered_service(), a_sighting(newer, since=5, kind=FLIP)).memory
    undone = see(memory, a_sighting(BLUE, since=60, kind=FLIP)).memory
    assert see(undone, a_sighting(GREEN, since=9000, kind=FLIP)).stable == a_stable(BLUE, since=60, until=9000)


def test_a_rollout_does_not_become_good_by_staying_because_its_watch_says_what_it_is() -> None:
    memory = see(remembered(), a_sighting(REV2, since=10)).memory
    later = see(memory, a_sighting(REV2, since=10), now=90000).memory
    assert later.stable_for(REV3, at(90000)) == a_stable(REV1, until=10)


def test_a_flip_back_to_blue_is_a_switch_too() -> None:
    memory = see(remembered_service(), a_sighting(GREEN, since=5, kind=FLIP)).memory
    noticed = see(memory, a_sighting(BLUE, since=100, kind=FLIP))
    assert noticed.switch is not None
    assert noticed.switch.candidate == BLUE
    assert noticed.stable is None


# -- what watches found out --------------------------------------------------------------------------------------


def test_a_pass_makes_good_and_clears_of_having_been_bad() -> None:
    memory = remembered(bad=(Bad(REV2, "w", at(-9000)),))
    memory = see(memory, a_sighting(REV2, since=10)).memory
    memory = memory.with_good(REV2, at(10), at(700))
    assert not memory.is_bad(REV2)
    assert memory.stable_for(REV3, at(900)) == a_stable(REV2, since=10, until=900)


def test_having_served_does_not_clear_of_having_been_bad() -> None:
    memory = see(remembered(bad=(Bad(REV2, "w", at(-9000)),)), a_sighting(REV2, since=900)).memory
    memory = memory.with_good(REV2, at(10), None)
    assert memory.is_bad(REV2)
    assert memory.stable_for(REV3, at(900)) == a_stable(REV1, until=900)


def test_what_was_rolled_back_is_bad_and_no_longer_good() -> None:
    memory = remembered(good=(Good(REV1, at(-9000), at(-10)), Good(REV2, at(-10), None, at(700))), serving=REV2)
    memory = memory.with_bad(REV2, "watch-1", at(900))
    assert memory.bad == (Bad(REV2, "watch-1", at(900)),)
    assert memory.stable_for(REV3, at(900)) == a_stable(REV1, since=-9000, until=-10)
    assert len(memory.with_bad(REV2, "watch-2", at(950)).bad) == 1


def test_the_candidate_itself_is_never_where_to_go_back_to() -> None:
    assert remembered().stable_for(REV1, at(0)) is None
    assert remembered(good=()).stable_for(REV2, at(0)) is None


def test_a_pass_of_what_no_longer_serves_is_remembered_until_it_passed() -> None:
    memory = remembered(serving=REV3).with_good(REV2, at(10), at(700))
    assert memory.good[-1] == Good(REV2, at(10), at(700), at(700))


def test_memory_is_bounded() -> None:
    memory = remembered()
    for n in range(50):
        memory = memory.with_good(a_revision(f"good{n}"), at(n), at(n)).with_bad(a_revision(f"bad{n}"), "w", at(n))
    assert len(memory.good) == GOOD_KEPT
    assert len(memory.bad) == BAD_KEPT
    assert memory.is_bad(a_revision("bad49"))


def test_durations_are_the_guards() -> None:
    sighting = a_sighting(REV2, since=-30)
    short = notice(remembered(), sighting, bake=seconds(10), rollback_window=DAY, idle=False, now=at(0))
    assert short is not None
    assert short.switch is None


# -- colours -----------------------------------------------------------------------------------------------------


def test_a_colour_is_a_baseline_only_while_traffic_goes_to_it() -> None:
    idle = see(None, a_sighting(REV1, since=-9000), now=-9000, idle=True).memory
    assert idle.idle
    turned = see(idle, a_sighting(REV1, since=-9000), now=-600).memory
    assert not turned.idle
    assert turned.stable_for(REV2, at(0)) == a_stable(REV1, since=-600, until=0)
    away = see(turned, a_sighting(REV1, since=-9000), now=-100, idle=True).memory
    assert away.stable_for(REV2, at(0)) == a_stable(REV1, since=-600, until=-100)


def test_what_was_rolled_out_while_idle_and_flipped_to_since_is_the_flips_to_watch() -> None:
    idle = see(remembered(), a_sighting(REV2, since=10), idle=True).memory
    noticed = see(idle, a_sighting(REV3, since=20))
    assert noticed.switch is None
    assert "the flip is watched" in noticed.quiet


def test_so_it_is_though_the_rollout_is_heard_of_after_the_flip() -> None:
    idle = see(remembered(), a_sighting(REV2, since=10), idle=True).memory
    turned = see(idle, a_sighting(REV2, since=10), now=40).memory
    late = see(turned, a_sighting(REV3, since=30), now=50)
    assert late.switch is None
    assert "the flip is watched" in late.quiet
    assert see(late.memory, a_sighting(a_revision("rev4"), since=45), now=50).switch is not None
    assert see(turned, a_sighting(REV3, since=45), now=50).switch is not None


def test_an_idle_colours_former_revision_may_be_gone_back_to_but_is_no_baseline() -> None:
    sighting = a_sighting(REV2, since=-60, previous=REV1, previous_since=at(-90000))
    memory = see(None, sighting, now=0, idle=True).memory
    assert memory.stable_for(REV2, at(0)) == a_stable(REV1, since=-90000, until=-90000)


# -- before a switch ---------------------------------------------------------------------------------------------


def test_what_was_remembered_before_a_switch_notices_it_once_more() -> None:
    memory = remembered_service()
    flipped = a_sighting(GREEN, kind=FLIP, target=memory.target, selector={"colour": GREEN.workload})
    noticed = see(memory, flipped)
    assert noticed.switch is not None
    again = see(before(noticed.memory, noticed.switch, noticed.stable), flipped)
    assert again.switch == noticed.switch
    assert again.stable == noticed.stable


def test_before_a_switch_that_something_else_followed_is_as_it_is_now() -> None:
    memory = remembered(REV1)
    noticed = see(memory, a_sighting(REV2))
    assert noticed.switch is not None
    later = see(noticed.memory, a_sighting(REV3)).memory
    assert before(later, noticed.switch, noticed.stable) == later


def test_what_was_not_good_before_the_switch_does_not_become_so_by_looking_back() -> None:
    memory = remembered(REV1, good=(), doubted=True)
    noticed = see(memory, a_sighting(REV2))
    assert noticed.switch is not None
    assert noticed.stable is None
    again = see(before(noticed.memory, noticed.switch, None), a_sighting(REV2), now=5000)
    assert again.stable is None
