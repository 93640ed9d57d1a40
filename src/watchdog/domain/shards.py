"""Which shard a target belongs to, where several processes share the work.

A namespace is never split. Whatever is decided together lies in one: a Service and the Deployments of its colours,
Services that are flipped together, a rollout that ends the watch of a flip, and the ConfigMap of what is remembered.
Who selects whom changes with every deploy; in which namespace a target is never does, so that a target never moves
from one shard to another while the number of shards stays.
"""

import hashlib
from dataclasses import dataclass

MOST = 32
"""Shards at most."""

SCHEME = "by-namespace"
"""How targets are hashed, for whoever must not share them with a process that hashes them in another way."""


def shard_of(namespace: str, of: int) -> int:
    """The number of a namespace's shard, from 0: the same in every process, on every machine, after every restart."""
    return int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:8]) % of


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many shares of all targets."""

    number: int
    of: int

    def has(self, namespace: str) -> bool:
        """Whether the targets of that namespace are this shard's."""
        return self.of == 1 or shard_of(namespace, self.of) == self.number

    @property
    def is_all(self) -> bool:
        """Whether there is no other."""
        return self.of == 1

    def __str__(self) -> str:
        return f"{self.number} of {self.of}"


WHOLE = Shard(0, 1)
"""All targets: one process leads."""
