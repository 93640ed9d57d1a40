"""Canaries in every setting and secret, and nothing of them in anything that leaves the process while all fails.

Everything that the watchdog talks to is hostile here: it refuses, and repeats all that it was shown.
"""

import asyncio
import base64
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.test_run import a_file, soon
from cli.verbs import call, call_beside, spawn
from town import NAMESPACE, OWN, PART_OF
from watchdog.adapters.clock import SystemClock
from watchdog.rulebook.channel_urls import SCHEMES
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.cluster import SimulatedCluster

_SALT = "8d1f7c42"


def canary(name: str, length: int = 24) -> str:
    """A secret that is told by its look, random enough for any token: letters and digits."""
    return (f"CNRY{name}{_SALT}" * 5)[:length]


# A URL of each allowed scheme, as Apprise documents it. What is no secret in one is spelt in small letters.
URLS = {
    "slack": f"slack://T1JJ3T3L2/A1BRTD4JD/{canary('slack')}",
    "discord": f"discord://4174216298/{canary('discord', 60)}",
    "webex": f"webex://{canary('webex', 80)}",
    "gchat": f"gchat://workspace/{canary('gchatkey')}/{canary('gchattok')}",
    "tgram": f"tgram://123456789:{canary('tgram', 35)}/12315544",
    "pover": f"pover://{canary('poveru', 30)}@{canary('povert', 30)}",
    "opsgenie": "opsgenie://8d1f7c42-0d1f-4c42-9d1f-7c428d1f7c42",
    "splunk": f"splunk://{canary('splunkr')}@{canary('splunka')}",
    "squadcast": f"squadcast://{canary('squad')}",
    "incidentio": f"incidentio://{canary('incida')}/{canary('incidt')}",
    "sns": f"sns://AKIA{canary('sns', 16).upper()}/{canary('snssecret', 40)}/us-east-1/12223334444",
    "twilio": f"twilio://AC{'8d1f7c42' * 4}:{'7c428d1f' * 4}@12223334444",
    "workflows": f"workflows://flow.example.com/{'8d1f7c42' * 4}/{canary('flow', 40)}",
    "json": f"json://user:{canary('jsonpw')}@127.0.0.1:1/{canary('jsonpath')}?+X-Token={canary('jsonhead')}",
    "jsons": f"jsons://user:{canary('jsonspw')}@127.0.0.1:1/",
    "xml": f"xml://user:{canary('xmlpw')}@127.0.0.1:1/",
    "xmls": f"xmls://user:{canary('xmlspw')}@127.0.0.1:1/",
    "form": f"form://user:{canary('formpw')}@127.0.0.1:1/",
    "forms": f"forms://user:{canary('formspw')}@127.0.0.1:1/",
    "apprise": f"apprise://127.0.0.1:1/{canary('apprise')}",
    "apprises": f"apprises://127.0.0.1:1/{canary('apprises')}",
    "gotify": f"gotify://127.0.0.1:1/{canary('gotify')}",
    "gotifys": f"gotifys://127.0.0.1:1/{canary('gotifys')}",
    "ntfy": f"ntfy://user:{canary('ntfypw')}@127.0.0.1:1/topic",
    "ntfys": f"ntfys://user:{canary('ntfyspw')}@127.0.0.1:1/topic",
    "mmost": f"mmost://127.0.0.1:1/{canary('mmost')}",
    "mmosts": f"mmosts://127.0.0.1:1/{canary('mmosts')}",
    "rocket": f"rocket://user:{canary('rocketpw')}@127.0.0.1:1/#channel",
    "rockets": f"rockets://user:{canary('rocketspw')}@127.0.0.1:1/#channel",
    "zulip": f"zulip://botname@org/{canary('zulip', 32)}/channel",
    "matrix": f"matrix://user:{canary('matrixpw')}@127.0.0.1:1/#room",
    "matrixs": f"matrixs://user:{canary('matrixspw')}@127.0.0.1:1/#room",
    "signal": f"signal://user:{canary('signalpw')}@127.0.0.1:1/12223334444/12223334445",
    "signals": f"signals://user:{canary('signalspw')}@127.0.0.1:1/12223334444/12223334445",
    "goalert": f"goalert://{canary('goalert')}@127.0.0.1:1",
    "goalerts": f"goalerts://{canary('goalerts')}@127.0.0.1:1",
    "mailto": f"mailto://user:{canary('mailpw')}@example.com?smtp=127.0.0.1&port=1&to=a@example.com",
    "mailtos": f"mailtos://user:{canary('mailspw')}@example.com?smtp=127.0.0.1&port=1&to=a@example.com",
}
PASSWORD, TOKEN, WEB, KUBE, KEY = (canary(name) for name in ("password", "promtoken", "web", "kube", "pagerduty"))
OTHERS = (PASSWORD, TOKEN, WEB, KUBE, KEY, base64.b64encode(f"reader:{PASSWORD}".encode()).decode())

