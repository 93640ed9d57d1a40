"""Who may do what: bearer tokens, the users they stand for, and rules in the manner of RBAC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchdog.simulator.objects import Object
from watchdog.simulator.refusals import Refusal, details_of, qualified, unauthorized


@dataclass(frozen=True)
class Rule:
    """These verbs on these resources; "*" stands for all. No namespaces: everywhere."""

    verbs: Sequence[str]
    resources: Sequence[str]
    groups: Sequence[str] = ("*",)
    namespaces: Sequence[str] = ()
    names: Sequence[str] = ()

    def allows(self, act: "Act") -> bool:
        """Whether the act is one of those the rule names."""
        return (
            _among(act.verb, self.verbs)
            and _among(act.resource, self.resources)
            and _among(act.group, self.groups)
            and (not self.namespaces or act.namespace in self.namespaces)
            and (not self.names or act.name in self.names)
        )


@dataclass(frozen=True)
class Act:
    """What someone wants to do. A subresource stands behind a slash: `deployments/scale`."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True)
class User:
    """Someone with a token; without rules they may do everything."""

    name: str
    rules: Sequence[Rule] | None = None
    groups: Sequence[str] = ("system:authenticated",)

    def may(self, act: Act) -> bool:
        """Whether any rule of theirs allows the act."""
        return self.rules is None or any(rule.allows(act) for rule in self.rules)


def _among(value: str, allowed: Sequence[str]) -> bool:
    return "*" in allowed or value in allowed


def bearer(headers: Mapping[str, str], users: Mapping[str, User]) -> User:
    """The user whose token the request carries; without a good one, 401."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    user = users.get(token.strip()) if scheme.lower() in ("bearer", "") else None
    if user is None:
        raise unauthorized()
    return user


def authorise(user: User, act: Act) -> None:
    """Refuse with 403, in the words of RBAC, what the user may not do."""
    if user.may(act):
        return
    plural = act.resource.partition("/")[0]
    subject = f'{qualified(plural, act.group)} "{act.name}"' if act.name else qualified(plural, act.group)
    where = f'in the namespace "{act.namespace}"' if act.namespace else "at the cluster scope"
    what = f'cannot {act.verb} resource "{act.resource}" in API group "{act.group}"'
    message = f'{subject} is forbidden: User "{user.name}" {what} {where}'
    raise Refusal(403, "Forbidden", message, details_of(act.group, plural, act.name))


def review_access(user: User, review: Mapping[str, Any]) -> Object:
    """The status of a SelfSubjectAccessReview."""
    asked = (review.get("spec") or {}).get("resourceAttributes") or {}
    resource = asked.get("resource", "")
    if asked.get("subresource"):
        resource = f"{resource}/{asked['subresource']}"
    act = Act(
        asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", ""), asked.get("name", "")
    )
    return {"allowed": user.may(act)}


def review_self(user: User) -> Object:
    """The status of a SelfSubjectReview."""
    return {"userInfo": {"username": user.name, "uid": f"uid-of-{user.name}", "groups": list(user.groups)}}
