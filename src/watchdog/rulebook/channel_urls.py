"""Where people are told: allowed URLs, and secrets that are named and never written out."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from watchdog.rulebook.mistakes import Fault, nearest, shown
from watchdog.rulebook.shapes import Text

# Apprise knows more schemes, among them some that run programs or write files; a rules file reaches these alone.
_WITH_HOST = frozenset(
    {
        *("mmost", "mmosts", "rocket", "rockets", "zulip", "matrix", "matrixs", "signal", "signals", "ntfy", "ntfys"),
        *(
            "gotify",
            "gotifys",
            "mailto",
            "mailtos",
            "goalert",
            "goalerts",
            "json",
            "jsons",
            "xml",
            "xmls",
            "form",
            "forms",
        ),
        *("apprise", "apprises", "workflows"),
    }
)
# In these, what stands in the place of the host is a token or an account.
_WITHOUT_HOST = frozenset(
    {
        "slack",
        "discord",
        "webex",
        "gchat",
        "tgram",
        "pover",
        "opsgenie",
        "splunk",
        "squadcast",
        "incidentio",
        "sns",
        "twilio",
    }
)
_TOKENS = _WITHOUT_HOST | {"https", "workflows"}  # whose URLs are secrets as a whole
SCHEMES = tuple(sorted(_WITH_HOST | _WITHOUT_HOST))
# Webhook addresses that Apprise takes as their services hand them out.
NATIVE_HOSTS = ("hooks.slack.com", "discord.com", "discordapp.com", "chat.googleapis.com", "logic.azure.com")
REFERENCE_PATTERN = r"^\{\{ *secret\.[A-Za-z_][A-Za-z0-9_]* *\}\}$"
_PLACEHOLDER = re.compile(r"\{\{(?P<inside>[^{}]*)\}\}")
_SECRET = re.compile(r"secret\.[A-Za-z_][A-Za-z0-9_]*")
_ALNUM_TOKEN = re.compile(r"(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{16,}|[0-9]{17,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WEB_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][!-~]*)?")
_NO_SECRETS = "secrets never stand in rules.toml; write {{ secret.NAME }} in its place"


def secret_named(what: str, example: str) -> Callable[[str], str]:
    """A parser of a text that is a secret's name and nothing else; raises Fault."""

    def parse(text: str) -> str:
        check_placeholders(text)
        if not re.fullmatch(REFERENCE_PATTERN, text):
            raise Fault(
                0,
                f"the {what} is written out",
                f'secrets never stand in rules.toml; write "{{{{ secret.{example} }}}}"',
            )
        return text

    return parse


def secret(what: str, example: str) -> Text[str]:
    """The shape of a value that is a secret's name and nothing else."""
    return Text(
        "secret", f'"{{{{ secret.{example} }}}}"', secret_named(what, example), REFERENCE_PATTERN, templates=True
    )


def parse_web_address(text: str) -> str:
    """Where a channel of HTTP leads, its secrets named; raises Fault."""
    check_placeholders(text)
    if re.fullmatch(REFERENCE_PATTERN, text):
        return text
    masked = _PLACEHOLDER.sub(lambda match: "-" * len(match[0]), text)
    if not _WEB_ADDRESS.fullmatch(masked):
        remedy = "write http://HOST:PORT/PATH or https://HOST/PATH, without user, or name it as a secret"
        raise Fault(0, f"{shown(_without_secrets(text))} is no web address", remedy)
    _check_secrets(text, masked.partition(":")[0])
    return text


def parse_web_page(text: str) -> str:
    """A page that people open; raises Fault."""
    if not _WEB_ADDRESS.fullmatch(text):
        raise Fault(0, f"{shown(text)} is no web address", 'write it like "https://wiki.example.org/releases"')
    return text


