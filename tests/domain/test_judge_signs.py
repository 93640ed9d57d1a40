"""What Kubernetes itself says of the candidate's pods, each sign with its patience."""

import pytest

from builders import a_guard, a_live, a_pod, a_rule, a_watch, at, play, seconds, signs_of, some_pods
from watchdog.domain.events import Looked
from watchdog.domain.judge import Finding, History, Verdict, judge
from watchdog.domain.live import Container, Live, Pod
from watchdog.domain.rules import SIDECARS, Guard, Sign
from watchdog.domain.state import Track, Watch
from watchdog.domain.tracking import containers_of


def watched(*looks: Live, signs: tuple[str, ...] = (), guard: Guard | None = None, hold: float = 0) -> Watch:
    rule = a_rule(signs_of(*signs), hold=hold)
    watch = a_watch(guard=guard or a_guard(rule, warmup=seconds(0)))
    return play(watch, *[(Looked(live), (live.at - at(0)).total_seconds()) for live in looks])[0]


def track(*looks: Live, signs: tuple[str, ...] = (), guard: Guard | None = None, hold: float = 0) -> Track:
    return watched(*looks, signs=signs, guard=guard, hold=hold).tracks[0]


def verdict(*looks: Live, signs: tuple[str, ...] = (), guard: Guard | None = None, hold: float = 0) -> Verdict:
    found = track(*looks, signs=signs, guard=guard, hold=hold).verdict
    assert found is not None
    return found


def look(when: float, *pods: Pod, **changes: object) -> Live:
    return a_live(when, pods=pods, **changes)


def breached(*looks: Live, signs: tuple[str, ...] = (), guard: Guard | None = None) -> bool:
    return track(*looks, signs=signs, guard=guard).breach is not None


def test_before_the_pods_were_looked_at_there_is_no_data() -> None:
    assert judge(a_rule(signs_of()), History(seconds(15)), None, at(0)).finding is Finding.NO_DATA


def test_healthy_pods_are_a_pass() -> None:
    answer = verdict(look(1, a_pod()))
    assert answer.finding is Finding.PASS
    assert answer.evidence.pods == 1


# -- crash-loop --------------------------------------------------------------------------------------------------


def test_a_crash_loop_is_a_breach_at_once_though_the_pod_was_never_ready() -> None:
    answer = verdict(look(40, a_pod(ready=None, waiting="CrashLoopBackOff", restarts=2)))
    assert answer.finding is Finding.BREACH
    assert answer.sentence == "crash loop: 1 of 1 pods (research-a)"


def test_three_restarts_are_a_crash_loop_and_two_are_not() -> None:
    assert not breached(look(40, a_pod(restarts=2)))
    assert breached(look(40, a_pod(restarts=3)))


def test_restarts_from_before_a_flip_do_not_count() -> None:
    old = {"created": -86400, "ready": -3600}
    assert not breached(look(1, a_pod(restarts=7, **old)), look(60, a_pod(restarts=9, **old)))
    assert breached(look(1, a_pod(restarts=7, **old)), look(60, a_pod(restarts=10, **old)))


def test_restarts_are_counted_per_container_so_an_old_crasher_hides_no_new_one() -> None:
    def two(quiet: int, restarting: int) -> Pod:
        return a_pod(created=-86400, ready=-3600, containers=(Container("cron", quiet), Container("app", restarting)))

    assert breached(look(1, two(9, 0)), look(60, two(9, 3)))
    assert not breached(look(1, two(9, 0)), look(60, two(10, 2)))


def test_a_pod_that_was_born_after_the_switch_has_no_restarts_from_before() -> None:
    assert breached(look(50, a_pod(created=10, restarts=3)))


def test_other_reasons_to_wait_are_no_crash_loop() -> None:
    assert not breached(look(40, a_pod(ready=None, waiting="ContainerCreating")), signs=("crash-loop",))


# -- image-pull --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "ErrImagePull", "InvalidImageName"])
def test_an_image_that_cannot_be_pulled_for_thirty_seconds_is_a_breach(reason: str) -> None:
    bad = a_pod(ready=None, waiting=reason)
    assert not breached(look(5, bad), look(34, bad))
    assert breached(look(5, bad), look(35, bad))


