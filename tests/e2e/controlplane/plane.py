"""The control plane's life: started, waited for, ended. Its programs listen on free loopback ports."""

from __future__ import annotations

import json
import secrets
import shutil
import ssl
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from e2e.controlplane import audit
from e2e.controlplane.access import Access, read_kubeconfig, write_signing_key
from e2e.controlplane.build import Programs
from e2e.controlplane.podnet import POD_CIDR
from e2e.controlplane.processes import Child, free_ports, wait_until
from watchdog.adapters.kubernetes.rights import RUNNERS

NODE = "stand-in"
STAGES = Path(__file__).with_name("stages.yaml")


class NoAuditLog(RuntimeError):
    """The cluster is not ours: its audit log cannot be read."""


class ExternalCluster:
    """A cluster that runs already (`WATCHDOG_E2E_KUBECONFIG`), used as it is: nothing is started or ended.

    It has to make the deployed pods ready and give them addresses: kwok with our `stages.yaml` on its nodes.
    """

    def __init__(self, kubeconfig: Path, directory: Path) -> None:
        self.directory = directory
        self.admin = read_kubeconfig(kubeconfig, directory)

    def audited_writes(self, user: str | None = None, namespace: str | None = None) -> list[audit.AuditedWrite]:
        raise NoAuditLog("the audit log of an external cluster cannot be read here")


class ControlPlane:
    """etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok in a directory of their own.

    `start` returns when pods would run: the API server is ready, its Node is, and namespaces get their
    ServiceAccount. `close` ends everything; so does the end of this process, however it comes. `policy` says what
    the audit log has; `audited_writes` and `refusals` need the one that is the default.
    """

    def __init__(self, programs: Programs, directory: Path, policy: Mapping[str, Any] = audit.POLICY) -> None:
        self.directory = directory
        self.children: list[Child] = []
        self._programs = programs
        self._policy = policy
        self._tokens = {user: secrets.token_hex(16) for user in ("e2e:admin", *audit.MACHINERY[:3])}
        self.audit_log = directory / "audit.log"
        self._etcd_port, self._etcd_peer_port, self._port = free_ports(3)
        self.admin = Access(
            server=f"https://127.0.0.1:{self._port}",
            # The server's own self-signed certificate, made at its start, carries its authority along.
            authority=directory / "certificates" / "apiserver.crt",
            token=self._tokens["e2e:admin"],
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        self._start_etcd()
        self._start_apiserver()
        wait_until(self._apiserver_is_ready, "the API server", self.children)
        self._start_the_rest()
        with self.admin.blocking_client() as api:
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
            api.post("/api/v1/nodes", json=node).raise_for_status()
            wait_until(lambda: _node_is_ready(api), "the stand-in kubelet's Node", self.children)
            # Admission marks every new Node as not ready; the controller that takes the mark off is not run.
            merge = {"Content-Type": "application/merge-patch+json"}
            unmarked = {"spec": {"taints": None}}
            api.patch(f"/api/v1/nodes/{NODE}", json=unmarked, headers=merge).raise_for_status()
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            wait_until(lambda: api.get(account).is_success, "the controller manager", self.children)

    def close(self) -> None:
        """Ends all programs and keeps their logs. Idempotent."""
        for child in self.children:
            child.ask_to_end()
        for child in self.children:
            child.end()
        # 130 MB that nobody reads, in a directory that pytest keeps for a while.
        shutil.rmtree(self.directory / "etcd", ignore_errors=True)

    def audited_writes(self, user: str | None = None, namespace: str | None = None) -> list[audit.AuditedWrite]:
        """All writes answered so far (machinery's apart), in order; of one user, in one namespace.

        The server logs a request a moment after its answer. So a write of our own is made first and waited
        for: what was answered before it is in the log by then.
        """
        marker = str(uuid.uuid4())
        with self.admin.blocking_client() as api:
            api.post(
                "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                json={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
                headers={"Audit-ID": marker},
            ).raise_for_status()
        deadline = time.monotonic() + 10
        writes = audit.read(self.audit_log)
        while marker not in {each.audit_id for each in writes}:
            if time.monotonic() > deadline:
                raise TimeoutError("the API server does not write its audit log")
            time.sleep(0.02)
            writes = audit.read(self.audit_log)
        return [
            each
            for each in writes
            if each.resource != "selfsubjectreviews"
            and user in (None, each.user)
            and namespace in (None, each.namespace)
        ]

    def refusals(self, user: str) -> list[str]:
        """What the user was forbidden so far, as `verb URI`, without what is not missed where it is not granted."""
        unmissed = [(f"{right.verb} ", f"/{right.full_resource}?") for right in RUNNERS]
        found = audit.refusals(self.audit_log, user)
        return [one for one in found if not any(one.startswith(verb) and what in one for verb, what in unmissed)]

    def _start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        self._start(
            "etcd",
            self._programs.etcd,
            [
                "--data-dir=etcd",
                "--unsafe-no-fsync",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
        )

    def _start_apiserver(self) -> None:
        (self.directory / "audit-policy.json").write_text(json.dumps(self._policy))
        rows = [f"{token},{user},{user},system:masters" for user, token in self._tokens.items()]
        (self.directory / "tokens.csv").write_text("\n".join(rows) + "\n")
        key = write_signing_key(self.directory / "service-accounts.key")
        self._start(
            "kube-apiserver",
            self._programs.apiserver,
            [
                f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={self._port}",
                "--cert-dir=certificates",
                "--token-auth-file=tokens.csv",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.96.0.0/16",
                # It would publish its own address as an endpoint, and endpoints refuse loopback.
                "--endpoint-reconciler-type=none",
                "--audit-policy-file=audit-policy.json",
                f"--audit-log-path={self.audit_log}",
                "--audit-log-mode=blocking",
            ],
        )

    def _start_the_rest(self) -> None:
        kubeconfigs = {
            user: f"--kubeconfig={self.admin.with_token(self._tokens[user]).write_kubeconfig(self.directory / user)}"
            for user in audit.MACHINERY[:3]
        }
        self._start(
            "kube-controller-manager",
            self._programs.controller_manager,
            [
                kubeconfigs["e2e:controllers"],
                "--leader-elect=false",
                "--secure-port=0",
                f"--service-account-private-key-file={self.directory / 'service-accounts.key'}",
                f"--root-ca-file={self.admin.authority}",
                # A busy machine must not make it believe that the Node is lost, with all its pods.
                "--controllers=*,-node-lifecycle-controller",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
            ],
        )
        self._start(
            "kube-scheduler",
            self._programs.scheduler,
            [kubeconfigs["e2e:scheduler"], "--leader-elect=false", "--secure-port=0"],
        )
        self._start(
            "kwok",
            self._programs.kwok,
            [
                kubeconfigs["e2e:kubelet"],
                f"--config={STAGES}",
                "--manage-all-nodes=true",
                f"--cidr={POD_CIDR}",
                "--node-lease-duration-seconds=40",
            ],
        )

    def _start(self, name: str, program: Sequence[str], arguments: Sequence[str]) -> None:
        self.children.append(Child(name, [*program, *arguments], self.directory))

    def _apiserver_is_ready(self) -> bool:
        try:
            with self.admin.blocking_client() as api:
                return api.get("/readyz").status_code == httpx.codes.OK
        # Not listening yet, or its certificate is not written yet.
        except (httpx.TransportError, FileNotFoundError, ssl.SSLError):
            return False


def _node_is_ready(api: httpx.Client) -> bool:
    status = api.get(f"/api/v1/nodes/{NODE}").raise_for_status().json()["status"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
