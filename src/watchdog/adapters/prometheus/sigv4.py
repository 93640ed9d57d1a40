"""Requests signed for AWS (Signature Version 4), as Amazon Managed Service for Prometheus asks for.

The steps are those of AWS's documentation, "Create a signed AWS API request"; tested by its published vectors.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from watchdog.adapters.prometheus.aws_keys import AwsKeys, Keys
from watchdog.adapters.prometheus.shown import Asked
from watchdog.adapters.secrets import SecretMissing

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Signing:
    """What is shown: a signature over each request. `now` is the time of day in Unix seconds."""

    def __init__(self, region: str, service: str, environ: Mapping[str, str], now: Callable[[], float]) -> None:
        self.what = f"the signature for {service} in {region}"
        self._region = region
        self._service = service
        self._now = now
        self._source = AwsKeys(region, environ, now)
        self._keys: Keys | None = None

    async def renew(self) -> None:
        """Fetch keys where those at hand are about to end; raises `SecretMissing`."""
        self._keys = await self._source.current()

    def headers(self, asked: Asked) -> Mapping[str, str]:
        if self._keys is None:
            raise SecretMissing("the AWS keys are not known yet")
        return signed(asked, self._keys, self._region, self._service, datetime.fromtimestamp(self._now(), UTC))

    def refused(self) -> None:
        self._source.forget()

    def secrets(self) -> tuple[str, ...]:
        return () if self._keys is None else tuple(filter(None, (self._keys.secret, self._keys.session)))


def signed(
    asked: Asked, keys: Keys, region: str, service: str, at: datetime, *, also: tuple[str, ...] = ()
) -> Mapping[str, str]:
    """The headers that sign a request: its host, what they say themselves, and those that are named in `also`."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    shown = {"X-Amz-Date": stamp, **({"X-Amz-Security-Token": keys.session} if keys.session else {})}
    covered = {"host": _host(asked.url), **{name.lower(): value for name, value in shown.items()}}
    covered |= {name.lower(): value for name, value in asked.headers.items() if name.lower() in also}
    names = ";".join(sorted(covered))
    url = urlsplit(asked.url)
    canonical = "\n".join(
        [
            asked.method.upper(),
            # Once more: the path on the wire is encoded, and signed as text of its own.
            quote(url.path or "/", safe="/-_.~"),
            _query(url.query),
            *(f"{name}:{' '.join(covered[name].split())}" for name in sorted(covered)),
            "",
            names,
            hashlib.sha256(asked.body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    proof = f"{_ALGORITHM} Credential={keys.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**shown, "Authorization": proof}


def _host(address: str) -> str:
    url = urlsplit(address)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else (url.hostname or "")
    return host if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f"{host}:{url.port}"


def _query(text: str) -> str:
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(text, True)]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