def test_a_pull_that_alternates_between_its_two_reasons_goes_on() -> None:
    first, second = (a_pod(ready=None, waiting=reason) for reason in ("ErrImagePull", "ImagePullBackOff"))
    assert breached(look(5, first), look(20, second), look(35, first))


def test_a_pull_that_succeeded_in_between_begins_anew() -> None:
    bad, good = a_pod(ready=None, waiting="ImagePullBackOff"), a_pod()
    assert not breached(look(5, bad), look(20, good), look(35, bad), look(64, bad))


# -- oom-killed --------------------------------------------------------------------------------------------------


def test_one_kill_for_lack_of_memory_is_forgiven_a_second_one_is_not() -> None:
    assert not breached(look(20, a_pod(oom=10, restarts=1)), look(30, a_pod(oom=10, restarts=1)))
    assert breached(look(20, a_pod(oom=10, restarts=1)), look(30, a_pod(oom=25, restarts=2)))


def test_a_kill_that_is_only_seen_again_counts_once() -> None:
    looks = [look(20, a_pod(oom=10)), look(25, a_pod()), look(30, a_pod(oom=10))]
    assert not breached(*looks)


def test_kills_from_before_the_switch_do_not_count() -> None:
    old = {"created": -86400, "ready": -3600}
    assert not breached(look(20, a_pod(oom=-50, **old)), look(30, a_pod(oom=25, **old)))


def test_two_kills_in_two_pods_are_not_two_kills_of_one() -> None:
    pods = (a_pod("research-a", oom=10), a_pod("research-b", oom=12))
    assert not breached(look(20, *pods))


def test_a_kill_of_another_container_that_ended_earlier_is_not_counted_again() -> None:
    def killed(app: float | None, worker: float | None) -> Pod:
        ends = [None if one is None else at(one) for one in (app, worker)]
        return a_pod(containers=(Container("app", oom_killed_at=ends[0]), Container("worker", oom_killed_at=ends[1])))

    seen = watched(look(20, killed(10, None)), look(30, killed(10, 25)), look(40, killed(10, None)))
    assert seen.pods is not None
    assert seen.pods.pods[0].oom_kills == 2


# -- not-ready ---------------------------------------------------------------------------------------------------


def test_a_once_ready_pod_that_is_not_ready_for_thirty_seconds_is_a_breach() -> None:
    good, ill = a_pod(), a_pod("b", ready=None, unready=40)
    was = a_pod("b")
    assert not breached(look(5, good, was), look(69, good, ill))
    assert breached(look(5, good, was), look(70, good, ill))


def test_a_pod_that_was_never_ready_is_not_called_not_ready() -> None:
    assert not breached(look(5, a_pod(), a_pod("b", ready=None, unready=2)), look(300, a_pod(), a_pod("b", ready=None)))


def test_readiness_says_nothing_in_warm_up() -> None:
    guard = a_guard(a_rule(signs_of("not-ready")), warmup=seconds(60))
    good, was, ill = a_pod("a"), a_pod("b", ready=5), a_pod("b", ready=None, unready=20)
    # b was ready at 5, is warm at 65 and may be not ready until 95.
    assert not breached(look(5, good, was), look(94, good, ill), guard=guard)
    assert breached(look(5, good, was), look(64, good, ill), look(70, good, ill), look(95, good, ill), guard=guard)


def test_no_pod_ready_for_thirty_seconds_after_one_was_is_a_total_outage_even_in_warm_up() -> None:
    guard = a_guard(a_rule(signs_of("not-ready")), warmup=seconds(600))
    good, ill = a_pod(ready=2), a_pod(ready=None)
    assert not breached(look(5, good), look(10, ill), look(39, ill), guard=guard)
    answer = verdict(look(5, good), look(10, ill), look(40, ill), guard=guard)
    assert answer.outage
    assert answer.finding is Finding.BREACH
    assert answer.sentence == "total outage: no pod has been ready for 30 s"


def test_pods_that_all_vanish_are_a_total_outage_unless_none_are_wanted() -> None:
    assert breached(look(5, a_pod()), look(10), look(40))
    assert not breached(look(5, a_pod()), look(10, desired=0), look(40, desired=0))


def test_a_moment_with_a_ready_pod_ends_the_outage() -> None:
    good, ill = a_pod(), a_pod(ready=None)
    assert not breached(look(5, good), look(10, ill), look(30, good), look(35, ill), look(64, ill))


