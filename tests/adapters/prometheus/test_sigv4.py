"""Signatures against the vectors that AWS publishes (aws-sig-v4-test-suite), and where the keys come from."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from serving import listening
from watchdog.adapters.prometheus.aws_keys import AwsKeys, Keys
from watchdog.adapters.prometheus.shown import Asked
from watchdog.adapters.prometheus.sigv4 import Signing, signed
from watchdog.adapters.secrets import SecretMissing

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
HOST = "https://example.amazonaws.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "path", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case"],
)
def test_a_request_is_signed_as_aws_publishes_it(method: str, path: str, signature: str) -> None:
    shown = signed(Asked(method, HOST + path, {}, b""), KEYS, "us-east-1", "service", AT)
    assert shown == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}",
    }


def test_a_form_is_part_of_what_is_signed() -> None:
    asked = Asked("POST", f"{HOST}/", FORM, b"Param1=value1")
    shown = signed(asked, KEYS, "us-east-1", "service", AT, also=("content-type",))
    assert shown["Authorization"].endswith(
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    )


def test_a_port_of_its_own_is_part_of_the_host_and_a_usual_one_is_not() -> None:
    def of(host: str) -> str:
        return signed(Asked("GET", host, {}, b""), KEYS, "us-east-1", "aps", AT)["Authorization"]

    assert of("https://h.example/") == of("https://h.example:443/") == of("https://u:p@h.example")
    assert of("https://h.example:8443/") != of("https://h.example/")


async def found(environ: Mapping[str, str]) -> Keys:
    return await AwsKeys("eu-west-1", environ, AT.timestamp).current()


async def test_keys_of_the_environment_are_used_as_they_are() -> None:
    given = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "shh", "AWS_SESSION_TOKEN": "session"}
    assert await found(given) == Keys("AKID", "shh", "session")
    assert "shh" not in repr(Keys("AKID", "shh", "session"))


async def test_a_signature_with_a_session_shows_the_session_and_covers_it() -> None:
    given = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret1", "AWS_SESSION_TOKEN": "session"}
    signing = Signing("eu-west-1", "aps", given, AT.timestamp)
    await signing.renew()
    shown = signing.headers(Asked("POST", f"{HOST}/api/v1/query", FORM, b"query=up"))
    assert shown["X-Amz-Security-Token"] == "session"
    assert "/eu-west-1/aps/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token," in shown["Authorization"]
    assert signing.secrets() == ("secret1", "session")


async def test_without_keys_it_says_what_would_give_some() -> None:
    with pytest.raises(SecretMissing, match=r"AWS_ACCESS_KEY_ID.*AWS_ROLE_ARN"):
        await found({})


class Server:
    """The security token service, or the agent on a node: gives keys that end an hour after `AT`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.method, form, request.headers.get("Authorization", "")))
        given = {"AccessKeyId": f"ASIA{len(self.asked)}", "SecretAccessKey": "s"}
        if request.method == "POST":
            given |= {"SessionToken": "t", "Expiration": AT.timestamp() + 3600}  # type: ignore[dict-item]
            inside = {"AssumeRoleWithWebIdentityResult": {"Credentials": given}}
            return web.json_response({"AssumeRoleWithWebIdentityResponse": inside}, status=self.status)
        given |= {"Token": "t", "Expiration": "2015-08-30T13:36:00Z"}
        return web.json_response(given, status=self.status)


async def told(server: Server, environ: dict[str, str], moments: list[float]) -> list[str]:
    """Whose keys it has at these moments, in seconds after `AT`."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    async with listening(application) as port:
        url = f"http://127.0.0.1:{port}/"
        late = [0.0]
        keys = AwsKeys(
            "eu-west-1", {name: value or url for name, value in environ.items()}, lambda: AT.timestamp() + late[0]
        )
        ids = []
        for late[0] in moments:
            try:
                ids.append((await keys.current()).id)
            except SecretMissing as error:
                ids.append(str(error))
        return ids


async def test_a_service_accounts_role_is_assumed_with_its_token_and_anew_before_the_keys_end(tmp_path: Path) -> None:
    token = tmp_path / "token"
    await asyncio.to_thread(token.write_text, "jwt\n")
    server = Server()
    role = {"AWS_ROLE_ARN": "arn:r", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ENDPOINT_URL_STS": ""}
    assert await told(server, role, [0, 3000, 3400]) == ["ASIA1", "ASIA1", "ASIA2"]
    method, form, _ = server.asked[0]
    assert (method, form["Action"], form["RoleArn"], form["WebIdentityToken"]) == (
        "POST",
        "AssumeRoleWithWebIdentity",
        "arn:r",
        "jwt",
    )


async def test_an_agent_on_the_node_gives_the_pods_keys(tmp_path: Path) -> None:
    token = tmp_path / "token"
    await asyncio.to_thread(token.write_text, "pod-token\n")
    server = Server()
    agent = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}
    assert await told(server, agent, [0]) == ["ASIA1"]
    assert server.asked == [("GET", {}, "pod-token")]


async def test_who_refuses_keys_is_named_and_what_was_sent_is_not() -> None:
    server = Server()
    server.status = 403
    assert await told(server, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": ""}, [0]) == [
        "127.0.0.1 gives no AWS keys: HTTP 403"
    ]
