"""Who asked the API server for what, by its audit log: read on from where it was left."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.scale.plan import KINDS, RECORDS, WATCHDOG
from e2e.controlplane.audit import MACHINERY

# Every answered request of all but the control plane's own programs; a watch when it ends.
POLICY: Mapping[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "None", "users": list(MACHINERY)}, {"level": "Metadata"}],
}
READS = frozenset({"get", "list", "watch"})


class Audits:
    """Counts of what was asked since the beginning, by the name that each client gives itself."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._requests: dict[str, Counter[str]] = {}
        self._kinds: Counter[str] = Counter()
        self._records: Counter[str] = Counter()
        self._patches: dict[str, float] = {}

    @property
    def requests(self) -> dict[str, Counter[str]]:
        """Requests by client and verb."""
        self._catch_up()
        return self._requests

    @property
    def patches(self) -> dict[str, float]:
        """When the watchdog's first patch of each Deployment was answered; Unix seconds."""
        self._catch_up()
        return self._patches

    @property
    def writes(self) -> dict[str, Any]:
        """The watchdog's writes by kind, and how often each watch's record was written."""
        self._catch_up()
        return {"kinds": self._kinds, "records": sorted(self._records.values())}

    def _catch_up(self) -> None:
        for event in self._new():
            agent = event.get("userAgent", "").partition("/")[0]
            self._requests.setdefault(agent, Counter())[event["verb"]] += 1
            if agent == WATCHDOG and event["verb"] not in READS and "dryRun=" not in event["requestURI"]:
                self._note(event)

    def _note(self, event: Mapping[str, Any]) -> None:
        target = event.get("objectRef", {})
        plural, name = target.get("resource", ""), target.get("name", "")
        if target.get("apiGroup", "") in ("authorization.k8s.io", "authentication.k8s.io"):
            return  # a question in the form of a write
        self._kinds[KINDS.get(plural, "others")] += 1
        if plural == "configmaps" and name.startswith(RECORDS):
            self._records[name] += 1
        if plural == "deployments" and event.get("responseStatus", {}).get("code") == 200:
            self._patches.setdefault(name, datetime.fromisoformat(event["stageTimestamp"]).timestamp())

    def _new(self) -> Iterator[dict[str, Any]]:
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]  # the last line may still be in writing
        self._read += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            yield json.loads(line)
