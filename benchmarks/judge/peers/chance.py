"""What differs from one release to the next without being the policy's doing: where on its clock a controller stands.

Drawn from the release's seed, so that a bench that is run again gives the same digits. All settings of one peer see
the same draw for the same release.
"""

from zlib import crc32

import numpy as np

from benchmarks.judge.runs import Release


def drawn(release: Release, peer: str, low: float, high: float) -> float:
    """A number between low and high (uniform) that belongs to this release and this use of it."""
    return float(np.random.default_rng((release.seed, crc32(peer.encode()))).uniform(low, high))
