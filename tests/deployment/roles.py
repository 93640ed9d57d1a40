"""What Roles grant, and what the table of rights asks for."""

from deployment.rendering import Object
from watchdog.adapters.kubernetes.rights import GITOPS, RIGHTS, Where

LEASES = ("rollback-watchdog", "rollback-watchdog-dry-run")  # a dry run has its own
READING = {"get", "list", "watch"}


def grants(rules: list[Object]) -> set[tuple[str, str, str, str]]:
    return {
        (group, resource, verb, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def needed(where: Where, *, acting: bool = True, scaling: bool = False) -> set[tuple[str, str, str, str]]:
    return {
        (right.group, right.full_resource, right.verb, name)
        for right in (*RIGHTS, *GITOPS)
        for name in ((right.name, f"{right.name}-dry-run") if right.name else ("",))  # a dry run has its own lease
        if right.where is where and (acting or not (right.acting or right.telling)) and (scaling or not right.scaling)
    }
