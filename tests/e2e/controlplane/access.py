"""Ways into a cluster: who one is, and the kubeconfig that says so."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml


@dataclass(frozen=True)
class Access:
    """A server, how to trust it, and one credential: a token, or a client certificate."""

    server: str
    authority: Path | None  # None: the system's authorities
    token: str | None = None
    certificate: tuple[Path, Path] | None = None
    insecure: bool = False

    def with_token(self, token: str) -> Access:
        return replace(self, token=token, certificate=None)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._options())

    def blocking_client(self) -> httpx.Client:
        return httpx.Client(**self._options())

    def write_kubeconfig(self, path: Path, namespace: str = "default") -> Path:
        cluster: dict[str, Any] = {"server": self.server}
        if self.authority is not None:
            cluster["certificate-authority"] = str(self.authority)
        if self.insecure:
            cluster["insecure-skip-tls-verify"] = True
        user: dict[str, Any] = {}
        if self.token is not None:
            user["token"] = self.token
        if self.certificate is not None:
            user["client-certificate"], user["client-key"] = map(str, self.certificate)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": "e2e", "user": user}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e", "namespace": namespace}}],
            "current-context": "e2e",
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(config, indent=1))  # JSON is YAML
        return path

    def _options(self) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=self.authority)
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.certificate is not None:
            context.load_cert_chain(*self.certificate)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        return {
            "base_url": self.server,
            "headers": headers,
            "verify": context,
            "trust_env": False,
            "timeout": 10,
        }


def read_kubeconfig(path: Path, scratch: Path) -> Access:
    """The current context of a kubeconfig. Data that it holds inline is written to files in `scratch`.

    Credential plugins (`exec`) are not run: give a kubeconfig with a token or a client certificate.
    """
    config = yaml.safe_load(path.read_text())

    def named(kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in config[f"{kind}s"] if each["name"] == name)[kind]
        return found

    def file_of(entry: dict[str, Any], key: str) -> Path | None:
        if inline := entry.get(f"{key}-data"):
            place = scratch / key
            place.write_bytes(base64.b64decode(inline))
            return place
        return path.parent / entry[key] if entry.get(key) else None

    context = named("context", config["current-context"])
    cluster, user = named("cluster", context["cluster"]), named("user", context["user"])
    certificate, key = file_of(user, "client-certificate"), file_of(user, "client-key")
    access = Access(
        server=cluster["server"],
        authority=file_of(cluster, "certificate-authority"),
        token=user.get("token"),
        certificate=(certificate, key) if certificate is not None and key is not None else None,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
    )
    if access.token is None and access.certificate is None:
        raise ValueError(f"{path}: the current user has neither a token nor a client certificate")
    return access


def write_signing_key(path: Path) -> Path:
    """A fresh P-256 key with which the control plane signs ServiceAccount tokens.

    Any 32 random bytes are such a key (RFC 5915; the readers compute the public half), so that no cryptography
    library and no key in the repository is needed.
    """
    der = bytes.fromhex("30310201010420") + secrets.token_bytes(32) + bytes.fromhex("a00a06082a8648ce3d030107")
    lines = ["-----BEGIN EC PRIVATE KEY-----", base64.b64encode(der).decode(), "-----END EC PRIVATE KEY-----"]
    path.write_text("\n".join(lines) + "\n")
    return path
