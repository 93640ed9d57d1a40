"""AWS keys of this process: from its environment, its service account (IRSA) or EKS's pod identity agent.

In this order: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; `AWS_ROLE_ARN` with `AWS_WEB_IDENTITY_TOKEN_FILE`;
`AWS_CONTAINER_CREDENTIALS_FULL_URI`. A node's own role is not used: it is everybody's there.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from watchdog.adapters.mounted import MountedSecret
from watchdog.adapters.secrets import SecretMissing

_EARLY = 300.0  # seconds before their end at which keys are fetched anew
_TIMEOUT = 5.0
_MISSING = (
    "there are no AWS keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the service account a role"
    " (AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or EKS Pod Identity)"
)


@dataclass(frozen=True, slots=True)
class Keys:
    """A pair of keys; `session` belongs to those that end at `until` (Unix seconds)."""

    id: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)
    until: float | None = None


class AwsKeys:
    """Finds the keys, and fetches them anew before they end."""

    def __init__(self, region: str, environ: Mapping[str, str], now: Callable[[], float]) -> None:
        self._region = region
        self._environ = environ
        self._now = now
        self._known: Keys | None = None

    def forget(self) -> None:
        """They were not accepted."""
        self._known = None

    async def current(self) -> Keys:
        """The keys as they are now; raises `SecretMissing`."""
        known = self._known
        if known is None or (known.until is not None and self._now() >= known.until - _EARLY):
            try:
                self._known = await self._found()
            except SecretMissing:
                if known is None or known.until is None or self._now() >= known.until:
                    raise
        assert self._known is not None
        return self._known

    async def _found(self) -> Keys:
        get = self._environ.get
        id_, secret = get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")
        if id_ and secret:
            return Keys(id_, secret, get("AWS_SESSION_TOKEN") or "")
        role, token = get("AWS_ROLE_ARN"), get("AWS_WEB_IDENTITY_TOKEN_FILE")
        if role and token:
            return await self._of_role(role, Path(token))
        address = get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if address:
            return await self._of_agent(address)
        raise SecretMissing(_MISSING)

    async def _of_role(self, role: str, file: Path) -> Keys:
        """What the security token service gives for our service account's token."""
        address = self._environ.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{self._region}.amazonaws.com/"
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": "rollback-watchdog",
            "WebIdentityToken": MountedSecret(file, "the service account's token").read(),
        }
        said = await _json("POST", address, data=form, headers={"Accept": "application/json"})
        try:
            given = said["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"]
            return Keys(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], _end(given["Expiration"])
            )
        except (KeyError, TypeError, ValueError):
            raise SecretMissing("AWS's security token service answered without keys") from None

    async def _of_agent(self, address: str) -> Keys:
        """What the agent on the node gives for our pod."""
        file = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        token = MountedSecret(Path(file), "the pod's token").read() if file else ""
        said = await _json("GET", address, headers={"Authorization": token} if token else {})
        try:
            return Keys(said["AccessKeyId"], said["SecretAccessKey"], said["Token"], _end(said["Expiration"]))
        except (KeyError, TypeError, ValueError):
            raise SecretMissing("the pod identity agent answered without keys") from None


async def _json(method: str, address: str, **request: Any) -> Any:
    """What a server of keys answers; its words are not repeated: they may hold what was sent."""
    host = httpx.URL(address).host
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT) as client:
            answer = await client.request(method, address, **request)
        if answer.status_code != 200:
            raise SecretMissing(f"{host} gives no AWS keys: HTTP {answer.status_code}")
        return json.loads(answer.content)
    except httpx.HTTPError as error:
        raise SecretMissing(f"{host} gives no AWS keys: {type(error).__name__}") from None
    except ValueError:
        raise SecretMissing(f"{host} gives no AWS keys: it answers no JSON") from None


def _end(value: Any) -> float:
    """When keys end, as Unix seconds or in ISO 8601."""
    if isinstance(value, int | float):
        return float(value)
    return datetime.fromisoformat(value).timestamp()
