"""Who we are to the API server, and what we may do."""

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.rights import Right
from watchdog.ports import OutOfReach

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


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


async def may(client: KubeClient, right: Right, namespace: str) -> bool:
    """Whether we have that right there, as the API server says. Raises `OutOfReach`."""
    attributes = {
        "namespace": namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource.plural,
        "subresource": right.subresource,
        "name": right.name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    with unanswered("asking what we may do"):
        review = await client.post(_ACCESS, body)
    return bool((review.get("status") or {}).get("allowed"))
