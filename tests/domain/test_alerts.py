"""Whose an alert is, and since when: what is read out of the `ALERTS` series."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    BLUE,
    T0,
    a_flip_switch,
    a_guard,
    a_stable,
    a_watch,
    at,
)
from watchdog.domain.alerts import (
    LONG_AGO,
    Known,
    Moments,
    Whose,
    identity_of,
    look,
    moments_of,
    past_of,
    place_of,
    whose,
)
from watchdog.domain.judge.pods import Pods
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import Alert
from watchdog.domain.rollout import Revision, Stable, SwitchKind, Target, TargetKind, TrafficSwitch
from watchdog.domain.rules import Alerts
from watchdog.domain.state import Watch

HIGH = Alerts(("High",))
ROLLOUT = place_of(a_watch())
FLIP = place_of(a_watch(switch=a_flip_switch("gateway", "admin")))
KSM = {"job": "kube-state-metrics", "service": "kube-state-metrics", "container": "kube-state-metrics"}
OURS, OTHERS, NOBODYS = Whose.CANDIDATE, Whose.OTHER, None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"deployment": "research"}, OURS),
        ({"workload": "research"}, OURS),
        ({"service": "research"}, OURS),
        ({"app": "research"}, OURS),
        ({"app_kubernetes_io_name": "research"}, OURS),
        ({"job": "research"}, OURS),
        ({"job": "production/research"}, OURS),
        ({"container": "research"}, OURS),
        ({"job": "pods", "container": "app", "service": "research"}, OURS),
        # The namespace alone is everybody's.
        ({}, NOBODYS),
        ({"severity": "critical", "research": "research"}, NOBODYS),
        ({"namespace": "staging", "deployment": "research"}, NOBODYS),
        ({"deployment": "brand"}, NOBODYS),
        ({"app": "research-worker"}, NOBODYS),
        # A pod says more than anything else.
        ({"pod": "research-7c9d-x2k4p"}, OURS),
        ({"pod": "research-5f6d-x2k4p"}, OTHERS),
        ({"pod": "research-5f6d-x2k4p", "deployment": "research"}, OTHERS),
        ({"pod": "research-0a0a-x2k4p", "deployment": "research"}, NOBODYS),  # of a revision long gone
        ({"pod": "research-7c9d-x2k4p-y", "app": "research"}, NOBODYS),
        ({"pod": "brand-7c9d-x2k4p", "app": "research"}, NOBODYS),
        # A Deployment says more than names that several may share.
        ({"deployment": "research-worker", "container": "research"}, NOBODYS),
        # What kube-state-metrics tells of a Deployment bears its own pod, with honor_labels and without.
        ({"deployment": "research", "pod": "kube-state-metrics-5d-abc", **KSM}, OURS),
        (
            {
                "namespace": "monitoring",
                "exported_namespace": "production",
                "deployment": "research",
                "pod": "kube-state-metrics-5d-abc",
                **KSM,
            },
            OURS,
        ),
        (
            {"namespace": "monitoring", "exported_namespace": "production", "exported_pod": "research-7c9d-a", **KSM},
            OURS,
        ),
        (
            {"namespace": "monitoring", "exported_namespace": "production", "exported_pod": "research-5f6d-a", **KSM},
            OTHERS,
        ),
        ({"exported_namespace": "staging", "deployment": "research"}, NOBODYS),
        ({"exported_service": "payments", "service": "research"}, OURS),
        # Of a mesh's request the end that answers is meant.
        (
            {"namespace": "web", "destination_workload": "research", "destination_workload_namespace": "production"},
            OURS,
        ),
        ({"destination_service_name": "research", "destination_service_namespace": "production"}, OURS),
        ({"source_workload": "research", "destination_workload": "brand"}, NOBODYS),
        ({"deployment": "research", "dst_deployment": "brand", "dst_namespace": "production"}, NOBODYS),
        ({"deployment": "brand", "dst_deployment": "research", "dst_namespace": "production"}, OURS),
        ({"pod": "brand-7c9d-a", "destination_workload": "research"}, OURS),
    ],
)
def test_an_alert_is_placed_by_its_narrowest_label(labels: Mapping[str, str], expected: Whose | None) -> None:
    assert whose({"alertname": "High", "namespace": "production", **labels}, ROLLOUT) is expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"service": "gateway"}, OURS),
        ({"service": "admin"}, OURS),  # flipped with it
        ({"app": "gateway"}, OURS),
        ({"deployment": "gateway-green"}, OURS),
        ({"deployment": "gateway-blue"}, OTHERS),
        ({"deployment": "gateway-blue", "service": "gateway"}, OTHERS),
        ({"deployment": "gateway"}, NOBODYS),  # a Service's name is no Deployment's
        ({"pod": "gateway-green-9reen-a"}, OURS),
        ({"pod": "gateway-blue-b1ue-a", "service": "gateway"}, OTHERS),
        ({"job": "gateway-blue"}, OTHERS),
    ],
)
def test_after_a_flip_the_old_colour_is_another(labels: Mapping[str, str], expected: Whose | None) -> None:
    assert whose({"alertname": "High", "namespace": "production", **labels}, FLIP) is expected


def test_in_recovery_both_revisions_are_meant() -> None:
    watch = a_watch(switch=a_flip_switch(), recovery_from=at(90))
    place = place_of(watch, recovering=True)
    assert place.workloads == {"gateway-blue", "gateway-green"}
    assert whose({"namespace": "production", "pod": f"{BLUE.workload}-{BLUE.template}-a"}, place) is OURS
    assert moments_of(watch, recovering=True).put_back == at(90)
    assert moments_of(watch).put_back is None


def test_the_past_begins_a_look_before_the_baseline_or_before_stable_served() -> None:
    guard = a_guard()
    assert past_of(a_watch(guard=guard)) == at(-1800 - 15)
    assert past_of(a_watch(guard=guard, stable=a_stable(since=-600))) == at(-600 - 15)
    assert past_of(a_watch(guard=guard, stable=a_stable(until=-60))) == at(-1860 - 15)
    unknown = a_watch(guard=guard, stable=None)
    assert past_of(unknown) == at(-1800 - 15)
    assert moments_of(unknown) == Moments(T0, LONG_AGO, T0)


values = st.text("ab-/.é", max_size=4)
PLACING = (
    "namespace",
    "exported_namespace",
    "pod",
    "deployment",
    "service",
    "app",
    "job",
    "severity",
    "dst_deployment",
)
NAMES = st.sampled_from(["production", "research", "brand", "research-7c9d-a", "research-5f6d-a"]) | values
labels = st.dictionaries(st.sampled_from(PLACING), NAMES)


@given(labels, st.randoms())
def test_the_order_of_labels_says_nothing(found: dict[str, str], random: object) -> None:
    items = list(found.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert whose(dict(items), ROLLOUT) is whose(found, ROLLOUT)
    assert identity_of(dict(items)) == identity_of(found)


@given(labels, st.from_regex(r"research-5f6d-[a-z0-9]{1,5}", fullmatch=True))
def test_what_names_a_pod_of_stable_is_never_the_candidates(found: dict[str, str], pod: str) -> None:
    named = {label: value for label, value in found.items() if not label.startswith(("exported_", "dst_"))}
    assert whose({**named, "pod": pod}, ROLLOUT) is not OURS


@given(labels)
def test_nothing_outside_the_targets_namespace_counts(found: dict[str, str]) -> None:
    own = {label: value for label, value in found.items() if value != "production"}
    assert whose(own, ROLLOUT) is NOBODYS


# -- since when --------------------------------------------------------------------------------------------------

Seen = Mapping[str, str]


def firing(**labels: str) -> Seen:
    where = labels or {"deployment": "research"}
    return {"__name__": "ALERTS", "alertname": "High", "alertstate": "firing", "namespace": "production", **where}


def pending(**labels: str) -> Seen:
    return {**firing(**labels), "alertstate": "pending"}


def watched(*looks: tuple[float, list[Seen]], watch: Watch | None = None, alerts: Alerts = HIGH) -> list[Alert]:
    """What the last of the looks tells; each has its time and what was active."""
    watch = watch or a_watch()
    known, told = Known(), ()
    for when, active in looks:
        known, reading = look(known, active, at(when), alerts, place_of(watch), moments_of(watch))
        told = reading.alerts
    return list(told)


def test_what_begins_after_the_switch_has_its_moments() -> None:
    (alert,) = watched((0, []), (15, [pending()]), (30, [firing()]), (45, [firing()]))
    assert (alert.name, alert.labels) == ("High", {})
    assert (alert.active_since, alert.firing_since, alert.fired_before) == (at(15), at(30), None)


def test_what_was_active_at_the_switch_stays_so_until_it_is_seen_to_end() -> None:
    (still,) = watched((0, [pending()]), (15, [pending()]), (30, [firing()]))
    assert (still.active_since, still.firing_since, still.fired_before) == (T0, at(30), None)
    (again,) = watched((0, [pending()]), (15, []), (30, [firing()]))
    assert (again.active_since, again.firing_since) == (at(30), at(30))


def test_what_fired_while_stable_served_is_known_for_it_even_when_it_ended() -> None:
    (alert,) = watched((-300, []), (-285, [firing()]), (-270, [firing()]), (-255, []), (0, []), (15, [firing()]))
    assert alert.fired_before == at(-270)


def test_pending_alone_is_no_habit() -> None:
    (alert,) = watched((-300, [pending()]), (-285, []), (0, []), (15, [firing()]))
    assert alert.fired_before is None


def test_the_habit_shows_on_whichever_pod_it_is() -> None:
    old, new = firing(pod="research-5f6d-a"), firing(pod="research-7c9d-a")
    (alert,) = watched((-15, [old]), (0, []), (15, [new]))
    assert alert.fired_before == at(-15)
    (alert,) = watched((-15, []), (0, []), (15, [old]), (30, [old, new]))
    assert (alert.fired_before, alert.active_since, alert.firing_since) == (None, at(15), at(30))
    assert alert.pods == ("research-7c9d-a",)


def test_stables_own_pods_are_not_told_of() -> None:
    assert watched((0, []), (15, [firing(pod="research-5f6d-a")])) == []


def test_another_severity_is_another_alert() -> None:
    warning = firing(deployment="research", severity="warning")
    critical = firing(deployment="research", severity="critical")
    alerts = watched((-15, [warning]), (0, [warning]), (15, [warning, critical]))
    assert [(alert.labels["severity"], alert.fired_before) for alert in alerts] == [("critical", None), ("warning", T0)]


def test_a_second_replica_of_prometheus_tells_of_the_same_alert() -> None:
    a, b = (firing(deployment="research", prometheus_replica=name) for name in "ab")
    (alert,) = watched((0, [a]), (15, [a, b]), (30, [b]))
    assert alert.active_since == T0


def test_what_a_bad_release_left_behind_is_no_habit_of_stables() -> None:
    """Stable serves again since ten minutes ago; the alert of what it replaced went on for some of them."""
    watch = a_watch(stable=a_stable(since=-600))
    left = [(-615.0, [firing()]), (-600.0, [firing()]), (-300.0, [firing()]), (-285.0, [])]
    (alert,) = watched(*left, (0, []), (15, [firing()]), watch=watch)
    assert (alert.fired_before, alert.active_since) == (None, at(15))
    (habit,) = watched((-615, []), (-600, []), (-300, [firing()]), (-285, []), (0, []), (15, [firing()]), watch=watch)
    assert habit.fired_before == at(-300)


def test_what_served_between_stable_and_the_candidate_is_not_stables_habit() -> None:
    watch = a_watch(stable=a_stable(until=-120))
    (alert,) = watched((-120, []), (-60, [firing()]), (-30, []), (0, []), (15, [firing()]), watch=watch)
    assert alert.fired_before is None


def test_only_what_bears_the_rules_labels_is_told() -> None:
    alerts = Alerts(("High", "Slow"), {"severity": ("critical", "page"), "team": ("",)})
    rows = [
        firing(app="research", severity="page"),
        firing(app="research", severity="warning"),
        firing(app="research", severity="critical", team="web"),
        {**firing(app="research", severity="critical"), "alertname": "Slow"},
        {**firing(app="research", severity="critical"), "alertname": "Other"},
    ]
    told = watched((0, []), (15, rows), alerts=alerts)
    assert [(alert.name, alert.labels) for alert in told] == [
        ("High", {"severity": "page"}),
        ("Slow", {"severity": "critical"}),
    ]


states = st.lists(st.sampled_from(["", "p", "f"]), min_size=1, max_size=12)


def _rows(state: str, pod: str) -> list[Seen]:
    return {"": [], "p": [pending(pod=pod)], "f": [firing(pod=pod)]}[state]


@given(states, st.permutations(["a", "b", "c"]), st.permutations(["a", "b", "c"]))
def test_permuting_pods_changes_nothing_but_their_names(life: list[str], first: list[str], second: list[str]) -> None:
    def lived(pods: list[str]) -> list[Alert]:
        looks = [
            (15.0 * n, [row for pod in pods for row in _rows(state, f"research-7c9d-{pod}")])
            for n, state in enumerate(life, start=-4)
        ]
        return watched(*looks)

    assert lived(first) == lived(second)


@given(states)
def test_pods_of_stable_alone_tell_nothing(life: list[str]) -> None:
    looks = [(15.0 * n, _rows(state, "research-5f6d-a")) for n, state in enumerate(life, start=1)]
    assert watched(*looks) == []


@given(states, states)
def test_stables_pods_never_make_the_candidates_alert_look_newer(ours: list[str], theirs: list[str]) -> None:
    """More that is known of the past can only excuse."""
    count = min(len(ours), len(theirs))
    alone = [(15.0 * n, _rows(ours[n], "research-7c9d-a")) for n in range(count)]
    beside = [(when, rows + _rows(theirs[n], "research-5f6d-a")) for n, (when, rows) in enumerate(alone)]
    for one, other in zip(watched(*alone), watched(*beside), strict=True):
        assert other.active_since <= one.active_since
        assert other.firing_since == one.firing_since
        assert one.fired_before is None or other.fired_before is not None


# Where the names of pods do not tell their revision, those count that were seen to be the candidate's.

NAMELESS = {"pods": "db-[0-9]+", "kind": TargetKind.STATEFULSET}
DB_NEW, DB_OLD = Revision("db", "78dc", **NAMELESS), Revision("db", "5d4f", **NAMELESS)


def the_database(*candidates: str) -> Watch:
    """A watch of a StatefulSet, of which these pods were replaced already."""
    target = Target.parse("production/statefulset/db")
    switch = TrafficSwitch(target, SwitchKind.ROLLOUT, DB_NEW, DB_OLD, T0)
    live = Live(target, T0, 1, True, "u", "1", DB_NEW, tuple(Pod(name, f"uid-{name}", T0) for name in candidates))
    seen = Pods.after(
        None, live, pods=live.candidate_pods, counted_from=T0, warmup=timedelta(seconds=30), containers=None
    )
    return replace(a_watch(switch=switch, stable=Stable(DB_OLD, at(-3600), T0)), pods=seen)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"pod": "db-2"}, OURS),
        ({"pod": "db-0"}, OTHERS),
        ({"pod": "dbx-0"}, NOBODYS),
        ({"statefulset": "db"}, OURS),
        ({"k8s_statefulset_name": "db"}, OURS),
        ({"workload": "db"}, OURS),
        ({"deployment": "db"}, NOBODYS),  # another workload of that name
        ({"statefulset": "other"}, NOBODYS),
    ],
)
def test_of_pods_that_keep_their_names_the_replaced_ones_are_the_candidates(
    labels: Mapping[str, str], expected: Whose | None
) -> None:
    assert whose({"namespace": "production", **labels}, place_of(the_database("db-2"))) is expected


def test_before_any_pod_was_replaced_no_alert_on_a_pod_is_the_candidates() -> None:
    assert whose({"namespace": "production", "pod": "db-2"}, place_of(the_database())) is OTHERS
