"""What the watchdog asked of the API server, beside the table of what it may: each story runs under exactly that table.

Reviews of one's own rights need none, and are left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from watchdog.adapters.kubernetes.rights import BY_KIND, GITOPS, RIGHTS, RUNNERS, Right, Where
from watchdog.simulator.access import Rule
from watchdog.simulator.calls import LoggedRequest, parse_path, verb_of

ACCOUNT = "system:serviceaccount:watchdog:watchdog"
TABLE = (*RIGHTS, *(right for rights in BY_KIND.values() for right in rights), *RUNNERS, *GITOPS)
GUARDED = ("production", "staging")  # by the stories' guards
_OWNERS = frozenset(right.resource.plural for right in GITOPS)

Used = tuple[str, str, Where]
"""A verb, a resource (with its subresource), and the kind of namespace."""


def granted(own: str, without: Iterable[Right] = ()) -> list[Rule]:
    """The table as the rules of Roles. What one kind of target needs as another does is taken from both."""
    lacking = {replace(right, kind=None) for right in without}
    return [
        Rule(
            [right.verb],
            [right.full_resource],
            [right.group],
            {Where.OWN: [own], Where.GUARDED: GUARDED, Where.OWNERS: ()}[right.where],
            [right.name] if right.name else [],
        )
        for right in TABLE
        if replace(right, kind=None) not in lacking
    ]


def used(requests: Iterable[LoggedRequest], own: str, account: str = ACCOUNT) -> set[Used]:
    """What the requests of the account asked for, whether or not it was granted."""
    return set(_used(requests, own, account))


def _used(requests: Iterable[LoggedRequest], own: str, account: str) -> Iterator[Used]:
    for one in requests:
        place = parse_path(one.path)
        if one.user != account or place is None or "reviews" in one.path:
            continue
        resource = f"{place.resource.plural}/{place.subresource}" if place.subresource else place.resource.plural
        where = Where.OWNERS if resource in _OWNERS else Where.OWN if place.namespace == own else Where.GUARDED
        yield verb_of(one.method, place, one.query), resource, where


def in_table() -> set[Used]:
    """The table in the same words."""
    return {(right.verb, right.full_resource, right.where) for right in TABLE}