def parse_uid(text: str) -> str:
    """A dashboard's UID, as it stands in its address; raises Fault."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text):
        raise Fault(0, f"{shown(text)} is no UID of a dashboard", "take what follows /d/ in its address")
    return text


def parse_source(text: str) -> str:
    """A URI reference, as CloudEvents asks for; raises Fault."""
    if not re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,255}", text):
        raise Fault(0, f"{shown(text)} is no URI reference", 'write it like "/clusters/eu/rollback-watchdog"')
    return text


def parse_url(text: str) -> str:
    """An Apprise URL of an allowed scheme whose secrets are named; raises Fault."""
    check_placeholders(text)
    if re.fullmatch(REFERENCE_PATTERN, text):
        return text
    scheme, separator, _ = text.partition("://")
    if not separator:
        raise Fault(
            0,
            f"{shown(_without_secrets(text))} is no URL",
            'write "{{ secret.SLACK_URL }}" or a URL like "mailtos://..."',
        )
    _check_scheme(scheme.lower(), text)
    _check_secrets(text, scheme.lower())
    if scheme.lower() in _TOKENS and not _PLACEHOLDER.search(text):
        # Whatever it looks like: who knows such a URL may write to the channel.
        raise Fault(0, f"a {scheme.lower()}:// URL is a secret, and this one is written out", _NO_SECRETS)
    return text


def check_placeholders(text: str) -> None:
    """Raise Fault at a placeholder that names no secret."""
    for match in _PLACEHOLDER.finditer(text):
        inside = match["inside"].strip()
        if not _SECRET.fullmatch(inside):
            what = f"{{{{ {inside} }}}} is no secret's name"
            raise Fault(match.start(), what, "write {{ secret.NAME }}, with letters, digits and _ in the name")
    unclosed = _PLACEHOLDER.sub(lambda match: "x" * len(match[0]), text).find("{{")
    if unclosed >= 0:
        raise Fault(unclosed, "a placeholder is not closed", "write it like {{ secret.NAME }}")


def _check_scheme(scheme: str, text: str) -> None:
    if scheme == "pagerduty":
        raise Fault(0, "PagerDuty is no url here", 'write pagerduty = { routing_key = "{{ secret.PAGERDUTY_KEY }}" }')
    if scheme == "msteams":
        raise Fault(0, "Microsoft has ended the webhooks of msteams://", "make a workflow and write workflows://...")
    if scheme in ("http", "https"):
        host = re.match(r"https://([^/?#@:]*)(?::[0-9]+)?(?=[/?#]|$)", text)
        if host is not None and any(host[1] == known or host[1].endswith(f".{known}") for known in NATIVE_HOSTS):
            return
        known = ", ".join(NATIVE_HOSTS)
        raise Fault(
            0, f"{scheme}:// is understood for {known} alone", "for a webhook of your own write jsons://HOST/PATH"
        )
    if scheme not in SCHEMES:
        match = nearest(scheme, SCHEMES)
        remedy = f'did you mean "{match}://"?' if match else f"allowed are {', '.join(SCHEMES)}"
        raise Fault(0, f"{shown(scheme + '://')} is no allowed scheme", remedy)


def _check_secrets(text: str, scheme: str) -> None:
    """Raise Fault at a literal that looks like a secret. Named secrets are masked first, at the same length."""
    masked = _PLACEHOLDER.sub(lambda match: "-" * len(match[0]), text)
    try:
        parts = urlsplit(masked)
        password = parts.password or ""
        queries = parse_qsl(parts.query)
    except ValueError:
        raise Fault(0, f"{shown(_without_secrets(text))} is no URL", "write it as Apprise documents it") from None
    if password.strip("-"):
        raise Fault(text.index("://") + 3, "the URL holds a password", _NO_SECRETS)
    for name, value in queries:
        if re.search(r"token|secret|password|pass|key|auth|cookie", name, re.IGNORECASE) and value.strip("-"):
            # A header is written with a plus, which stands for a blank in a query.
            at = max(0, masked.find(f"{name.strip()}="))
            raise Fault(at, f"the URL holds a literal {name.strip()}", _NO_SECRETS)
    start = masked.index("://") + 3
    if scheme not in _WITHOUT_HOST:
        start += len(parts.netloc.rpartition("@")[2]) + len(parts.netloc.rpartition("@")[0])
    found = _UUID.search(masked, start) or _ALNUM_TOKEN.search(masked, start)
    if found is not None:
        raise Fault(found.start(), "the URL holds what looks like a secret", _NO_SECRETS)


def _without_secrets(text: str) -> str:
    return f"{text[:8]}…" if len(text) > 8 else text
