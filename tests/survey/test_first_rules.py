"""`init`: which guards it writes, with which dialect, labels and rules; `check --live` takes each file as it is."""

import tomllib

import pytest

from survey.first_looks import COARSE, FINE, PLAIN, Planted, first_look, flat, guards_of, looked, rules_of, silent
from survey.scenes import checked, of
from town import GOOD, NAMESPACE, PART_OF, Town, tell
from watchdog.rulebook import check_rules, read_rules
from watchdog.survey.findings import Kind

EXPORTED = {"namespace": "monitoring", "pod": "exporter", "exported_namespace": "namespace", "exported_pod": "pod"}
COLLECTED = {"k8s_namespace_name": "namespace", "k8s_pod_name": "pod"}


def express(here: Town, *images: str) -> None:
    for image in images:
        here.behaves(image, dialect="express")


def test_services_of_one_dialect_are_one_guard_by_the_label_that_is_theirs_alone() -> None:
    first = first_look(lambda here: here.furnish("research", "brand"))
    (guard,) = read_rules(first.text).guards
    assert guard.name == "production-fastapi"
    assert guard.selector is not None
    assert guard.selector.text == "app.kubernetes.io/part-of=plasma-engine"
    assert rules_of(guard) == ["ready", "errors", "latency", "cpu", "memory", "signs"]
    assert "brand, research speak fastapi (http_requests_total)" in first.text
    assert "deployment/brand: 4 series; " in first.text  # two pods, two classes of statuses
    assert "fault is proven in about" in flat(first)
    assert first.unfound == ()


def test_dialects_become_guards_of_their_own_and_a_shared_label_is_no_selector() -> None:
    def furnish(here: Town) -> None:
        express(here, "gateway:v1", "gateway:v2")
        here.furnish("research", "brand")
        here.furnish_colours("gateway")

    first = first_look(furnish)
    guards = guards_of(first)
    assert set(guards) == {
        "production/service/gateway",
        "production/deployment/brand",
        "production/deployment/research",
    }
    tables = tomllib.loads(first.text)["guards"]
    assert {name: table["preset"] for name, table in tables.items()} == {
        "gateway": "express",
        "production-fastapi": "fastapi",
    }
    assert "no label is theirs alone" in first.text
    assert "Service gateway selects gateway-blue now; gateway-green is the other colour" in flat(first)


def test_buckets_that_are_too_coarse_are_said_and_the_mean_is_judged() -> None:
    def furnish(here: Town) -> None:
        express(here, "gateway:v1")
        here.furnish("gateway")

    first = first_look(furnish)
    assert "latency-mean" in rules_of(guards_of(first)["production/deployment/gateway"])
    assert 'when = "avg(http_latency) > 2x baseline"' in first.text
    assert "the next bucket is 1.5 s" in flat(first)


def test_a_finer_histogram_of_the_same_requests_is_written_out() -> None:
    def plant(here: Town) -> None:
        planted = Planted(here, "orders")
        planted.histogram("http_request_duration_seconds", 10, 0.2, COARSE, PLAIN, status_code="200")
        planted.histogram("checkout_duration_seconds", 1, 0.2, FINE, PLAIN)  # of other requests
        planted.histogram("server_latency_ms", 10, 200, tuple(bound * 1000 for bound in FINE), PLAIN)

    first = first_look(silent("orders"), plant)
    table = tomllib.loads(first.text)["guards"]["orders"]["metrics"]["http_latency"]
    assert table["buckets"].startswith("server_latency_ms_bucket{")
    assert table["unit"] == "milliseconds"
    assert "latency" in rules_of(guards_of(first)["production/deployment/orders"])
    assert "is too coarse (buckets 100 ms, 10 s); server_latency_ms_bucket is finer" in flat(first)


