"""deploy/kustomize and deploy/helm: the same result, held to the code, valid for three versions of Kubernetes."""

import re
from typing import Any

import pytest
import yaml

import watchdog
from deployment import rendering
from deployment.rendering import (
    CHART,
    CUSTOM,
    ENVIRONMENTS,
    KUSTOMIZE,
    NAMESPACE,
    Object,
    helmed,
    kustomized,
    objects,
    values_of,
)
from deployment.roles import READING, grants, needed
from deployment.tools import ROOT, module
from watchdog.adapters.kubernetes.rights import Where
from watchdog.rulebook import read_rules
from watchdog.settings import Environment, variable
from watchdog.survey.network_policy import network_policy

VERSIONS = ("1.34.0", "1.36.0", "1.37.0")
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
    known = {variable(name) for name in Environment.model_fields}
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


def test_the_operations_page_names_what_is_there() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for path in re.findall(r"(?<!exec )deploy/(?!\.\.\.)[\w./-]+\w", text):
        assert (ROOT / path).exists(), path
    for part in re.findall(r"`((?:components|people|gitops|overlays)(?:/[\w-]+)*)`", text):
        assert (KUSTOMIZE / part).is_dir(), part
    components = {each.name for each in (KUSTOMIZE / "components").iterdir()}
    assert components == set(re.findall(r"`components/([\w-]+)`", text))
