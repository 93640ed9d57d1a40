"""The watchdog's own metrics, as Prometheus would read them."""

from prometheus_client.parser import text_string_to_metric_families

from watchdog.adapters.web import Metrics

# DESIGN section 8, with what each type brings along.
NAMES = {
    "watchdog_switches_total",
    "watchdog_watches_open",
    "watchdog_outcomes_total",
    "watchdog_dry_run",
    "watchdog_rollbacks_total",
    "watchdog_breach_to_action_seconds_bucket",
    "watchdog_breach_to_action_seconds_count",
    "watchdog_breach_to_action_seconds_sum",
    "watchdog_rule_value",
    "watchdog_rule_verdict",
    "watchdog_query_seconds_bucket",
    "watchdog_query_seconds_count",
    "watchdog_query_seconds_sum",
    "watchdog_query_bytes_total",
    "watchdog_prometheus_eased",
    "watchdog_loop_lag_seconds_bucket",
    "watchdog_loop_lag_seconds_count",
    "watchdog_loop_lag_seconds_sum",
    "watchdog_query_failures_total",
    "watchdog_prometheus_circuit_open",
    "watchdog_queries_spared_total",
    "watchdog_rights_missing",
    "watchdog_notifications_total",
    "watchdog_rules_valid",
    "watchdog_leader",
    "watchdog_unguarded",
}


def series(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each series as its name and its labels' values, in alphabetical order of the labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(b"".join(metrics.text()).decode())
        for sample in family.samples
    }


def a_full_set() -> Metrics:
    metrics = Metrics()
    metrics.switch_seen("rollout")
    metrics.watches_open(2)
    metrics.outcome("rolled-back")
    metrics.rollback("rollout", "done")
    metrics.breach_to_action(0.7)
    metrics.rule_value("production/deployment/research", "error-rate", 0.081)
    metrics.rule_verdict("production/deployment/research", "error-rate", "breach")
    metrics.query(0.02)
    metrics.query_failed("timeout")
    metrics.notification("releases", "sent")
    metrics.rules_valid(True)
    metrics.leader(True)
    metrics.unguarded("production/deployment/brand", "hold")
    return metrics


def test_the_names_are_exactly_those_that_others_rely_on() -> None:
    assert {name for name, *_ in series(a_full_set())} == NAMES


def test_each_event_is_counted_under_its_labels() -> None:
    found = series(a_full_set())
    assert found["watchdog_switches_total", "rollout"] == 1
    assert found["watchdog_watches_open",] == 2
    assert found["watchdog_outcomes_total", "rolled-back"] == 1
    assert found["watchdog_rollbacks_total", "rollout", "done"] == 1
    assert found["watchdog_breach_to_action_seconds_count",] == 1
    assert found["watchdog_query_failures_total", "timeout", ""] == 1
    assert found["watchdog_notifications_total", "releases", "sent"] == 1
    assert (found["watchdog_rules_valid",], found["watchdog_leader",]) == (1, 1)


def test_known_counters_stand_at_zero_from_the_start_so_that_the_first_event_is_an_increase() -> None:
    found = series(Metrics())
    assert found["watchdog_switches_total", "selector"] == 0
    assert found["watchdog_outcomes_total", "held"] == 0
    assert found["watchdog_query_failures_total", "garbled", ""] == 0


def test_one_verdict_is_one_and_the_others_zero() -> None:
    metrics = Metrics()
    for verdict in ("undecided", "pass", "pass", "breach"):
        metrics.rule_verdict("t", "r", verdict)
    found = {key[1:]: value for key, value in series(metrics).items() if key[0] == "watchdog_rule_verdict"}
    assert found == {
        ("r", "t", "pass"): 0,
        ("r", "t", "breach"): 1,
        ("r", "t", "undecided"): 0,
        ("r", "t", "no-data"): 0,
    }


def test_no_data_is_no_number() -> None:
    metrics = a_full_set()
    metrics.rule_value("production/deployment/research", "error-rate", None)
    metrics.rule_value("production/deployment/research", "never-seen", None)
    assert not any(name == "watchdog_rule_value" for name, *_ in series(metrics))


def test_an_ended_watch_leaves_no_series_and_the_next_one_of_its_target_begins_anew() -> None:
    metrics = a_full_set()
    metrics.rule_verdict("other", "error-rate", "pass")
    metrics.forget("production/deployment/research")
    metrics.forget("never/deployment/seen")
    left = {key[2] for key in series(metrics) if key[0].startswith("watchdog_rule_v")}
    assert left == {"other"}
    metrics.rule_verdict("production/deployment/research", "error-rate", "breach")
    assert series(metrics)["watchdog_rule_verdict", "error-rate", "production/deployment/research", "breach"] == 1


def test_an_exemption_ends_with_its_series() -> None:
    metrics = Metrics()
    metrics.unguarded("a", "off", "hold")
    metrics.unguarded("a", "hold")
    metrics.unguarded("b")
    assert [key[1:] for key in series(metrics) if key[0] == "watchdog_unguarded"] == [("hold", "a")]
    metrics.unguarded("a")
    assert not [key for key in series(metrics) if key[0] == "watchdog_unguarded"]


def test_two_registries_do_not_share_a_count() -> None:
    a_full_set()
    assert series(Metrics())["watchdog_switches_total", "rollout"] == 0


def test_of_a_source_that_is_gone_nothing_is_said_to_be_spared() -> None:
    metrics = a_full_set()
    before = series(metrics)
    metrics.circuit_open(True, "mimir")
    metrics.eased(["batch"], "mimir")
    assert series(metrics)["watchdog_prometheus_eased", "batch", "mimir"] == 1
    metrics.source_gone("mimir")
    assert series(metrics) == before


def test_one_that_leads_no_more_shows_nothing_of_targets() -> None:
    metrics = a_full_set()
    metrics.probed("production/deployment/brand", "healthy", 1.0, {"brand-1": (3, 1.0)})
    metrics.leader(False)
    assert [labels for labels in series(metrics) if any("production/" in label for label in labels)] == []
    metrics.probed("production/deployment/brand", "healthy", 2.0, {"brand-2": (0, 0.0)})
    assert series(metrics)["watchdog_probe_failures", "brand-2", "healthy", "production/deployment/brand"] == 0