@pytest.mark.parametrize(
    ("placed", "status", "renamed"),
    [
        (EXPORTED, "status", {"exported_namespace", "exported_pod"}),
        (PLAIN, "code", {"code"}),
        (COLLECTED, "status_code", {"k8s_namespace_name", "k8s_pod_name", "status_code"}),
    ],
    ids=["scraped without honor_labels", "another name for the status", "sent by a collector"],
)
def test_labels_that_are_called_otherwise_are_written_out(
    placed: dict[str, str], status: str, renamed: set[str]
) -> None:
    def plant(here: Town) -> None:
        planted = Planted(here, "orders")
        planted.counter("http_requests_total", 10, placed, **{status: "200"})
        planted.counter("http_requests_total", 0.1, placed, **{status: "503"})
        planted.histogram("http_request_duration_highr_seconds", 10, 0.2, FINE, placed)

    first = first_look(silent("orders"), plant)
    metrics = tomllib.loads(first.text)["guards"]["orders"]["metrics"]
    assert all(f"{label}=" in metrics["http_error_rate"]["bad"] for label in renamed)
    assert all(f"{label}=" in metrics["http_latency"]["buckets"] for label in renamed - {status})
    assert "spelt otherwise here" in first.text
    assert "20.2 requests/s in the last hour, 0.99 % failed" in flat(first)


def test_the_same_dialect_is_found_where_prometheus_scrapes_the_application_itself() -> None:
    def plant(here: Town) -> None:
        labels = {"http_response_status_code": "200"}
        Planted(here, "orders").histogram("http_server_request_duration_seconds", 10, 0.2, FINE, PLAIN, **labels)

    first = first_look(silent("orders"), plant)
    table = tomllib.loads(first.text)["guards"]["orders"]
    assert table["preset"] == "opentelemetry"
    assert 'namespace="{{ namespace }}", pod=~"{{ pods }}"' in table["metrics"]["http_error_rate"]["total"]


def test_an_ingress_controller_knows_services_and_no_pods_and_that_is_said() -> None:
    def plant(here: Town) -> None:
        planted = Planted(here, "orders")
        ingress = {"namespace": "namespace", "service": "orders"}
        planted.counter("nginx_ingress_controller_requests", 10, ingress, status="200")

    first = first_look(silent("orders"), plant)
    assert tomllib.loads(first.text)["guards"]["orders"]["preset"] == "nginx-ingress"
    assert "both revisions are mixed" in flat(first)
    assert "No rule for latency" in first.text


def test_of_two_dialects_the_one_that_sees_pods_is_taken_and_the_other_named() -> None:
    def plant(here: Town) -> None:
        ingress = {"namespace": "namespace", "service": "research"}
        Planted(here, "research").counter("nginx_ingress_controller_requests", 10, ingress, status="200")

    first = first_look(lambda here: here.furnish("research"), plant)
    assert tomllib.loads(first.text)["guards"]["research"]["preset"] == "fastapi"
    assert "nginx-ingress would do as well" in first.text


def test_requests_without_a_status_are_no_dialect() -> None:
    def plant(here: Town) -> None:
        Planted(here, "orders").counter("http_requests_total", 10, PLAIN, path="/")

    first = first_look(silent("orders"), plant)
    assert rules_of(guards_of(first)["production/deployment/orders"]) == ["ready", "cpu", "memory", "signs"]
    assert "counted as fastapi does, but no label tells which failed" in flat(first)
    assert any("production/deployment/orders" in line for line in first.unfound)


def test_metrics_that_look_like_requests_are_named_where_no_preset_speaks() -> None:
    def plant(here: Town) -> None:
        Planted(here, "orders").counter("shop_requests_total", 10, PLAIN, outcome="ok")

    first = first_look(silent("orders"), plant)
    assert "shop_requests_total" in first.text
    assert "[guards.orders.metrics.http_error_rate]" in flat(first)


def test_containers_that_nobody_measures_have_no_rule_for_cpu_and_memory() -> None:
    async def look(here: Town) -> None:
        for series in [*here.prometheus.tsdb.all()]:
            if series.label["__name__"].startswith("container_"):
                series.times.clear()
                series.values.clear()
        first = await looked(here)
        (guard,) = read_rules(first.text).guards
        assert rules_of(guard) == ["ready", "errors", "latency", "signs"]
        assert "No rule for CPU and memory" in first.text

    tell(look, lambda here: here.furnish("research"), start=False)