GUARD = f"""
version = 1
[guards.services]
namespaces = ["{NAMESPACE}"]
selector = "app.kubernetes.io/part-of=plasma-engine"
rules = ["error-rate", "crash"]
bake = "1m"
interval = "2s"
channels = [{{names}}]
preset = "fastapi"
[rules.error-rate]
when = "http_error_rate > 5%"
[rules.crash]
signs = ["image-pull", "crash-loop", "not-ready"]
"""


def rules(names: Sequence[str], *, pagerduty: bool = False) -> str:
    """A rules file that tells these channels, each of which is wholly a secret."""
    listed = [*names, *(["oncall"] if pagerduty else [])]
    text = GUARD.replace("{names}", ", ".join(f'"{name}"' for name in listed))
    for name in names:
        text += f'[channels.{name}]\nurl = "{{{{ secret.{name.upper()}_URL }}}}"\non = ["switch", "breach"]\n'
    if pagerduty:
        text += '[channels.oncall]\npagerduty = { routing_key = "{{ secret.PAGERDUTY_KEY }}" }\n'
    return text


def needles() -> Iterator[str]:
    """Every canary, and whatever in a URL looks random."""
    yield from OTHERS
    for url in URLS.values():
        yield from re.findall(r"[A-Za-z0-9-]*(?:CNRY|8d1f7c42|7c428d1f)[A-Za-z0-9-]*", url)


def secrets() -> dict[str, str]:
    return {f"SECRET_{name.upper()}_URL": url for name, url in URLS.items()} | {"SECRET_PAGERDUTY_KEY": KEY}


def nothing_shown(where: str, text: str) -> None:
    """No canary, nor a long piece of one, in what left the process."""
    for needle in needles():
        assert needle not in text, f"{needle!r} is shown in {where}: {_around(text, needle)}"
    assert "CNRY" not in text, f"a piece of a canary is shown in {where}: {_around(text, 'CNRY')}"


def _around(text: str, needle: str) -> str:
    at = text.index(needle)
    return text[max(0, at - 300) : at + 100]


