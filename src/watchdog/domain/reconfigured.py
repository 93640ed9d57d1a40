"""What configures a target otherwise: ConfigMaps by name, and the names of the keys, never a value.

Both are cut as they come in: a ConfigMap may have thousands of keys, and a record or a notice must not grow with them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchdog.domain.text import cut

MOST_KEYS = 12
MOST_MAPS = 12
_LONGEST_KEY = 64  # characters; a key may have 253


class Became(StrEnum):
    """What happened to a ConfigMap whose data changed."""

    OTHER = ""
    DELETED = "deleted"
    NEW = "new"

    @classmethod
    def between(cls, before: str, after: str) -> "Became":
        """By the two resourceVersions; "" where there is none."""
        if before and after:
            return cls.OTHER
        return cls.NEW if after else cls.DELETED


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One ConfigMap whose data changed, and in which keys; none: that is not known."""

    name: str
    version: str  # its resourceVersion now; "" where it is gone
    keys: tuple[str, ...] = ()
    more: int = 0  # keys beyond those
    became: Became = Became.OTHER

    @classmethod
    def of(cls, name: str, version: str, keys: Iterable[str], became: Became = Became.OTHER) -> "ConfigChange":
        """With the first dozen of the keys, and how many more there are."""
        names = sorted(keys)
        return cls(
            name,
            version,
            tuple(cut(one, _LONGEST_KEY) for one in names[:MOST_KEYS]),
            max(0, len(names) - MOST_KEYS),
            became,
        )

    def __str__(self) -> str:
        keys = ", ".join(self.keys) + (f" and {self.more} more" if self.more else "")
        if self.became is not Became.OTHER:
            return f"ConfigMap {self.name} ({self.became}{f': {keys}' if keys else ' while nobody looked'})"
        return f"ConfigMap {self.name} ({keys or 'while nobody looked: which keys is not known'})"

    def command_back(self, namespace: str) -> str:
        """What a person runs to bring it back; "" where only its data, applied anew, do."""
        match self.became:
            case Became.DELETED:
                return ""
            case Became.NEW:
                return f"kubectl -n {namespace} delete configmap {self.name}"
        return f"kubectl -n {namespace} edit configmap {self.name}"


def listed(changes: Sequence[ConfigChange]) -> str:
    """In a sentence: `ConfigMap settings (LIMIT, POOL), ConfigMap flags (FAST)`."""
    more = f" and {len(changes) - MOST_MAPS} more ConfigMaps" if len(changes) > MOST_MAPS else ""
    return ", ".join(map(str, changes[:MOST_MAPS])) + more
