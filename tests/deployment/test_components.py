"""What is added where it is asked for: components on an overlay, other kinds, shards, the ways to Prometheus."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment import rendering
from deployment.rendering import CUSTOM, KUSTOMIZE, NAMESPACE, Objects, helmed, kustomized, objects, values_of
from deployment.roles import LEASES, READING, grants, needed
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.rights import BY_KIND, Where, shard_rights
from watchdog.domain.rollout import TargetKind
from watchdog.domain.shards import MOST

pytestmark = pytest.mark.deploy


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
