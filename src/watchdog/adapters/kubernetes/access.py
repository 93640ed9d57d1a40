"""Who we are to the API server."""

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.ports import OutOfReach

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def whoami(client: KubeClient) -> str:
    """The user name that the API server knows us by; "unknown" where it does not tell. Raises `OutOfReach`."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        review = await client.post(_REVIEW, body)
    except ApiError as error:
        if error.status in (403, 404):
            return "unknown"
        raise OutOfReach(f"asking who we are: {error}") from error
    return str(review.get("status", {}).get("userInfo", {}).get("username", "unknown"))
