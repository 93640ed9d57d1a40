"""What a Prometheus is shown beside a token: headers of rules.toml and of files, rotated while they are used."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from serving import listening
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.adapters.prometheus.shown import Asked, HeaderFiles, Resolved, Shown
from watchdog.adapters.prometheus.shown import Together as All
from watchdog.adapters.secrets import SecretMissing, SecretReader
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed
from watchdog.domain.sources import SigV4, Source
from watchdog.ports import OutOfReach
from watchdog.replay.replaying import At
from watchdog.rulebook import read_rules
from watchdog.settings import load
from watchdog.simulator.clock import run_simulated
from watchdog.sources import Access, nobody_to_ask, tenant_of

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ASKED = Asked("GET", "https://prometheus/", {}, b"")
EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
Story = Callable[[LivePrometheus, list[Mapping[str, str]]], Awaitable[None]]


def told(shown: Shown, story: Story, status: int = 200) -> None:
    """The story has a Prometheus that is shown this, and the headers that came there."""
    seen: list[Mapping[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        said = f"I was shown {dict(request.headers)}"
        body = EMPTY if status == 200 else {"status": "error", "errorType": "x", "error": said}
        return web.json_response(body, status=status)

    async def main() -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        async with listening(application) as port:
            live = LivePrometheus(f"http://127.0.0.1:{port}", shown=shown)
            try:
                await story(live, seen)
            finally:
                await live.close()

    run_simulated(main())


def access(tmp_path: Path, **settings: object) -> Access:
    return Access(load(**settings), SecretReader(tmp_path, {}), At(AT))


def shown_of(source: Source, there: Access) -> Shown:
    return there.reached(source.name, {source.name: source})[1]


def test_a_tenant_and_a_token_of_rules_toml_are_shown_and_rotated_with_the_next_question(tmp_path: Path) -> None:
    (tmp_path / "TENANT").write_text("shop\n")
    (tmp_path / "TOKEN").write_text("first-token\n")
    headers = {"X-Scope-OrgID": "{{ secret.TENANT }}|eu", "X-Plain": "yes"}
    source = Source("mimir", "http://mimir", headers=headers, token="{{ secret.TOKEN }}")

    async def story(live: LivePrometheus, seen: list[Mapping[str, str]]) -> None:
        assert isinstance(await live.query("up", AT, deadline=5), Answer)
        (tmp_path / "TENANT").write_text("market")
        (tmp_path / "TOKEN").write_text("second-token")
        assert isinstance(await live.query("up", AT, deadline=5), Answer)
        assert [(one["X-Scope-OrgID"], one["Authorization"], one["X-Plain"]) for one in seen] == [
            ("shop|eu", "Bearer first-token", "yes"),
            ("market|eu", "Bearer second-token", "yes"),
        ]

    told(shown_of(source, access(tmp_path)), story)


def test_a_user_of_rules_toml_is_shown_with_the_password(tmp_path: Path) -> None:
    (tmp_path / "KEY").write_text("glc_secret")
    source = Source("cloud", "http://cloud", username="1234", password="{{ secret.KEY }}")

    async def story(live: LivePrometheus, seen: list[Mapping[str, str]]) -> None:
        await live.query("up", AT, deadline=5)
        assert seen[0]["Authorization"] == "Basic MTIzNDpnbGNfc2VjcmV0"

    told(shown_of(source, access(tmp_path)), story)


def test_headers_of_a_mounted_directory_are_shown_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "X-Scope-OrgID").write_text("shop\n")

    async def story(live: LivePrometheus, seen: list[Mapping[str, str]]) -> None:
        await live.query("up", AT, deadline=5)
        (tmp_path / "X-Scope-OrgID").write_text("market\n")
        (tmp_path / "X-More").write_text("1")
        await live.query("up", AT, deadline=5)
        assert [(one["X-Scope-OrgID"], one.get("X-More")) for one in seen] == [("shop", None), ("market", "1")]

    told(HeaderFiles(tmp_path), story)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("X-Tenant", "two\nlines", "the header X-Tenant is unusable"),
        ("X-Tenant", "", "the header X-Tenant is unusable"),
        ("X Tenant", "shop", "'X Tenant' in .* is no name of a header"),
    ],
)
def test_a_file_that_is_no_header_is_named_and_nothing_is_asked(tmp_path: Path, name: str, text: str, why: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SecretMissing, match=why):
        HeaderFiles(tmp_path).headers(ASKED)


def test_a_secret_that_is_missing_fails_the_question_and_says_which(tmp_path: Path) -> None:
    source = Source("mimir", "http://mimir", token="{{ secret.NOT_THERE }}")

    async def story(live: LivePrometheus, seen: list[Mapping[str, str]]) -> None:
        failed = await live.query("up", AT, deadline=5)
        assert isinstance(failed, QueryFailed)
        assert failed.reason is FailureReason.UNREACHABLE
        assert "the secret NOT_THERE is missing" in failed.detail
        assert seen == []

    told(shown_of(source, access(tmp_path)), story)


def test_what_was_shown_is_hidden_where_the_server_repeats_it(tmp_path: Path) -> None:
    (tmp_path / "TENANT").write_text("tenant-of-shop")
    source = Source("mimir", "http://mimir", headers={"X-Scope-OrgID": "{{ secret.TENANT }}"})

    async def story(live: LivePrometheus, seen: list[Mapping[str, str]]) -> None:
        failed = await live.query("up", AT, deadline=5)
        assert isinstance(failed, QueryFailed)
        assert "tenant-of-shop" not in failed.detail
        assert "[secret]" in failed.detail

    told(shown_of(source, access(tmp_path)), story, status=401)


def test_a_later_part_sees_what_the_earlier_ones_show() -> None:
    class Signs(Resolved):
        def headers(self, asked: Asked) -> Mapping[str, str]:
            return {"Signed": ",".join(sorted(asked.headers))}

    both = All([Resolved({"A": "1"}, str), Signs({}, str)])
    assert both.headers(Asked("GET", "https://p/", {"Host": "p"}, b"")) == {"A": "1", "Signed": "A,Host"}


def test_two_tenants_of_one_server_have_different_pasts_and_a_new_token_has_the_same(tmp_path: Path) -> None:
    def of(tenant: str, token: str) -> str:
        (tmp_path / "T").write_text(token)
        source = Source("m", "http://m", headers={"X-Scope-OrgID": tenant}, token="{{ secret.T }}")
        return tenant_of(shown_of(source, access(tmp_path)))

    assert of("shop", "a") == of("shop", "b") != of("market", "a")
    assert tenant_of(shown_of(Source("m", "http://m"), access(tmp_path))) == ""


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "WATCHDOG_COMMANDS_DIR is not set"),
        ({"commands_dir": True}, "there is no program .*/gcloud-token"),
    ],
)
def test_a_program_is_only_taken_from_the_operators_directory(
    tmp_path: Path, settings: dict[str, bool], why: str
) -> None:
    there = access(tmp_path, **dict.fromkeys(settings, tmp_path))
    with pytest.raises(OutOfReach, match=why):
        shown_of(Source("g", "http://g", token_command="gcloud-token"), there)


def test_what_is_signed_for_aws_covers_the_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")

    async def story(live: LivePrometheus, seen: list[Mapping[str, str]]) -> None:
        for query in ("up", "down"):
            await live.query(query, AT, deadline=5)
        one, other = (each["Authorization"] for each in seen)
        assert one.startswith("AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-west-1/aps/aws4_request")
        assert one != other

    told(shown_of(Source("amp", "http://amp", sigv4=SigV4("eu-west-1")), access(tmp_path)), story)


def test_a_guard_without_a_source_needs_one_of_the_settings() -> None:
    rulebook = read_rules(
        'version = 1\n[guards.g]\ntargets = ["p/deployment/a"]\nrules = ["r"]\n[rules.r]\nsigns = ["crash-loop"]\n'
    )
    assert nobody_to_ask(rulebook, load()).startswith("WATCHDOG_PROMETHEUS_URL is not set")
    assert nobody_to_ask(rulebook, load(prometheus_url="http://p")) == ""
