"""Builds the controllers of Flagger and Argo Rollouts, once, into the cache of the end-to-end tests' programs.

`PYTHONPATH=tests python -m e2e.controlplane.controllers` builds what the tests run (Argo Rollouts) and fetches the
definitions of both; it needs what build.py needs, and four minutes on two cores. Each is built in its own module, so
that its own replacements and checksums hold.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.controlplane.build import Go, cache_root, locked, say


@dataclass(frozen=True)
class Source:
    """Where a controller comes from: its module, the package within, where its CRDs lie."""

    path: str
    version: str
    package: str
    crds: str

    @property
    def place(self) -> Path:
        """The directory of its program and its CRDs."""
        return cache_root() / f"{self.path.rpartition('/')[2]}-{self.version}"

    @property
    def program(self) -> Path:
        """What is run."""
        return self.place / self.package.rpartition("/")[2]

    @property
    def definitions(self) -> list[Path]:
        """Its CRDs, as it ships them."""
        return sorted((self.place / "crds").glob("*.yaml"))


FLAGGER, ARGO = "Flagger", "Argo Rollouts"
SOURCES: Mapping[str, Source] = {
    FLAGGER: Source("github.com/fluxcd/flagger", "v1.36.1", "./cmd/flagger", "artifacts/flagger/*crd.yaml"),
    ARGO: Source(
        "github.com/argoproj/argo-rollouts", "v1.10.1", "./cmd/rollouts-controller", "manifests/crds/*-crd.yaml"
    ),
}


def ensure_controllers(programs: Iterable[str] = tuple(SOURCES)) -> None:
    """Builds what is missing of these programs, and fetches the definitions of all."""
    with locked():
        for name, source in SOURCES.items():
            builds = name in programs and not source.program.exists()
            if source.definitions and not builds:
                continue
            go = Go(cache_root())
            module = go.module(source.path, source.version)
            crds = source.place / "crds"
            crds.mkdir(parents=True, exist_ok=True)
            for definition in module.glob(source.crds):
                shutil.copy(definition, crds)
            if builds:
                go.build_in(module, source.package, source.program)


if __name__ == "__main__":
    if os.environ.get("WATCHDOG_E2E_KUBECONFIG"):
        say("WATCHDOG_E2E_KUBECONFIG is set: nothing is installed into that cluster, no controller is built")
    else:
        ensure_controllers([ARGO])
        say(f"Argo Rollouts is ready in {cache_root()}")
