"""deploy/kustomize and deploy/helm: the same result, held to the code, valid for three versions of Kubernetes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import watchdog
from deployment import rendering
from deployment.rendering import (
    CHART,
    ENVIRONMENTS,
    KUSTOMIZE,
    NAMESPACE,
    Object,
    Objects,
    helmed,
    kustomized,
    objects,
    values_of,
)
from deployment.tools import ROOT, module
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.rights import BY_KIND, GITOPS, RIGHTS, Where, shard_rights
from watchdog.domain.rollout import TargetKind
from watchdog.domain.shards import MOST
from watchdog.rulebook import read_rules
from watchdog.settings import Settings, variable
from watchdog.survey.network_policy import network_policy

VERSIONS = ("1.34.0", "1.36.0", "1.37.0")
LEASES = ("rollback-watchdog", "rollback-watchdog-dry-run")  # a dry run has its own
READING = {"get", "list", "watch"}
CUSTOM = {"ServiceMonitor", "PodMonitor"}  # of the Prometheus operator: no schema of theirs comes with Kubernetes
OPTIONS: Object = {
    "gitopsNamespaces": ["argocd"],
    "readerRoles": True,
    "guardedNamespaces": [{"name": "shop", "act": True, "restoreReplicas": True, "probePorts": ["http", 8080]}],
    "serviceMonitor": {"enabled": True},
    "podMonitor": {"enabled": True},
    "prometheus": {
        "authSecret": "prometheus-access",
        "authKeys": ["token", "ca.crt", "tls.crt"],
        "publicUrl": "https://p.example",
    },
    "publicUrl": "https://watchdog.example",
    "recordsKept": 500,
    "shards": 3,
    "podAnnotations": {"team": "platform"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "imagePullSecrets": [{"name": "registry"}],
    "image": {"repository": "registry.example/watchdog", "digest": f"sha256:{'0' * 64}"},
    "networkPolicy": {"extraEgress": [{"ports": [{"protocol": "TCP", "port": 587}]}]},
}

pytestmark = pytest.mark.deploy


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_is_made_from_the_code_is_as_the_code_has_it() -> None:
    for path, text in rendering.generator().outputs():
        assert path.read_text() == text, f"{path.relative_to(ROOT)} is out of date: run `make deploy`"


def test_kustomize_and_helm_give_the_same_objects(environment: str) -> None:
    by_kustomize = objects(kustomized(KUSTOMIZE / "overlays" / environment))
    by_helm = rendering.without_helms_labels(objects(helmed(values_of(environment))))
    assert set(by_helm) == set(by_kustomize)
    for name, one in by_kustomize.items():
        assert by_helm[name] == one, name


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(version: str) -> None:
    validate = module("kubernetes_validate").validate
    texts = [kustomized(KUSTOMIZE / "overlays" / environment) for environment in ENVIRONMENTS]
    texts += [kustomized(KUSTOMIZE / part) for part in ("namespace", "people/own", "people/guarded", "gitops")]
    texts.append(helmed(values_of("production") | OPTIONS))
    seen = set()
    for text in texts:
        for (kind, _, _), one in objects(text).items():
            seen.add(kind)
            if kind not in CUSTOM:
                validate(one, version, strict=True)
    assert {"Deployment", "NetworkPolicy", "ValidatingAdmissionPolicy", "PriorityClass"} | CUSTOM <= seen


def test_the_validation_would_see_a_misspelt_field() -> None:
    package = module("kubernetes_validate")
    wrong = objects(kustomized(KUSTOMIZE / "overlays" / "production"))["Deployment", NAMESPACE, "rollback-watchdog"]
    wrong["spec"]["template"]["spec"]["automountServiceAcountToken"] = True
    with pytest.raises(package.ValidationError):
        package.validate(wrong, VERSIONS[-1], strict=True)


def roles(environment: str) -> dict[str, list[Object]]:
    found = objects(kustomized(KUSTOMIZE / "overlays" / environment))
    return {namespace: one["rules"] for (kind, namespace, _), one in found.items() if kind == "Role"}


def grants(rules: list[Object]) -> set[tuple[str, str, str, str]]:
    return {
        (group, resource, verb, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def needed(where: Where, *, acting: bool = True, scaling: bool = False) -> set[tuple[str, str, str, str]]:
    return {
        (right.group, right.full_resource, right.verb, name)
        for right in (*RIGHTS, *GITOPS)
        for name in ((right.name, f"{right.name}-dry-run") if right.name else ("",))  # a dry run has its own lease
        if right.where is where and (acting or not (right.acting or right.telling)) and (scaling or not right.scaling)
    }


def test_the_roles_grant_what_the_table_of_rights_says_and_nothing_else() -> None:
    production, staging = roles("production"), roles("staging")
    assert grants(production["production"]) == needed(Where.GUARDED)
    assert grants(production[NAMESPACE]) == needed(Where.OWN) == grants(staging[NAMESPACE])
    assert grants(staging["staging"]) == needed(Where.GUARDED, acting=False)
    assert {verb for _, _, verb, _ in grants(staging["staging"])} == READING
    chosen = objects(helmed(values_of("production") | OPTIONS))
    assert grants(chosen["Role", "shop", "rollback-watchdog"]["rules"]) == needed(Where.GUARDED, scaling=True)
    assert grants(chosen["Role", "argocd", "rollback-watchdog-gitops"]["rules"]) == needed(Where.OWNERS)


def test_nothing_reaches_beyond_a_namespace_and_nobody_may_read_a_secret() -> None:
    texts = [kustomized(KUSTOMIZE / "overlays" / environment) for environment in ENVIRONMENTS]
    texts.append(helmed(values_of("production") | OPTIONS))
    for text in texts:
        found = objects(text)
        assert not {kind for kind, _, _ in found} & {"ClusterRole", "ClusterRoleBinding", "Secret"}
        for (kind, _, _), one in found.items():
            if kind == "Role":
                assert not {"*", "secrets"} & {word for grant in grants(one["rules"]) for word in grant}
            if kind == "RoleBinding":
                assert [subject["namespace"] for subject in one["subjects"]] == [NAMESPACE]


def test_the_pod_is_as_restricted_as_podsecurity_knows(environment: str) -> None:
    found = objects(kustomized(KUSTOMIZE / "overlays" / environment))
    deployment = found["Deployment", NAMESPACE, "rollback-watchdog"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(set(volume) - {"name"} <= {"configMap", "secret"} for volume in pod["volumes"])
    assert not any("subPath" in mount for mount in container["volumeMounts"]), "edits would never arrive"
    assert container["image"].endswith(f":{watchdog.__version__}")


def test_the_environments_are_sized_as_planned() -> None:
    def deployment(environment: str) -> tuple[int, str, dict[str, str]]:
        found = objects(kustomized(KUSTOMIZE / "overlays" / environment))
        one = found["Deployment", NAMESPACE, "rollback-watchdog"]
        (container,) = one["spec"]["template"]["spec"]["containers"]
        variables = {each["name"]: each["value"] for each in container["env"]}
        return one["spec"]["replicas"], container["resources"]["limits"]["memory"], variables

    for environment, replicas, dry, level in (
        ("development", 1, None, "debug"),
        ("staging", 1, "true", "debug"),
        ("production", 2, None, "info"),
    ):
        count, memory, variables = deployment(environment)
        assert (count, memory) == (replicas, "160Mi")
        assert variables.get("WATCHDOG_DRY_RUN") == dry
        assert variables["WATCHDOG_LOG_LEVEL"] == level


def test_every_variable_that_is_set_is_a_setting() -> None:
    known = {variable(name) for name in Settings.model_fields}
    found = objects(helmed(values_of("staging") | OPTIONS))
    (container,) = found["Deployment", NAMESPACE, "rollback-watchdog"]["spec"]["template"]["spec"]["containers"]
    names = {each["name"] for each in container["env"]}
    assert names <= known
    files = {f"WATCHDOG_PROMETHEUS_{each}_FILE" for each in ("TOKEN", "CA", "CERT", "KEY")}
    assert files | {"WATCHDOG_RECORDS_KEPT"} <= names


def test_services_monitors_budgets_and_spread_select_the_pod() -> None:
    found = objects(helmed(values_of("production") | OPTIONS))
    spec = found["Deployment", NAMESPACE, "rollback-watchdog"]["spec"]
    labels = spec["template"]["metadata"]["labels"].items()
    selectors = [spec["selector"]["matchLabels"], found["Service", NAMESPACE, "rollback-watchdog"]["spec"]["selector"]]
    selectors += [
        each["labelSelector"]["matchLabels"] for each in spec["template"]["spec"]["topologySpreadConstraints"]
    ]
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        selectors.append(found[kind, NAMESPACE, "rollback-watchdog"]["spec"]["selector"]["matchLabels"])
    selectors.append(found["NetworkPolicy", NAMESPACE, "rollback-watchdog"]["spec"]["podSelector"]["matchLabels"])
    assert all(selector and selector.items() <= labels for selector in selectors)
    service = found["Service", NAMESPACE, "rollback-watchdog"]
    monitor = found["ServiceMonitor", NAMESPACE, "rollback-watchdog"]["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {each["port"] for each in monitor["endpoints"]} == {each["name"] for each in service["spec"]["ports"]}


def test_the_rules_of_each_environment_are_valid_and_its_policy_is_theirs(environment: str) -> None:
    text = rendering.rules_of(environment)
    rulebook = read_rules(text, "rules.toml")
    assert rulebook.namespaces == {environment}
    found = objects(kustomized(KUSTOMIZE / "overlays" / environment))
    assert found["ConfigMap", NAMESPACE, "rollback-watchdog-rules"]["data"] == {"rules.toml": text}
    policy = network_policy(rulebook, NAMESPACE, "http://prometheus.monitoring.svc:9090")
    assert found["NetworkPolicy", NAMESPACE, "rollback-watchdog"]["spec"] == policy["spec"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replica": 2}, "replica"),
        ({"guardedNamespaces": [{"name": "shop"}]}, "act"),
        ({"guardedNamespaces": [{"name": "Shop", "act": True}]}, "name"),
        ({"prometheus": {"url": "prometheus:9090"}}, "url"),
        ({"prometheus": {"url": "http://me:secret@prometheus"}}, "url"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"shards": 33}, "shards"),
        ({"shards": 0}, "shards"),
        ({"rules": ""}, "--set-file rules=rules.toml"),
        ({"prometheus": {"authKeys": ["token"]}}, "prometheus.authSecret"),
        ({"prometheus": {"authSecret": "access", "authKeys": ["password"]}}, "authKeys"),
        ({"guardedNamespaces": [{"name": NAMESPACE, "act": True}]}, "cannot be a guarded one"),
    ],
)
def test_wrong_values_are_refused_with_what_is_wrong(values: dict[str, Any], said: str) -> None:
    error = module("helm_python").HelmError
    with pytest.raises(error, match=said):
        helmed(values_of("production") | values)


def test_helm_lint_has_nothing_to_say() -> None:
    report = module("helm_python").lint(str(CHART), values_of("production"), strict=True, namespace=NAMESPACE)
    assert [each for each in report["messages"] if each["severity"] > 1] == []
    assert not report["errors"]


def test_the_chart_has_the_versions_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (watchdog.__version__, watchdog.__version__)


def overlaid(directory: Path, on: str, *components: str, **more: Any) -> Objects:
    """What an overlay of one's own makes of a part of deploy/kustomize with these components."""
    # kustomize takes relative paths alone.
    up = "../" * (len(directory.resolve().parts) - 1) + str(KUSTOMIZE.relative_to("/"))
    parts = [f"{up}/components/{each}" for each in components]
    (directory / "kustomization.yaml").write_text(
        yaml.safe_dump({"resources": [f"{up}/{on}"], "components": parts, **more})
    )
    return objects(kustomized(directory))


