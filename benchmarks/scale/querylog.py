"""Prometheus's own log of queries: when each was answered, how long it took, and about whom it asked."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Query:
    """One query; Unix seconds."""

    answered: float
    at: float  # the moment it asked about
    took: float
    text: str


def queries(path: Path) -> Iterator[Query]:
    """All of them, in the order in which they were answered."""
    with path.open() as file:
        for line in file:
            entry = json.loads(line)
            took = entry["stats"]["timings"]["execTotalTime"]
            yield Query(_unix(entry["ts"]), _unix(entry["params"]["end"]), took, entry["params"]["query"])


@dataclass(frozen=True)
class Acted:
    """How an act came about: what was answered when, and when the API server had the patch. Unix seconds."""

    target: str
    scraped: float  # the last scrape that the deciding answer can have known
    answered: float
    patched: float

    @property
    def from_scrape(self) -> float:
        """Seconds from that scrape to the patch."""
        return self.patched - self.scraped

    @property
    def from_answer(self) -> float:
        """Seconds from the answer to the patch."""
        return self.patched - self.answered


def acted(target: str, patched: float, asked: Sequence[Query], scrapes: Sequence[float]) -> Acted | None:
    """By what a put-back was decided: the last answer about the target's requests before it; None where none is logged."""
    mine = [
        one for one in asked if one.answered <= patched and "http_requests_total" in one.text and target in one.text
    ]
    if not mine:
        return None
    deciding = max(mine, key=lambda one: (one.at, one.answered))
    known = [scrape for scrape in scrapes if scrape <= deciding.at]
    return Acted(target, max(known), min(deciding.answered, patched), patched) if known else None


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