@dataclass
class Echo:
    """A proxy, a Prometheus and a mail server in one: refuses, and repeats all that it was shown."""

    heard: bytes = b""
    port: int = 0
    status: str = "401 Unauthorized"
    _server: asyncio.Server | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        said = head + body
        self.heard += said
        # What it was shown, in clear: also what was hidden in base64.
        for packed in re.findall(rb"Basic ([A-Za-z0-9+/=]+)", said):
            said += b" " + base64.b64decode(packed)
        text = said.decode(errors="replace").replace("\r\n", " ")
        reason = re.sub(r"[^\x20-\x7e]", " ", text)[:2000]
        answer = json.dumps({"status": "error", "errorType": "unauthorized", "error": text, "message": text})
        writer.write(f"HTTP/1.1 {self.status} {reason}\r\nContent-Length: {len(answer.encode())}\r\n\r\n".encode())
        writer.write(answer.encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def an_echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo._answer, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    try:
        yield echo
    finally:
        server.close()


@asynccontextmanager
async def a_hostile_town(folder: Path) -> AsyncIterator[tuple[SimulatedCluster, Echo, dict[str, str]]]:
    """A cluster that works, with everything else hostile; and the settings that lead to it."""
    clock = SystemClock()
    with free_octet() as octet:
        cluster = SimulatedCluster(clock, octet, past=timedelta(hours=1))
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        cluster.deploy(NAMESPACE, "research", "research:v1", replicas=2, labels=PART_OF)
        cluster.service(NAMESPACE, "research")
        async with cluster, an_echo() as echo:
            cluster._users[KUBE] = cluster._users[cluster.token]
            yield (
                cluster,
                echo,
                secrets()
                | {
                    "RULES": a_file(folder, "rules.toml", rules(list(URLS))),
                    "KUBECONFIG": str(cluster.kubeconfig(folder / "kubeconfig", KUBE)),
                    "NAMESPACE": OWN,
                    "LISTEN": "127.0.0.1:0",
                    "LOG_LEVEL": "debug",
                    "PROMETHEUS_URL": echo.url,
                    "WEB_TOKEN_FILE": a_file(folder, "web-token", WEB + "\n"),
                },
            )


def test_each_allowed_scheme_has_its_canary() -> None:
    assert sorted(URLS) == sorted(SCHEMES)


@pytest.mark.parametrize("style", ["json", "console"])
async def test_a_run_in_which_every_channel_and_prometheus_fail_shows_no_secret(style: str, tmp_path: Path) -> None:
    async with a_hostile_town(tmp_path) as (cluster, echo, settings):
        password = a_file(tmp_path, "password", PASSWORD)
        token = a_file(tmp_path, "token", TOKEN)
        shown_to_prometheus = (
            {"PROMETHEUS_TOKEN_FILE": token}
            if style == "json"
            else {"PROMETHEUS_USERNAME": "reader", "PROMETHEUS_PASSWORD_FILE": password}
        )
        # Half of them a run: each is tried again for minutes.
        names = sorted(URLS)[style == "json" :: 2]
        listen = f"127.0.0.1:{_a_port()}"
        given = settings | shown_to_prometheus | {"LOG_FORMAT": style, "LISTEN": listen}
        given["RULES"] = a_file(tmp_path, "rules.toml", rules(names))
        url = f"http://{listen}"
        # The channels of the internet are reached through a proxy, which is the echo too; the cluster is not.
        process = await spawn("run", folder=tmp_path, proxy=echo.url, **given)
        stderr = asyncio.create_task(process.stderr.read())  # type: ignore[union-attr]
        try:
            async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {WEB}"}) as client:

                async def tried() -> bool:
                    try:
                        metrics = (await client.get("/metrics")).text
                    except httpx.HTTPError:
                        return False
                    failed = re.findall(r'watchdog_notifications_total{channel="(\w+)",result="failed"}', metrics)
                    if re.search(r'watchdog_switches_total{kind="rollout"} 0', metrics):
                        cluster.deploy(NAMESPACE, "research", "research:v2", cause=f"by {style}")
                    return len(set(failed)) >= len(names) - 1

                await soon(tried, within=90.0)
                shown = [
                    (await client.get(path)).text
                    for path in ("/readyz", "/metrics", "/api/watches", "/nothing", f"/api/watches/{WEB}")
                ]
                refused = await client.get("/api/watches", headers={"Authorization": f"Bearer {WEB}x"})
                shown.append(refused.text + str(refused.headers))
        finally:
            process.terminate()
            log = (await stderr).decode()
            await process.wait()
        records = json.dumps([cluster.list(kind, OWN) for kind in ("configmaps",)])
        events = json.dumps(cluster.list("events", NAMESPACE))

    assert b"CNRY" in echo.heard, "the echo was shown no secret: the test proves nothing"
    assert "Traceback" not in log
    assert len(log.splitlines()) > 20
    for where, text in (("the log", log), ("HTTP", "".join(shown)), ("records", records), ("events", events)):
        nothing_shown(where, text)


def _a_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_no_verb_shows_a_secret_when_what_it_asks_refuses_it(tmp_path: Path) -> None:
    async with a_hostile_town(tmp_path) as (cluster, echo, settings):
        settings["RULES"] = a_file(tmp_path, "all.toml", rules(list(URLS), pagerduty=True))
        token = {"PROMETHEUS_TOKEN_FILE": a_file(tmp_path, "token", TOKEN)}
        user = {"PROMETHEUS_USERNAME": "reader", "PROMETHEUS_PASSWORD_FILE": a_file(tmp_path, "password", PASSWORD)}
        stranger = {"KUBECONFIG": str(cluster.kubeconfig(tmp_path / "stranger", canary("stranger")))}
        hostile = cluster.kubeconfig(tmp_path / "hostile", KUBE)
        a_file(tmp_path, "hostile", (await asyncio.to_thread(hostile.read_text)).replace(cluster.url, echo.url))
        verbs = (
            ("check",), ("check", "--live"), ("check", "--live", "-o", "json"), ("check", "--live", "-o", "sarif"),
            ("status",), ("history", "-o", "json"), ("explain", "nothing"), ("init", "--stdout"), ("init",),
            ("rollback", f"{NAMESPACE}/deployment/research", "--reason", "x", "--yes"), ("pause", "--reason", "x"),
            ("dry-run", "--once"),
        )  # fmt: skip
        for more in (token, user, token | stranger, token | {"KUBECONFIG": str(hostile)}):
            for words in verbs:
                done = await call_beside(*words, **(settings | more))
                assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
                nothing_shown(f"watchdog {' '.join(words)} {sorted(more)}", done.output)
        assert TOKEN.encode() in echo.heard
        assert KUBE.encode() in echo.heard


BROKEN_KUBECONFIG = f"""
apiVersion: v1
users:
- name: me
  user:
    token: {KUBE}
    token: "{KUBE}
"""


def test_wrong_settings_and_files_are_named_without_what_is_in_them(tmp_path: Path) -> None:
    rules_file = a_file(tmp_path, "rules.toml", rules(["slack"]))
    given = secrets() | {"RULES": rules_file, "PROMETHEUS_URL": "http://127.0.0.1:1"}
    wrongs: list[dict[str, str]] = [
        {"PROMETHEUS_URL": f"http://reader:{PASSWORD}@prometheus:9090"},
        {"PUBLIC_URL": f"https://reader:{PASSWORD}@watchdog"},
        {"KUBECONFIG": a_file(tmp_path, "broken", BROKEN_KUBECONFIG)},
        {"KUBECONFIG": a_file(tmp_path, "shape", json.dumps({"users": [{"name": 1, "user": {"token": KUBE}}]}))},
        {"KUBECONFIG": a_file(tmp_path, "text", KUBE)},
        {"PROMETHEUS_CERT_FILE": a_file(tmp_path, "cert", KEY), "PROMETHEUS_KEY_FILE": a_file(tmp_path, "key", KEY)},
        {"TLS_CERT_FILE": a_file(tmp_path, "cert", KEY), "TLS_KEY_FILE": a_file(tmp_path, "key", KEY)},
    ]
    urls = (f"gopher://{KEY}", f"slack://{KEY}", f"file:///{KEY}", f"json://[{KEY}")
    wrongs += [{"SECRET_SLACK_URL": url} for url in urls]
    for wrong in wrongs:
        for words in (("run",), ("check", "--live"), ("status",)):
            done = call(*words, **(given | wrong))
            assert done.exception is None or isinstance(done.exception, SystemExit), (words, wrong, done.exception)
            nothing_shown(f"watchdog {words[0]} with {sorted(wrong)}", done.output)


def test_a_crash_of_ours_is_one_line_of_the_log_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def crash(*_: Any) -> None:
        raise RuntimeError(WEB) from ValueError(TOKEN)

    monkeypatch.setattr("watchdog.app.Watchdog.run", crash)
    given = secrets() | {
        "RULES": a_file(tmp_path, "rules.toml", rules(["slack"])),
        "PROMETHEUS_URL": "http://127.0.0.1:1",
        "PROMETHEUS_TOKEN_FILE": a_file(tmp_path, "token", TOKEN),
        "WEB_TOKEN_FILE": a_file(tmp_path, "web", WEB),
    }
    done = call("run", **given)
    said = done.output + capfd.readouterr().err
    assert done.exit_code == 1
    nothing_shown("the log", said)
    (line,) = [json.loads(line) for line in said.splitlines() if '"crashed"' in line]
    assert "RuntimeError: [secret]" in line["traceback"]
