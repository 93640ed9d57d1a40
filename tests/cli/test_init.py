"""`watchdog init` as people call it: what is written where, what is never touched, and what each failure says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.verbs import OWN, call, call_beside
from watchdog.adapters.clock import SystemClock
from watchdog.rulebook import check_rules, read_rules
from watchdog.simulator.access import Rule
from watchdog.simulator.cluster import SimulatedCluster

NO_PROMETHEUS = "http://127.0.0.1:9"
READS = ["get", "list", "watch"]


@pytest.fixture
async def cluster() -> AsyncIterator[SimulatedCluster]:
    async with SimulatedCluster(SystemClock(), octet=92) as running:
        running.deploy("production", "research", "research:v1", replicas=2)
        running.deploy("staging", "brand", "brand:v1", replicas=1)
        yield running


def ways(cluster: SimulatedCluster, folder: Path, token: str = "") -> dict[str, str]:
    """The settings that lead to the cluster."""
    kubeconfig = cluster.kubeconfig(folder / "kubeconfig", token)
    return {"KUBECONFIG": str(kubeconfig), "NAMESPACE": OWN, "PROMETHEUS_URL": NO_PROMETHEUS}


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def test_it_writes_the_file_and_says_what_comes_next(cluster: SimulatedCluster, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    result = await call_beside("init", str(path), **ways(cluster, tmp_path))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{path}: 2 guards for 2 targets; next: watchdog check --live {path}\n"
    assert result.stderr.startswith("watchdog: Prometheus does not answer")
    assert check_rules(path.read_text()).mistakes == ()
    assert path.stat().st_mode & 0o777 == 0o644


async def test_a_file_that_is_there_is_never_overwritten_without_force(
    cluster: SimulatedCluster, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("mine")
    path.chmod(0o600)
    settings = {**ways(cluster, tmp_path), "RULES": str(path)}
    refused = await call_beside("init", **settings)
    assert refused.exit_code == 1
    assert refused.stderr == f"watchdog: {path} is there already; --force writes over it, --stdout prints\n"
    assert path.read_text() == "mine"

    forced = await call_beside("init", "--force", **settings)
    assert forced.exit_code == 0
    assert len(read_rules(path.read_text()).guards) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["kubeconfig", "rules.toml"]


@pytest.mark.parametrize("how", ["-", "--stdout"])
async def test_it_prints_instead(cluster: SimulatedCluster, tmp_path: Path, how: str) -> None:
    result = await call_beside("init", how, **ways(cluster, tmp_path))
    assert result.exit_code == 0
    assert len(read_rules(result.stdout).guards) == 2
    assert not (tmp_path / "-").exists()


async def test_namespaces_are_chosen_one_by_one(cluster: SimulatedCluster, tmp_path: Path) -> None:
    words = ("init", "-", "-n", "staging", "--namespace", "empty")
    result = await call_beside(*words, **ways(cluster, tmp_path))
    assert result.exit_code == 0
    assert [str(target) for guard in read_rules(result.stdout).guards for target in guard.targets] == [
        "staging/deployment/brand"
    ]
    assert "watchdog: namespace empty has no Deployment\n" in result.stderr


async def test_a_namespace_that_may_not_be_read_is_named_and_the_others_are_written(
    cluster: SimulatedCluster, tmp_path: Path
) -> None:
    rules = [Rule(READS, ["namespaces"]), Rule(READS, ["deployments", "services"], namespaces=["staging"])]
    settings = ways(cluster, tmp_path, cluster.user("newcomer", rules))
    result = await call_beside("init", "-", **settings)
    assert result.exit_code == 0
    assert "watchdog: namespace production may not be read: " in result.stderr
    assert "Not looked at: production, which may not be read" in result.stdout
    assert len(read_rules(result.stdout).guards) == 1


async def test_namespaces_that_may_not_be_listed_must_be_named(cluster: SimulatedCluster, tmp_path: Path) -> None:
    settings = ways(cluster, tmp_path, cluster.user("newcomer", [Rule(READS, ["deployments", "services"])]))
    result = await call_beside("init", "-", **settings)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "name yours: --namespace NAME" in result.stderr
    named = await call_beside("init", "-", "-n", "staging", **settings)
    assert named.exit_code == 0


async def test_where_there_is_nothing_to_guard_nothing_is_written(cluster: SimulatedCluster, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    result = await call_beside("init", str(path), "-n", "empty", **ways(cluster, tmp_path))
    assert result.exit_code == 1
    assert result.stderr == "watchdog: there is no Deployment to guard in empty\n"
    assert not path.exists()


async def test_what_others_wrote_on_their_objects_cannot_break_the_file(
    cluster: SimulatedCluster, tmp_path: Path
) -> None:
    evil = 'x"\n[guards.evil]\nrules = ["errors"]\x1b[31m \u2028 {{ secret.X }}'
    probe = {"httpGet": {"path": "/\"'{}", "port": "http", "httpHeaders": [{"name": "X-Odd", "value": "\"'\\"}]}}
    cluster.deploy(
        "production",
        "a.b",
        "odd:v1",
        replicas=1,
        annotations={"argocd.argoproj.io/tracking-id": evil, "meta.helm.sh/release-name": evil},
        spec={"template": {"spec": {"containers": [{"name": "app", "image": "odd:v1", "livenessProbe": probe}]}}},
    )
    result = await call_beside("init", "-", "-n", "production", **ways(cluster, tmp_path))
    assert result.exit_code == 0
    guards = {guard.name: guard for guard in read_rules(result.stdout).guards}
    assert set(guards) == {"a-b", "research"}
    assert guards["a-b"].gitops == "hold"
    assert "\x1b" not in result.output


def test_a_cluster_that_does_not_answer_ends_it_with_one_line(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        '{"apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],'
        ' "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:9"}}],'
        ' "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]}'
    )
    result = call("init", str(tmp_path / "rules.toml"), KUBECONFIG=str(kubeconfig))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "rules.toml").exists()


async def test_a_folder_that_is_not_there_is_said(cluster: SimulatedCluster, tmp_path: Path) -> None:
    for words in ([], ["--force"]):
        result = await call_beside("init", str(tmp_path / "no" / "rules.toml"), *words, **ways(cluster, tmp_path))
        assert result.exit_code == 1
        assert "cannot be written: No such file or directory" in result.stderr


@pytest.mark.parametrize(
    "words",
    [["--namespace", "Not A Name"], ["--prometheus-url", "prometheus:9090"], ["--kubeconfig", "/nowhere"], ["a", "b"]],
    ids=" ".join,
)
def test_wrong_usage_exits_2(words: list[str]) -> None:
    result = call("init", *words)
    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.output
