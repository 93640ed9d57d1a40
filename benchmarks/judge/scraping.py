"""What Prometheus has of a pod's counters: their values at the scrapes that were made."""

from typing import Protocol

import numpy as np

from benchmarks.judge.runs import Floats, Scrapes


class Scraper(Protocol):
    """How a target is scraped: see `World`, which is one."""

    @property
    def scrape(self) -> float: ...
    @property
    def jitter(self) -> float: ...
    @property
    def missed(self) -> float: ...
    @property
    def away(self) -> tuple[tuple[float, float], ...]: ...
    @property
    def blind(self) -> bool: ...
    @property
    def late_errors(self) -> bool: ...


def scraped(
    rng: np.random.Generator,
    pod: str,
    born: float,
    lives: tuple[float, float],
    starts: float,
    counts: tuple[Floats, Floats],
    scraper: Scraper,
) -> tuple[Scrapes, Floats]:
    """The pod's scrapes while it lives, and its failed requests per second as they were given.

    `counts` are requests and failed ones in each second from `starts` on. A pod's scrapes lie at a phase of its own.
    """
    at = np.arange(lives[0] + rng.uniform() * scraper.scrape, lives[1], scraper.scrape)
    if scraper.jitter:
        at = np.sort(np.clip(at + rng.normal(0.0, scraper.jitter, at.size), *lives))
    if scraper.missed:
        at = at[rng.uniform(size=at.size) >= scraper.missed]
    if scraper.blind:
        for start, end in scraper.away:
            at = at[(at < start) | (at >= end)]
    at = np.unique(np.round(at, 3))
    total, bad = (np.concatenate(([0.0], np.cumsum(per_second))) for per_second in counts)
    seen = np.clip(np.floor(at - starts).astype(int), 0, total.size - 1)
    failed = bad[seen]
    if scraper.late_errors:
        failed = np.where(failed > 0.0, failed, np.nan)
    return Scrapes(pod, born, at, total[seen], failed), counts[1]
