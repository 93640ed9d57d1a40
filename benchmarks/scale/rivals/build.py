"""Builds the controllers of Flagger and Argo Rollouts, once, into the cache of the end-to-end tests' programs.

python -m benchmarks.scale.rivals.build: needs what tests/e2e/controlplane/build.py needs; five minutes on two cores.
Each is built in its own module, so that its own replacements and checksums hold.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.controlplane.build import Go, cache_root, ensure, locked, say


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


SOURCES: Mapping[str, Source] = {
    "Flagger": Source("github.com/fluxcd/flagger", "v1.36.1", "./cmd/flagger", "artifacts/flagger/*crd.yaml"),
    "Argo Rollouts": Source(
        "github.com/argoproj/argo-rollouts", "v1.10.1", "./cmd/rollouts-controller", "manifests/crds/*-crd.yaml"
    ),
}


def ensure_rivals() -> None:
    """Builds what is missing of them and of the control plane."""
    ensure()
    with locked():
        for source in SOURCES.values():
            if source.program.exists() and source.definitions:
                continue
            go = Go(cache_root())
            module = go.module(source.path, source.version)
            crds = source.place / "crds"
            crds.mkdir(parents=True, exist_ok=True)
            for definition in module.glob(source.crds):
                shutil.copy(definition, crds)
            go.build_in(module, source.package, source.program)


if __name__ == "__main__":
    ensure_rivals()
    say(f"Flagger and Argo Rollouts are ready in {cache_root()}")