def test_before_a_pod_was_ready_there_is_no_outage() -> None:
    assert not breached(look(5, a_pod(ready=None)), look(500, a_pod(ready=None)))


def test_the_total_outage_belongs_to_the_sign_not_ready() -> None:
    assert not breached(look(5, a_pod()), look(10), look(90), signs=("crash-loop", "oom-killed"))


# -- unschedulable, progress-deadline ----------------------------------------------------------------------------


def test_a_pod_that_cannot_be_scheduled_for_a_minute_is_a_breach() -> None:
    stuck = a_pod(ready=None, unschedulable=10)
    assert not breached(look(69, stuck))
    assert breached(look(70, stuck))


def test_a_missed_progress_deadline_is_a_breach_at_once() -> None:
    answer = verdict(look(600, a_pod(ready=None), deadline_exceeded=True))
    assert answer.finding is Finding.BREACH
    assert answer.sentence == "the rollout missed its progress deadline"
    assert not breached(look(600, a_pod(), deadline_exceeded=True), signs=("crash-loop",))
    blocked = verdict(look(600, deadline_exceeded=True, blocked="exceeded quota: compute"))
    assert blocked.sentence == "the rollout missed its progress deadline: no pods can be made: exceeded quota: compute"


# -- which pods, which containers --------------------------------------------------------------------------------


def test_one_evicted_pod_of_fifty_is_no_breach() -> None:
    fifty = some_pods(50)
    evicted = (*some_pods(49, first=1), a_pod("research-000", ready=None, unready=40, gone=True))
    assert not breached(look(5, *fifty), look(50, *evicted), look(200, *evicted))


def test_above_five_pods_a_fifth_of_them_must_show_a_sign() -> None:
    def crashing(count: int, of: int) -> Live:
        return look(40, *some_pods(count, waiting="CrashLoopBackOff", ready=None), *some_pods(of - count, first=count))

    assert not breached(crashing(9, 50))
    assert breached(crashing(10, 50))
    assert breached(crashing(1, 5))
    assert not breached(crashing(1, 6))


def test_pods_that_are_going_or_gone_show_no_signs() -> None:
    going = a_pod("research-b", ready=None, waiting="CrashLoopBackOff", restarts=9, gone=True)
    assert not breached(look(40, a_pod(), going))


def test_sidecars_are_not_judged() -> None:
    for sidecar in SIDECARS:
        pod = a_pod(containers=(Container("app"), Container(sidecar, restarts=9, waiting="CrashLoopBackOff")))
        assert not breached(look(40, pod)), sidecar


def test_the_containers_that_a_guard_names_are_judged_alone() -> None:
    pod = a_pod(containers=(Container("app"), Container("worker", restarts=9), Container("istio-proxy")))
    assert breached(look(40, pod))
    for names, expected in ((("app",), False), (("worker",), True)):
        guard = a_guard(a_rule(signs_of()), containers=names, warmup=seconds(0))
        assert breached(look(40, pod), guard=guard) is expected
    assert containers_of(("app",), [pod]) == {"app"}
    assert containers_of(None, [pod]) == {"app", "worker"}
    assert containers_of(None, [a_pod()]) is None


def test_for_is_counted_from_when_the_sign_shows() -> None:
    bad = a_pod(waiting="CrashLoopBackOff", ready=None)
    assert verdict(look(40, bad), look(69, bad), hold=30).finding is Finding.UNDECIDED
    assert verdict(look(40, bad), look(69, bad), hold=30).literal
    assert verdict(look(40, bad), look(70, bad), hold=30).finding is Finding.BREACH


def test_the_sentence_names_at_most_three_pods() -> None:
    pods = some_pods(5, waiting="CrashLoopBackOff", ready=None)
    assert verdict(look(40, *pods)).sentence == (
        "crash loop: 5 of 5 pods (research-000, research-001, research-002, ...)"
    )


def test_the_order_of_pods_changes_nothing() -> None:
    pods = [a_pod("c"), a_pod("a", restarts=4), a_pod("b", ready=None)]
    assert watched(look(40, *pods)) == watched(look(40, *reversed(pods)))


def test_every_sign_is_told_apart() -> None:
    assert {str(sign) for sign in Sign} == {
        "crash-loop", "image-pull", "oom-killed", "progress-deadline", "not-ready", "unschedulable",
    }  # fmt: skip