def test_an_empty_prometheus_leaves_probes_and_signs_and_every_dialect_was_tried() -> None:
    async def look(here: Town) -> None:
        for series in here.prometheus.tsdb.all():
            series.times.clear()
            series.values.clear()
        first = await looked(here)
        assert {rule for guard in read_rules(first.text).guards for rule in rules_of(guard)} == {"ready", "signs"}
        assert first.text.count(": no series of ") == 7

    tell(look, lambda here: here.furnish("research"), start=False)


def test_a_prometheus_that_is_away_is_said_in_the_file_and_to_whom_asked() -> None:
    async def look(here: Town) -> None:
        await here.prometheus.go_down()
        first = await looked(here)
        assert {rule for guard in read_rules(first.text).guards for rule in rules_of(guard)} == {"ready", "signs"}
        assert "Prometheus does not answer" in first.text
        assert any("Prometheus does not answer" in line for line in first.unfound)

    tell(look, lambda here: here.furnish("research"), start=False)


def test_without_an_url_of_prometheus_the_variable_is_named() -> None:
    async def look(here: Town) -> None:
        first = await looked(here, prometheus_url=None)
        assert "WATCHDOG_PROMETHEUS_URL is not set" in flat(first)

    tell(look, lambda here: here.furnish("research"), start=False)


def test_an_empty_file_of_channels_only_leaves_the_warning_that_nobody_is_told() -> None:
    report = check_rules(first_look(lambda here: here.furnish("research")).text)
    assert report.mistakes == ()
    assert {warning.message for warning in report.warnings} == {"the guard tells nobody"}


def test_its_channels_work_once_their_hashes_are_removed() -> None:
    first = first_look(lambda here: here.furnish("research", "brand"))
    head, _, example = first.text.partition("# [channels.releases]")
    uncommented = ("# [channels.releases]" + example).replace("\n# ", "\n").replace("\n#", "\n").removeprefix("# ")
    report = check_rules(head.replace("# channels = [", "channels = [") + uncommented)
    assert (report.mistakes, report.warnings) == ((), ())


def test_callers_cannot_be_guessed_and_the_hint_is_right_once_its_hashes_are_removed() -> None:
    first = first_look(lambda here: here.furnish("research", "brand", "content"))
    lines = first.text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("# [guards.") and "callers" in line)
    for number in (at, at + 1):
        lines[number] = lines[number].removeprefix("# ")
    (guard,) = read_rules("\n".join(lines)).guards
    assert guard.callers


def test_several_namespaces_are_several_guards_and_the_clusters_own_are_left_out() -> None:
    def furnish(here: Town) -> None:
        here.furnish("research")
        here.cluster.deploy("staging", "research", "research:v1", replicas=1, labels=PART_OF)
        here.cluster.deploy("kube-system", "coredns", "coredns:v1", replicas=1)
        here.cluster.deploy("cert-manager", "webhook", "webhook:v1", replicas=1)

    first = first_look(furnish)
    assert set(guards_of(first)) == {"production/deployment/research", "staging/deployment/research"}
    assert {guard.name for guard in read_rules(first.text).guards} == {"production-research", "staging-research"}
    assert "Left out as the cluster's own, unless named with --namespace: cert-manager, kube-system" in flat(first)


def test_a_namespace_that_is_named_is_looked_at_whatever_it_is_called() -> None:
    async def look(here: Town) -> None:
        first = await looked(here, "kube-system")
        assert set(guards_of(first)) == {"kube-system/deployment/coredns"}

    tell(look, lambda here: here.cluster.deploy("kube-system", "coredns", "coredns:v1", replicas=1), start=False)


def test_a_deployment_that_is_scaled_to_zero_is_passed_over_and_named() -> None:
    def furnish(here: Town) -> None:
        here.furnish("research")
        here.cluster.deploy(NAMESPACE, "old", "old:v1", replicas=0)

    first = first_look(furnish)
    assert set(guards_of(first)) == {"production/deployment/research"}
    assert "Passed over: production/deployment/old: scaled to zero" in first.text


