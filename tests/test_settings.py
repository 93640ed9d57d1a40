"""The environment, as settings."""

import os
from pathlib import Path

import pytest

from watchdog.settings import Environment, Listen, SettingsError, load, own_namespace, unknown_variables, variable

# DESIGN section 8, in its order.
NAMES = [
    "RULES", "PROMETHEUS_URL", "PROMETHEUS_TOKEN_FILE", "PROMETHEUS_CA_FILE", "KUBECONFIG", "CONTEXT",
    "PROMETHEUS_PUBLIC_URL", "NAMESPACE", "LISTEN", "LOG_LEVEL", "LOG_FORMAT", "DRY_RUN", "PUBLIC_URL", "RECORDS_KEPT",
    "SECRETS_DIR", "PROMETHEUS_CERT_FILE", "PROMETHEUS_KEY_FILE", "PROMETHEUS_USERNAME", "PROMETHEUS_PASSWORD_FILE",
    "TLS_CERT_FILE", "TLS_KEY_FILE", "WEB_TOKEN_FILE", "SHARDS",
    "PROMETHEUS_HEADERS_DIR", "PROMETHEUS_TOKEN_COMMAND", "PROMETHEUS_SIGV4_REGION", "COMMANDS_DIR",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("WATCHDOG_"):
            monkeypatch.delenv(name)


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[str, ...]:
    for name, value in variables.items():
        monkeypatch.setenv(f"WATCHDOG_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.problems


def test_the_names_are_exactly_those_that_others_rely_on() -> None:
    assert {variable(name) for name in Environment.model_fields} == {f"WATCHDOG_{name}" for name in NAMES}


def test_each_setting_says_what_would_be_right() -> None:
    assert all(field.description for field in Environment.model_fields.values())


def test_nothing_need_be_set() -> None:
    settings = load()
    assert (settings.rules, settings.listen, settings.records_kept) == (
        Path("rules.toml"),
        Listen("0.0.0.0", 8080),
        200,
    )
    assert (settings.log_level, settings.log_format, settings.dry_run) == ("info", "json", False)
    assert (settings.prometheus_url, settings.kubeconfig, settings.context, settings.secrets_dir) == (None,) * 4


def test_what_is_nothing_without_the_other_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert problems(
        monkeypatch, PROMETHEUS_CERT_FILE=str(file), PROMETHEUS_PASSWORD_FILE=str(file), TLS_KEY_FILE=str(file)
    ) == (
        "WATCHDOG_PROMETHEUS_KEY_FILE is not set, and WATCHDOG_PROMETHEUS_CERT_FILE is nothing without it; "
        "write the path of a file of its private key (PEM)",
        "WATCHDOG_PROMETHEUS_USERNAME is not set, and WATCHDOG_PROMETHEUS_PASSWORD_FILE is nothing without it; "
        "write the name of a user, for basic authentication",
        "WATCHDOG_TLS_CERT_FILE is not set, and WATCHDOG_TLS_KEY_FILE is nothing without it; "
        "write the path of a file of the certificate and its chain to serve HTTPS with (PEM)",
    )


def test_a_token_and_a_user_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    (line,) = problems(
        monkeypatch, PROMETHEUS_TOKEN_FILE=str(file), PROMETHEUS_USERNAME="me", PROMETHEUS_PASSWORD_FILE=str(file)
    )
    assert line.startswith("WATCHDOG_PROMETHEUS_TOKEN_FILE and WATCHDOG_PROMETHEUS_USERNAME are both set")


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    given = {
        "RULES": "/etc/rules.toml", "PROMETHEUS_URL": "http://prometheus:9090/base/",
        "PROMETHEUS_TOKEN_FILE": str(file), "PROMETHEUS_CA_FILE": str(file),
        "KUBECONFIG": str(file), "CONTEXT": "staging",
        "PROMETHEUS_PUBLIC_URL": "https://prom.example.com", "NAMESPACE": "ops", "LISTEN": "[::]:9000",
        "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "Console", "DRY_RUN": "yes", "PUBLIC_URL": "https://watchdog.example.com",
        "RECORDS_KEPT": "50", "SECRETS_DIR": str(tmp_path), "COMMANDS_DIR": str(tmp_path),
        "PROMETHEUS_HEADERS_DIR": str(tmp_path),
        "PROMETHEUS_CERT_FILE": str(file), "PROMETHEUS_KEY_FILE": str(file), "TLS_CERT_FILE": str(file),
        "TLS_KEY_FILE": str(file), "WEB_TOKEN_FILE": str(file), "SHARDS": "3",
    }  # fmt: skip
    # Of these and a token only one can be.
    others = ("PROMETHEUS_USERNAME", "PROMETHEUS_PASSWORD_FILE", "PROMETHEUS_TOKEN_COMMAND", "PROMETHEUS_SIGV4_REGION")
    assert sorted({*given, *others}) == sorted(NAMES)
    for name, value in given.items():
        monkeypatch.setenv(f"WATCHDOG_{name}", value)
    settings = load()
    assert {name: getattr(settings, name) for name in Environment.model_fields} == {
        "rules": Path("/etc/rules.toml"), "prometheus_url": "http://prometheus:9090/base",
        "prometheus_token_file": file, "prometheus_ca_file": file, "kubeconfig": file, "context": "staging",
        "prometheus_public_url": "https://prom.example.com", "namespace": "ops", "listen": Listen("::", 9000),
        "log_level": "debug", "log_format": "console", "dry_run": True, "public_url": "https://watchdog.example.com",
        "records_kept": 50, "secrets_dir": tmp_path, "prometheus_cert_file": file, "prometheus_key_file": file,
        "prometheus_username": None, "prometheus_password_file": None, "tls_cert_file": file, "tls_key_file": file,
        "web_token_file": file, "shards": 3, "commands_dir": tmp_path, "prometheus_headers_dir": tmp_path,
        "prometheus_token_command": None, "prometheus_sigv4_region": None,
    }  # fmt: skip


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(f"WATCHDOG_{name}", "")
    assert load().listen == Listen("0.0.0.0", 8080)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("LISTEN", "8080", " (it is not HOST:PORT)"),
        ("LISTEN", "[nonsense]:1", ""),
        ("LISTEN", "a_b:1", " (its host is none)"),
        ("LISTEN", "h:65536", " (its port is too large)"),
        ("LOG_LEVEL", "loud", ""),
        ("LOG_FORMAT", "xml", ""),
        ("DRY_RUN", "perhaps", ""),
        ("RECORDS_KEPT", "0", ""),
        ("RECORDS_KEPT", "many", ""),
        ("SHARDS", "0", ""),
        ("SHARDS", "33", ""),
        ("SHARDS", "2.5", ""),
        ("SHARDS", "two", ""),
        ("SECRETS_DIR", "/no/where", " (there is no such directory)"),
        ("KUBECONFIG", "/no/where", " (there is no such file)"),
        ("NAMESPACE", "Ops", " (it is no name of a namespace)"),
        ("PROMETHEUS_URL", "prometheus:9090", " (it is no http(s) URL of a server)"),
        ("PROMETHEUS_URL", "http://h:99999", ""),
    ],
)
def test_a_wrong_value_is_one_line_with_what_would_be_right(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Environment.model_fields[name.lower()].description
    assert problems(monkeypatch, **{name: value}) == (f"WATCHDOG_{name}: {value!r} is wrong{why}; write {right}",)


def test_a_line_reads_like_this(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, LOG_LEVEL="loud", PUBLIC_URL="x" * 100) == (
        "WATCHDOG_LOG_LEVEL: 'loud' is wrong; write debug, info, warning or error",
        f"WATCHDOG_PUBLIC_URL: '{'x' * 80}…' is wrong (it is no http(s) URL of a server); "
        "write the URL at which people reach the watchdog, like https://watchdog.example.com",
    )


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, LISTEN="x", LOG_LEVEL="x", RECORDS_KEPT="x")
    assert [line.partition(":")[0] for line in found] == [
        "WATCHDOG_LISTEN",
        "WATCHDOG_LOG_LEVEL",
        "WATCHDOG_RECORDS_KEPT",
    ]


