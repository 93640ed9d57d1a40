"""Who we are to an API server behind TLS: private CA, client certificates, the pod's own token; each is replaced."""

import json
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from adapters.kubernetes.building import NOON, SHOP
from certificates import Authority, Pair
from serving import listening
from watchdog.adapters.kubernetes.client import KubeClient, connect
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS
from watchdog.adapters.kubernetes.library import load_incluster_config
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated


class ApiServer:
    """A stand-in that knows one object, and whom it lets in: a token, or certificates that `revoked` does not name."""

    def __init__(self, authority: Authority, token: str = "") -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = authority.signs("kubernetes")
        self.context.load_cert_chain(pair.cert, pair.key)
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.context.load_verify_locations(cafile=str(authority.file))
        self.token = token
        self.shown: list[str] = []
        self.revoked: set[str] = set()
        self.port = 0

    async def _answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        certificate = request.transport.get_extra_info("peercert") or {}
        serial = str(certificate.get("serialNumber", ""))
        credential = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.shown.append(credential or serial)
        if (serial and serial not in self.revoked) or (self.token and credential == self.token):
            return web.json_response({"kind": "Deployment", "metadata": {"name": "gateway"}})
        status = {"kind": "Status", "reason": "Unauthorized", "message": f"Unauthorized: {credential}", "code": 401}
        return web.json_response(status, status=401)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        async with listening(application, self.context) as self.port:
            yield f"https://127.0.0.1:{self.port}"


def kubeconfig(path: Path, server: str, ca: Path, user: dict[str, str]) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(config))
    return str(path)


@asynccontextmanager
async def connected(config: str | None) -> AsyncIterator[KubeClient]:
    client = await connect(SimulatedClock(NOON), kubeconfig=config)
    try:
        yield client
    finally:
        await client.close()


async def name_of(client: KubeClient) -> str:
    return str((await client.get(DEPLOYMENTS, SHOP, "gateway"))["metadata"]["name"])


def test_a_client_certificate_is_shown_and_one_that_was_renewed_in_its_file_is_taken_up_after_a_401(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    server = ApiServer(authority)
    first, second = authority.signs("watchdog"), authority.signs("watchdog")
    now = Pair(tmp_path / "client.crt", tmp_path / "client.key")
    shutil.copy(first.cert, now.cert)
    shutil.copy(first.key, now.key)

    async def main() -> None:
        async with server.serving() as url:
            user = {"client-certificate": str(now.cert), "client-key": str(now.key)}
            async with connected(kubeconfig(tmp_path / "config", url, authority.file, user)) as client:
                assert await name_of(client) == "gateway"
                server.revoked.add(server.shown[0])
                with pytest.raises(OutOfReach, match="401"):
                    await name_of(client)
                shutil.copy(second.cert, now.cert)
                shutil.copy(second.key, now.key)
                assert await name_of(client) == "gateway"

    run_simulated(main())


def test_a_server_that_another_ca_has_signed_is_not_spoken_to(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    server = ApiServer(authority, token="t")

    async def main() -> None:
        async with server.serving() as url:
            config = kubeconfig(tmp_path / "config", url, other.file, {"token": "t"})
            async with connected(config) as client:
                with pytest.raises(OutOfReach, match="CERTIFICATE_VERIFY_FAILED"):
                    await name_of(client)
        assert server.shown == []

    run_simulated(main())


def test_the_pods_own_token_is_read_again_when_the_kubelet_has_replaced_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    server = ApiServer(authority, token="first-token")
    token = tmp_path / "token"
    token.write_text("first-token")
    places = load_incluster_config.__globals__
    monkeypatch.setitem(places, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setitem(places, "SERVICE_CERT_FILENAME", str(authority.file))

    async def main() -> None:
        async with server.serving():
            monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
            async with connected(None) as client:
                assert await name_of(client) == "gateway"
                server.token = "second-token"
                with pytest.raises(OutOfReach, match="401") as refused:
                    await name_of(client)
                assert "first-token" not in str(refused.value)
                token.write_text("second-token")
                assert await name_of(client) == "gateway"
        assert server.shown[0] == "first-token"
        assert server.shown[-1] == "second-token"

    run_simulated(main())
