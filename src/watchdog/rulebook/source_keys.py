"""`[sources.NAME]`: a Prometheus that guards may choose, and what it is shown."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from watchdog.domain.sources import SigV4, Source
from watchdog.rulebook import channel_urls, names
from watchdog.rulebook.mistakes import Fault, shown
from watchdog.rulebook.shapes import MapOf, Text
from watchdog.rulebook.tables import Fields, Key, Section, TableOf

_HEADER_PATTERN = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
_REGION_PATTERN = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"
_PROGRAM_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$"
# What HTTP itself, or another key, has to say.
_TAKEN = {
    **dict.fromkeys(("authorization", "proxy-authorization"), "write token, token_command or username and password"),
    **dict.fromkeys(
        ("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "cookie"),
        "remove it; what the watchdog asks needs it as it is",
    ),
}


def _parse_server(text: str) -> str:
    """The address of a server that speaks Prometheus's API; raises Fault."""
    form = "write it like http://mimir-query-frontend.monitoring:8080/prometheus, without user, query and placeholders"
    try:
        url = urlsplit(text)
        bad = url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username
        _ = url.port
    except ValueError:
        bad = True
    if bad or not text.isprintable() or " " in text:
        raise Fault(0, f"{shown(text) if '@' not in text else 'this'} is no address of a Prometheus", form)
    return text.rstrip("/")


def _parse_header_name(text: str) -> str:
    if not re.fullmatch(_HEADER_PATTERN, text):
        raise Fault(0, f"{shown(text)} is no name of a header", 'write it like "X-Scope-OrgID"')
    remedy = _TAKEN.get(text.lower())
    if remedy is not None:
        raise Fault(0, f"{text} is no header to write here", remedy)
    return text


def _parse_header(text: str) -> str:
    channel_urls.check_placeholders(text)
    if not text.isprintable() or not text.isascii() or text != text.strip() or not text:
        raise Fault(0, "a header is one line of ASCII", 'write it like "shop" or "{{ secret.TENANT }}"')
    return text


URL: Key[str | None] = Key(
    "url",
    Text("address", '"http://mimir-query-frontend.monitoring:8080/prometheus"', _parse_server),
    "Where it is, without `/api/v1`.",
    None,
    "needed",
    required=True,
)
PUBLIC_URL: Key[str | None] = Key(
    "public_url",
    Text("web address", '"https://prometheus.example.org"', channel_urls.parse_web_page),
    "Where people reach it: for the links to its graphs.",
    None,
)
HEADERS: Key[Mapping[str, str]] = Key(
    "headers",
    MapOf(
        "table of texts",
        '{ X-Scope-OrgID = "shop" }',
        Text("header", '"shop"', _parse_header, templates=True),
        _parse_header_name,
        _HEADER_PATTERN,
    ),
    "Headers of each request, like the tenant of Mimir, Cortex or Loki's kin; secrets are named.",
    {},
)
TOKEN: Key[str | None] = Key("token", channel_urls.secret("token", "MIMIR_TOKEN"), "A bearer token, as a secret.", None)
TOKEN_COMMAND: Key[str | None] = Key(
    "token_command",
    Text(
        "program",
        '"gcloud-token"',
        names.matching(_PROGRAM_PATTERN, "name of a program", "write its name alone: no path, no arguments"),
        _PROGRAM_PATTERN,
    ),
    "A program in `WATCHDOG_COMMANDS_DIR` that prints a bearer token.",
    None,
)
USERNAME: Key[str | None] = Key(
    "username",
    Text("text", '"123456"', names.matching(r"^[^:\x00-\x1f\x7f]{1,200}$", "user", "write it without a colon")),
    "A user, for basic authentication.",
    None,
    "none; with `password`",
)
PASSWORD: Key[str | None] = Key(
    "password", channel_urls.secret("password", "GRAFANA_CLOUD_KEY"), "The user's password, as a secret.", None
)
REGION: Key[str | None] = Key(
    "region",
    Text(
        "region",
        '"eu-west-1"',
        names.matching(_REGION_PATTERN, "region of AWS", 'write it like "eu-west-1"'),
        _REGION_PATTERN,
    ),
    "The region in which the workspace is.",
    None,
    "needed",
    required=True,
)
SERVICE: Key[str] = Key(
    "service",
    Text("service", '"aps"', names.matching(r"^[a-z0-9-]{1,40}$", "service of AWS", 'write "aps"')),
    "The service that is signed for.",
    "aps",
    '`"aps"`',
)
SIGV4 = Section("sigv4", "table", (REGION, SERVICE))
SIGV4_KEY: Key[Fields | None] = Key(
    "sigv4",
    TableOf(SIGV4, '{ region = "eu-west-1" }'),
    "Requests are signed for AWS (Amazon Managed Service for Prometheus).",
    None,
)
_SHOWN = (TOKEN, TOKEN_COMMAND, USERNAME, SIGV4_KEY)
SOURCE = Section(
    "[sources.NAME]", "source", (URL, PUBLIC_URL, HEADERS, TOKEN, TOKEN_COMMAND, USERNAME, PASSWORD, SIGV4_KEY)
)


def read_source(name: str, fields: Fields) -> Source:
    """The source of a table; notes what is wrong with it."""
    written = sorted((key for key in _SHOWN if fields.has(key)), key=fields.key_at)
    if len(written) > 1:
        both = f"the source has both {written[0].name} and {written[1].name}"
        fields.mistakes.add(fields.key_at(written[1]), both, "keep the one that it asks for")
    for one, other in ((USERNAME, PASSWORD), (PASSWORD, USERNAME)):
        if fields.has(one) and not fields.has(other):
            message = f"the source has {one.name} and no {other.name}"
            fields.mistakes.add(fields.key_at(one), message, f"add {other.name} = {other.shape.example}")
    sigv4 = fields.get(SIGV4_KEY)
    region = sigv4.get(REGION) if sigv4 is not None else None
    return Source(
        name,
        fields.get(URL) or "",
        fields.get(PUBLIC_URL),
        fields.get(HEADERS),
        fields.get(TOKEN),
        fields.get(TOKEN_COMMAND),
        fields.get(USERNAME),
        fields.get(PASSWORD),
        SigV4(region, sigv4.get(SERVICE)) if sigv4 is not None and region is not None else None,
    )