def test_a_service_that_leads_nowhere_is_not_selected_along_with_the_others() -> None:
    def furnish(here: Town) -> None:
        here.furnish("research", "brand")
        here.cluster.service(NAMESPACE, "database", {"app": "database"}, labels=PART_OF)

    first = first_look(furnish)  # else check --live would find a Service whose switches cannot be seen
    assert all(guard.selector is None for guard in read_rules(first.text).guards)


def test_a_misspelt_metric_is_named_with_its_nearest_real_one() -> None:
    async def look(here: Town) -> None:
        first = await looked(here)
        pods = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'
        wrong = (
            '\n[guards.research.metrics.http_error_rate]\nkind = "ratio"\n'
            f"bad = 'http_request_total{{{pods}, status=~\"5..\"}}'\ntotal = 'http_request_total{{{pods}}}'\n"
        )
        (blind,) = of(Kind.BLIND_RULE, await checked(here, first.text + wrong))
        assert "http_requests_total" in blind.text

    tell(look, lambda here: here.furnish("research"), start=False)


def test_what_it_asks_of_the_cluster_changes_nothing() -> None:
    async def look(here: Town) -> None:
        await looked(here)
        asked = {request.method for request in here.cluster.requests}
        assert asked == {"GET"}

    tell(look, lambda here: here.furnish("research"), start=False)


def test_a_service_without_errors_yet_has_its_rule_all_the_same() -> None:
    def furnish(here: Town) -> None:
        here.behaves("research:v1", errors=GOOD.errors.constant(0.0))
        here.furnish("research")

    first = first_look(furnish)
    assert "errors" in rules_of(guards_of(first)["production/deployment/research"])
    assert "0 % failed" in first.text


def test_one_prometheus_of_several_clusters_is_said_and_how_to_tell_them_apart() -> None:
    def plant(here: Town) -> None:
        planted = Planted(here, "orders")
        for cluster in ("eu", "us"):
            planted.counter("http_requests_total", 10, PLAIN, status="200", cluster=cluster)

    first = first_look(silent("orders"), plant)
    assert "pods of these names in several clusters (eu, us)" in flat(first)
    assert any("several clusters" in line for line in first.unfound)


def test_pods_of_another_target_or_namespace_are_not_its_own() -> None:
    def furnish(here: Town) -> None:
        silent("orders", "orders-admin")(here)
        here.cluster.deploy("staging", "orders", "orders:v1", replicas=1)

    def plant(here: Town) -> None:
        Planted(here, "orders-admin").counter("http_requests_total", 10, PLAIN, status="200")

    guards = guards_of(first_look(furnish, plant))
    assert "errors" in rules_of(guards["production/deployment/orders-admin"])
    assert "errors" not in rules_of(guards["production/deployment/orders"])
    assert "errors" not in rules_of(guards["staging/deployment/orders"])


def test_a_slow_scrape_makes_longer_blocks() -> None:
    def plant(here: Town) -> None:
        planted = Planted(here, "orders", step=30.0)
        planted.counter("http_requests_total", 10, PLAIN, status="200")

    first = first_look(silent("orders"), plant)
    assert tomllib.loads(first.text)["guards"]["orders"]["interval"] == "30s"
    assert "Scraped each 30 s: one block of evidence each 30 s" in first.text


def test_thin_traffic_is_no_condition_of_passing_and_check_live_agrees() -> None:
    def plant(here: Town) -> None:
        Planted(here, "orders").counter("http_requests_total", 0.005, PLAIN, status="200")

    first = first_look(silent("orders"), plant)
    (guard,) = read_rules(first.text).guards
    (errors,) = [rule for rule in guard.rules if rule.name.startswith("errors")]
    assert (errors.required, errors.min_requests) == (False, 10)
    assert "0.6 requests/min in the last hour" in flat(first)
    assert "Too few requests for a verdict within an hour" in flat(first)