def test_a_password_in_a_url_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS_URL", "PROMETHEUS_PUBLIC_URL", "PUBLIC_URL"):
        (line,) = problems(monkeypatch, **{name: "http://me:CANARY@prometheus:9090"})
        monkeypatch.delenv(f"WATCHDOG_{name}")
        assert line.startswith(f"WATCHDOG_{name}: its value is wrong (it holds a user or password")
        assert "CANARY" not in line


def test_an_unknown_variable_is_named_with_the_nearest_known_one() -> None:
    assert unknown_variables({"WATCHDOG_PROMETHEUS_ULR": "x", "WATCHDOG_LOGLEVEL": "x", "PATH": "x"}) == (
        "WATCHDOG_LOGLEVEL is not a setting; did you mean WATCHDOG_LOG_LEVEL?",
        "WATCHDOG_PROMETHEUS_ULR is not a setting; did you mean WATCHDOG_PROMETHEUS_URL?",
    )
    (line,) = unknown_variables({"WATCHDOG_XYZZY": "x"})
    assert line.startswith("WATCHDOG_XYZZY is not a setting; there are WATCHDOG_RULES, ")


def test_secrets_tests_and_what_kubernetes_sets_for_a_service_are_no_mistakes() -> None:
    environ = dict.fromkeys(
        [
            *(variable(name) for name in Environment.model_fields),
            "WATCHDOG_SECRET_SLACK_URL",
            "WATCHDOG_E2E_KUBECONFIG",
            "WATCHDOG_SERVICE_HOST",
            "WATCHDOG_SERVICE_PORT",
            "WATCHDOG_SERVICE_PORT_HTTP",
            "WATCHDOG_PORT",
            "WATCHDOG_PORT_8080_TCP",
            "WATCHDOG_PORT_8080_TCP_ADDR",
            "WATCHDOG_METRICS_SERVICE_HOST",
        ],
        "x",
    )
    assert unknown_variables(environ) == ()


def test_its_own_namespace_is_that_of_its_pod(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    assert own_namespace(file) == "watchdog"
    file.write_text("ops\n")
    assert own_namespace(file) == "ops"


def test_an_address_is_written_as_it_is_read() -> None:
    for text in ("0.0.0.0:8080", "[::]:0", "localhost:1"):
        assert str(Listen.parse(text)) == text
