"""What can be guarded: colours and what only looks like them, owners, and the pods' own probes."""

from typing import Any

import pytest

from watchdog.survey.cluster import Cluster, Contents, is_machinery
from watchdog.survey.guardables import Guardable, guardables_of
from watchdog.survey.owners import owner_of
from watchdog.survey.pod_probes import PodProbes, probes_of

Json = dict[str, Any]


def deployment(name: str, labels: dict[str, str] | None = None, **container: Any) -> Json:
    one = {"name": "app", "ports": [{"name": "http", "containerPort": 8000}], **container}
    template = {"metadata": {"labels": labels or {"app": name}}, "spec": {"containers": [one]}}
    return {"metadata": {"name": name}, "spec": {"replicas": 2, "template": template}}


def service(name: str, **selector: str) -> Json:
    return {"metadata": {"name": name}, "spec": {"selector": selector}}


def guarded(*objects: Json) -> list[Guardable]:
    deployments = tuple(one for one in objects if "template" in one["spec"])
    services = tuple(one for one in objects if "template" not in one["spec"])
    return list(guardables_of(Cluster({"shop": Contents(deployments, services)})).guardables)


def names(*objects: Json) -> list[str]:
    return [f"{one.target.kind}/{one.target.name}" for one in guarded(*objects)]


BLUE = deployment("web-blue", {"app": "web", "colour": "blue"})
GREEN = deployment("web-green", {"app": "web", "colour": "green"})


def test_a_service_before_two_colours_is_one_target() -> None:
    (one,) = guarded(BLUE, GREEN, service("web", app="web", colour="green"))
    assert (str(one.target), one.deployments) == ("shop/service/web", ("web-green", "web-blue"))


def test_two_fronts_of_the_same_colours_are_two_targets() -> None:
    fronts = service("web", app="web", colour="blue"), service("admin", app="web", colour="blue")
    assert names(BLUE, GREEN, *fronts) == ["service/admin", "service/web"]


def test_a_preview_of_the_idle_colour_is_no_target() -> None:
    fronts = service("web", app="web", colour="blue"), service("web-preview", app="web", colour="green")
    assert names(BLUE, GREEN, *fronts) == ["service/web"]


def test_two_applications_of_one_product_are_no_colours() -> None:
    part_of = {"part-of": "shop"}
    web, api = deployment("web", {**part_of, "app": "web"}), deployment("api", {**part_of, "app": "api"})
    fronts = service("web", **part_of, app="web"), service("api", **part_of, app="api")
    assert names(web, api, *fronts) == ["deployment/api", "deployment/web"]


def test_two_releases_of_one_chart_are_no_colours() -> None:
    one, two = (
        deployment("a-redis", {"app": "redis", "release": "x"}),
        deployment("b-redis", {"app": "redis", "release": "y"}),
    )
    assert names(one, two, service("a", app="redis", release="x")) == ["deployment/a-redis", "deployment/b-redis"]


@pytest.mark.parametrize("key", ["version", "example.com/slot", "track"])
def test_colours_are_known_by_the_label_that_tells_them_apart(key: str) -> None:
    one, two = deployment("web-1", {"app": "web", key: "x1"}), deployment("web-2", {"app": "web", key: "x2"})
    assert names(one, two, service("web", **{"app": "web", key: "x1"})) == ["service/web"]


def test_a_service_over_both_colours_leaves_them_targets_of_their_own() -> None:
    assert names(BLUE, GREEN, service("web", app="web")) == ["deployment/web-blue", "deployment/web-green"]


def test_an_external_name_selects_nothing() -> None:
    external = {"metadata": {"name": "web"}, "spec": {"type": "ExternalName", "selector": {"app": "web"}}}
    (one,) = guarded(deployment("web"), external)
    assert one.services == ()


