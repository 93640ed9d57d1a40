"""What differs between two revisions, in words: images, names of environment variables, resources, probes.

Never a value of an environment variable, and never what a ConfigMap or a Secret holds: only their names.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watchdog.domain.text import cut

MOST_CHANGES = 40
_LONGEST = 200
_LONGEST_ADDRESS = 2000
# Without a user, a query or a fragment: nothing that could hold a secret.
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[\w.-]+(:\d+)?)(?P<path>(/[\w.~%+-]*)*)")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Description:
    """What a person would want to know of a revision.

    `notes` stand for themselves (who made it, when); `parts` are compared with another revision's: one value each, or
    the names in a list. `hidden` are fingerprints of what may hold secrets: that they differ is all that is said.
    """

    notes: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""  # a fingerprint of all there is
    source: str = ""  # where its source code is: an http(s) address
    commit: str = ""  # its hash, or the address of a page that shows it


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs, a sentence each, and the commits in between as a link; "" where that is not known."""

    lines: tuple[str, ...] = ()
    commits: str = ""


def changes(before: Description, after: Description) -> Changes:
    """What was changed from the one to the other; nothing is said where one of them is not known."""
    if not before.parts or not after.parts:
        return Changes()
    parts = dict.fromkeys([*before.parts, *after.parts])
    lines = [line for part in parts if (line := _line(part, before.parts.get(part), after.parts.get(part)))]
    lines += [f"{part}: another one" for part, was in before.hidden.items() if after.hidden.get(part, was) != was]
    if not lines and before.rest != after.rest:
        lines = ["something else in the pod template"]
    more = len(lines) - MOST_CHANGES
    if more > 0:
        lines = [*lines[:MOST_CHANGES], f"and {more} more"]
    return Changes(tuple(lines), _commits(before, after))


def _line(part: str, before: str | tuple[str, ...] | None, after: str | tuple[str, ...] | None) -> str:
    if before == after:
        return ""
    if isinstance(before, tuple) or isinstance(after, tuple):
        old, new = _names(before), _names(after)
        gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
        words = ([f"added {_listed(come)}"] if come else []) + ([f"removed {_listed(gone)}"] if gone else [])
        return f"{part}: {', '.join(words)}" if words else ""
    if not before:
        return f"{part}: {_cut(after)} (there was none)"
    return f"{part}: {_cut(before)}, now {_cut(after) or 'none'}"


def _names(part: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return part if isinstance(part, tuple) else ()


def _listed(names: Iterable[str]) -> str:
    return _cut(", ".join(names))


def _cut(text: str | tuple[str, ...] | None) -> str:
    plain = text if isinstance(text, str) else ""
    return cut(plain, _LONGEST)


def _commits(before: Description, after: Description) -> str:
    """The page of the commits in between, as GitHub, GitLab and Gitea lay it out; or that which the candidate names."""
    if before.commit != after.commit and _ADDRESS.fullmatch(after.commit) and len(after.commit) <= _LONGEST_ADDRESS:
        return after.commit
    if not after.source or before.source != after.source or before.commit == after.commit:
        return ""
    if not _COMMIT.fullmatch(before.commit) or not _COMMIT.fullmatch(after.commit):
        return ""
    address = _ADDRESS.fullmatch(after.source)
    if address is None:
        return ""
    host, path = address["host"], (address["path"] or "").rstrip("/").removesuffix(".git")
    between = "-/compare" if "gitlab" in host else "compare"
    return f"{address['scheme']}://{host}{path}/{between}/{before.commit}...{after.commit}"