ACCESS = {
    "prometheus-token": ("token",),
    "prometheus-ca": ("ca.crt",),
    "prometheus-client-certificate": ("tls.crt", "tls.key"),
}


@pytest.mark.parametrize("parts", [[one] for one in ACCESS] + [[*ACCESS]], ids=" and ".join)
def test_prometheus_is_reached_in_the_same_way_by_both(parts: list[str], tmp_path: Path) -> None:
    keys = [key for part in parts for key in ACCESS[part]]
    values = values_of("production")
    access = {"authSecret": "rollback-watchdog-prometheus", "authKeys": keys}
    values["prometheus"] = values.get("prometheus", {}) | access
    by_helm = rendering.without_helms_labels(objects(helmed(values)))
    by_kustomize = overlaid(tmp_path, "overlays/production", *parts)
    for found in (by_helm, by_kustomize):
        pod = found["Deployment", NAMESPACE, "rollback-watchdog"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        for names in (container["env"], container["volumeMounts"], pod["volumes"]):
            names.sort(key=lambda each: str(each["name"]))
    assert by_helm == by_kustomize
    mounted = [each for each in pod["volumes"] if each["name"] == "prometheus"]
    assert mounted == [{"name": "prometheus", "secret": {"secretName": "rollback-watchdog-prometheus"}}]
    files = {each["value"] for each in container["env"] if "/prometheus/" in each["value"]}
    assert files == {f"/etc/rollback-watchdog/prometheus/{key}" for key in keys}


def test_shards_grant_the_lease_of_each_and_nothing_else() -> None:
    expected = {
        (right.group, right.full_resource, right.verb, right.name)
        for base in LEASES
        for right in shard_rights(3, base=base)
    }
    helm = objects(helmed(values_of("production") | {"shards": 3}))
    assert grants(helm["Role", NAMESPACE, "rollback-watchdog"]["rules"]) == needed(Where.OWN) | expected
    container = helm["Deployment", NAMESPACE, "rollback-watchdog"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "WATCHDOG_SHARDS", "value": "3"} in container["env"]


@pytest.mark.parametrize("kind", list(BY_KIND), ids=str)
def test_another_kind_is_granted_where_it_is_asked_for_and_a_dry_run_may_not_write_it(
    kind: TargetKind, tmp_path: Path
) -> None:
    more = {(right.group, right.full_resource, right.verb, right.name) for right in BY_KIND[kind]}
    seen, written = {one for one in more if one[2] in READING}, {one for one in more if one[2] not in READING}
    for act in (True, False):
        guarded = {"guardedNamespaces": [{"name": "shop", "act": act, "kinds": [str(kind)]}], "readerRoles": True}
        helm = objects(helmed(values_of("production") | guarded))
        assert grants(helm["Role", "shop", "rollback-watchdog"]["rules"]) & more == (more if act else seen)
        assert grants(helm["Role", "shop", "rollback-watchdog-reader"]["rules"]) & more == seen
    plural = OBJECTS[kind].plural
    for where, part, granted in (("guarded-dry-run", plural, seen), ("guarded", f"{plural}-put-back", written)):
        (tmp_path / part).mkdir()
        found = overlaid(tmp_path / part, where, part, namespace="any")
        assert grants(found["Role", "any", "rollback-watchdog"]["rules"]) & more == granted


@pytest.mark.parametrize("part", ["servicemonitor", "podmonitor", "restore-replicas", "shards"])
def test_every_component_can_be_added_to_an_overlay(part: str, tmp_path: Path) -> None:
    where = "guarded" if part == "restore-replicas" else "base"
    found = overlaid(tmp_path, where, part, namespace="any")
    if part == "restore-replicas":
        assert grants(found["Role", "any", "rollback-watchdog"]["rules"]) == needed(Where.GUARDED, scaling=True)
    elif part == "shards":
        names = {name for _, _, _, name in grants(found["Role", "any", "rollback-watchdog-shards"]["rules"])}
        assert names == {right.name for base in LEASES for right in shard_rights(MOST, base=base)}
        container = found["Deployment", "any", "rollback-watchdog"]["spec"]["template"]["spec"]["containers"][0]
        assert {"name": "WATCHDOG_SHARDS", "value": "2"} in container["env"]
    else:
        assert CUSTOM & {kind for kind, _, _ in found}


def test_the_operations_page_names_what_is_there() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for path in re.findall(r"(?<!exec )deploy/(?!\.\.\.)[\w./-]+\w", text):
        assert (ROOT / path).exists(), path
    for part in re.findall(r"`((?:components|people|gitops|overlays)(?:/[\w-]+)*)`", text):
        assert (KUSTOMIZE / part).is_dir(), part
    components = {each.name for each in (KUSTOMIZE / "components").iterdir()}
    assert components == set(re.findall(r"`components/([\w-]+)`", text))
