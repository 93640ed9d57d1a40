"""How records, the marks beside them, and memories lie in ConfigMaps: names, labels, keys, and JSON."""

import hashlib
import json
import logging
import re
from functools import lru_cache
from typing import Any

from watchdog.adapters.kubernetes.kinds import NAME, PREFIX
from watchdog.domain.marks import MARK
from watchdog.domain.rollout import Target, TargetKind
from watchdog.ports import Document

log = logging.getLogger(__name__)

Json = dict[str, Any]

RECORD = PREFIX + "record"
OPEN = PREFIX + "open"
MARKED = PREFIX + "mark"
RECORD_KEY, MARK_KEY = "record.json", "mark.json"
PAGE = 20  # records a page: each may be large, and a page is parsed in one go
_UNFIT = re.compile(r"[^a-z0-9.-]+")


@lru_cache(maxsize=4096)  # of all open watches, whenever somebody looks which records are not theirs
def record_name(watch_id: str) -> str:
    """The ConfigMap of a watch: readable, and different for different ids even where characters had to go."""
    fit = _UNFIT.sub("-", watch_id.lower()).strip("-.")[:180].strip("-.")
    if fit != watch_id:
        fit = f"{fit}-{hashlib.sha256(watch_id.encode()).hexdigest()[:8]}".strip("-")
    return f"{NAME}-{fit}"


def document_in(configmap: Json) -> Document | None:
    """The record in a ConfigMap, with the mark that a person put beside it under `mark`."""
    name, data = configmap["metadata"]["name"], configmap.get("data") or {}
    document = decoded(name, data.get(RECORD_KEY, ""))
    if document is None:
        return None
    record = {key: value for key, value in document.items() if key != MARK}
    mark = decoded(name, data[MARK_KEY]) if MARK_KEY in data else None
    return record if mark is None else {**record, MARK: mark}


def decoded(name: str, text: str) -> Document | None:
    """The JSON object that a ConfigMap's key holds; None, said in the log, where it is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        log.error("journal: %s holds no JSON object; it is left as it is", name)
        return None
    return document


def target_of(namespace: str, key: str) -> Target | None:
    """The target that a memory's key in that namespace names; None, said in the log, where it names none."""
    kind, _, name = key.partition(".")
    if kind not in set(TargetKind) or not name:
        log.error("journal: %r in namespace %s names no target; it is left as it is", key, namespace)
        return None
    return Target(namespace, TargetKind(kind), name)
