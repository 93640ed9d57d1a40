"""What a release is made of, and by what: workflows with few rights, known licences, an honest audit."""

import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import watchdog
from deployment.rendering import NAMESPACE, helmed, objects, script, values_of
from deployment.tools import DEPLOY, ROOT, module

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PERMITTED = {
    "release.yml": {
        "build": {"contents": "read", "id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
        "image": {
            "contents": "read",
            "packages": "write",
            "id-token": "write",
            "attestations": "write",
            "security-events": "write",
        },
        "chart": {"packages": "write"},
    },
    "audit.yml": {"dependencies": {"contents": "read"}},
    "codeql.yml": {"analyze": {"contents": "read", "security-events": "write"}},
}
# Licences under which it may be given away with an Apache-2.0 program.
FREE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|MPL-2\.0|Python Software Foundation|Mozilla Public License 2\.0|Unlicense|0BSD"
)


def workflow(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def test_each_workflow_has_the_rights_it_needs_and_no_others() -> None:
    assert {path.name for path in WORKFLOWS} >= set(PERMITTED)
    for path in WORKFLOWS:
        if path.name in PERMITTED:
            whole = workflow(path)
            assert whole["permissions"] == {}, "what a job does not ask for it does not have"
            assert {name: job["permissions"] for name, job in whole["jobs"].items()} == PERMITTED[path.name]


def test_no_workflow_runs_for_ever_keeps_a_credential_or_puts_a_strangers_text_into_a_shell() -> None:
    for path in WORKFLOWS:
        for job in workflow(path)["jobs"].values():
            assert job["timeout-minutes"] <= 60
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False
                assert "${{" not in step.get("run", ""), path.name
                assert step.get("uses", "@v").partition("@")[2] not in ("main", "master", "latest")


def test_a_release_is_tested_scanned_attested_and_published_without_a_stored_token() -> None:
    (path,) = (path for path in WORKFLOWS if path.name == "release.yml")
    jobs = workflow(path)["jobs"]
    assert jobs["publish"]["needs"] == ["build", "image"], "nothing is published that was not scanned"
    assert jobs["chart"]["needs"] == ["build", "image"]
    assert "pypa/gh-action-pypi-publish" in str(jobs["publish"])
    secrets = re.findall(r"secrets\.(\w+)", path.read_text())
    assert set(secrets) == {"GITHUB_TOKEN"}
    names = [step.get("uses", "").partition("@")[0] for step in jobs["image"]["steps"]]
    pushes = [at for at, step in enumerate(jobs["image"]["steps"]) if step.get("with", {}).get("push") is True]
    assert names.index("aquasecurity/trivy-action") < min(pushes)
    assert names.count("actions/attest-build-provenance") == 1
    pushed = jobs["image"]["steps"][pushes[0]]["with"]
    assert (pushed["provenance"], pushed["sbom"]) == ("mode=max", True)
    runs = [step.get("run", "") for step in jobs["build"]["steps"]]
    assert "make test" in runs


def test_the_licence_of_everything_that_is_locked_is_known_and_free() -> None:
    licences = script(DEPLOY / "licences.py")
    rows = re.findall(
        r"^\| ([\w.-]+) \| ([\w.!+]+) \| (.+) \|$", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE
    )
    listed = {name: (version, licence) for name, version, licence in rows if name != "package"}
    locked = {name: version for name, version, _ in licences.locked()}
    assert {name: version for name, (version, _) in listed.items()} == locked, "run `make deploy`"
    for name, _, elsewhere in licences.locked():
        said = listed[name][1]
        assert elsewhere or FREE.search(said), f"{name}: {said}"


@pytest.mark.parametrize(
    ("said", "code", "ends", "tells"),
    [
        ("No known vulnerabilities found", 0, 0, "no known vulnerability"),
        ("Found 1 known vulnerability in 1 package", 1, 1, "Found 1 known vulnerability"),
        ("ConnectionError: Failed to establish a new connection", 1, 0, "SKIPPED: requirements.txt was not audited"),
        ("ERROR: the lock is broken", 2, 2, "the lock is broken"),
    ],
)
def test_an_audit_that_did_not_take_place_is_never_taken_for_a_clean_one(
    tmp_path: Path, said: str, code: int, ends: int, tells: str
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {code}\n")
    program.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    ran = subprocess.run([DEPLOY / "audit.sh"], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert ran.returncode == ends
    assert tells in ran.stdout + ran.stderr
    assert ("SKIPPED" in ran.stdout) == ("Connection" in said)


def test_what_a_workflow_runs_is_there() -> None:
    for path in WORKFLOWS:
        for job in workflow(path)["jobs"].values():
            for step in job["steps"]:
                for named in re.findall(
                    r"(?:deploy|src|tests|benchmarks)/[\w./-]*\w|requirements[\w-]*\.txt", step.get("run", "")
                ):
                    assert (ROOT / named).exists(), f"{path.name}: {named}"
                for target in re.findall(r"^make ([\w-]+)", step.get("run", ""), re.MULTILINE):
                    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def test_the_packaged_chart_is_the_chart_and_the_same_each_time(tmp_path: Path) -> None:
    program = script(DEPLOY / "package_chart.py")
    program.main(tmp_path)
    (archive,) = tmp_path.iterdir()
    assert archive.name == f"rollback-watchdog-{watchdog.__version__}.tgz"
    assert program.packaged() == archive.read_bytes()
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert {f"rollback-watchdog/{name}" for name in ("Chart.yaml", "values.yaml", "values.schema.json")} <= set(names)
    assert not [name for name in names if "/." in name or ".." in name]
    values = values_of("production")
    with module("helm_python").Chart.load(str(archive)) as chart:
        chart.validate_schema(dict(values))
        rendered = chart.render(dict(values), name="rollback-watchdog", namespace=NAMESPACE)
    manifests = "\n---\n".join(text for name, text in sorted(rendered.items()) if name.endswith(".yaml"))
    assert objects(manifests) == objects(helmed(values))