def owned(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> str | None:
    owner = owner_of({"metadata": {"name": "x", "labels": labels or {}, "annotations": annotations or {}}})
    return owner.name if owner else None


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        ({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:a/b"}, "Argo CD application argocd/shop"),
        ({"argocd.argoproj.io/instance": "shop"}, {}, "Argo CD application argocd/shop"),
        ({"app.kubernetes.io/instance": "shop"}, {}, "perhaps the Argo CD application shop"),
        (
            {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"},
            {},
            "Flux Kustomization flux/apps",
        ),
        ({"helm.toolkit.fluxcd.io/name": "web"}, {"meta.helm.sh/release-name": "web"}, "Flux HelmRelease web"),
        (
            {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "web"},
            {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
            "Helm release shop/web",
        ),
        ({"app": "web"}, {"kubectl.kubernetes.io/last-applied-configuration": "{}"}, None),
    ],
)
def test_marks_tell_who_owns_an_object(labels: dict[str, str], annotations: dict[str, str], owner: str | None) -> None:
    assert owned(labels, annotations) == owner


def test_a_colour_that_is_owned_makes_the_pair_owned() -> None:
    green = deployment("web-green", {"app": "web", "colour": "green"})
    green["metadata"]["labels"] = {"argocd.argoproj.io/instance": "shop"}
    (one,) = guarded(BLUE, green, service("web", app="web", colour="blue"))
    assert one.owner is not None


def get(path: str = "/health", port: str | int = "http", **more: Any) -> Json:
    return {"httpGet": {"path": path, "port": port, **more}}


def probed(**container: Any) -> PodProbes:
    return probes_of(deployment("web", **container)["spec"]["template"], ("istio-proxy",))


def test_each_distinct_endpoint_is_one_probe_whoever_asks_it() -> None:
    found = probed(readinessProbe=get("/ready"), livenessProbe=get("/health"), startupProbe=get("/health"))
    assert [(one.path, one.of) for one in found.probes] == [
        ("/ready", ("readiness",)),
        ("/health", ("liveness", "startup")),
    ]


def test_a_number_is_a_port_if_it_is_declared() -> None:
    assert [one.port for one in probed(readinessProbe=get(port=8000)).probes] == [8000]
    undeclared = probed(readinessProbe=get(port=9000))
    assert undeclared.probes == ()
    assert "9000" in undeclared.notes[0]


@pytest.mark.parametrize("how", ["exec", "tcpSocket", "grpc"])
def test_what_is_no_get_is_said(how: str) -> None:
    found = probed(livenessProbe={how: {}})
    assert (found.probes, how in found.notes[0]) == ((), True)


@pytest.mark.parametrize(
    ("probe", "why"),
    [
        (get(httpHeaders=[{"name": "Authorization", "value": "Bearer x"}]), "secret"),
        (get(httpHeaders=[{"name": "X-Mark", "value": "{{ secret.X }}"}]), "does not take"),
        (get(httpHeaders=[{"name": "X-Mark", "value": "ü\n"}]), "does not take"),
        (get(path="/health check"), "no path"),
        (get(path="/{{ name }}"), "no path"),
    ],
    ids=["a secret", "a placeholder", "no ASCII", "a blank", "a placeholder in the path"],
)
def test_a_probe_that_rules_toml_would_refuse_is_left_out_with_its_reason(probe: Json, why: str) -> None:
    found = probed(readinessProbe=probe)
    assert found.probes == ()
    assert why in found.notes[0]


def test_headers_schemes_and_patience_are_the_pods_own_within_bounds() -> None:
    mark = [{"name": "X-Probe", "value": 'a "quoted" one'}]
    slow = {**get("healthz", scheme="HTTPS", httpHeaders=mark), "timeoutSeconds": 30}
    (one,) = probed(readinessProbe=slow).probes
    assert (one.path, one.scheme, one.timeout, one.headers) == (
        "/healthz",
        "https",
        5,
        (("X-Probe", 'a "quoted" one'),),
    )


def test_sidecars_and_the_hosts_network_are_not_probed() -> None:
    assert probes_of(deployment("web", readinessProbe=get())["spec"]["template"], ("app",)).probes == ()
    template = deployment("web", readinessProbe=get())["spec"]["template"]
    template["spec"]["hostNetwork"] = True
    assert probes_of(template, ()).probes == ()
    assert "host's network" in probes_of(template, ()).notes[0]


@pytest.mark.parametrize(
    ("namespace", "own"),
    [
        ("kube-system", True),
        ("flux-system", True),
        ("openshift-dns", True),
        ("monitoring", True),
        ("production", False),
    ],
)
def test_the_clusters_own_namespaces_are_known_by_their_names(namespace: str, own: bool) -> None:
    assert is_machinery(namespace) is own
