"""A person's mark, beside the record that it is about: written under the version that was read."""

import json
from collections.abc import Callable
from typing import Any

from watchdog.adapters.kubernetes.client import MERGE_PATCH, KubeClient
from watchdog.adapters.kubernetes.documents import MARK_KEY, MARKED, document_in, record_name
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS
from watchdog.domain.marks import Mark, document_of
from watchdog.ports import Document, OutOfReach

_ATTEMPTS = 5


class NotMarked(Exception):
    """The mark cannot be put there; says why."""


async def put_mark(
    client: KubeClient, namespace: str, watch_id: str, mark: Mark | None, why_not: Callable[[Document], str],
    *, series: str = "",
) -> bool:  # fmt: skip
    """Put the mark beside the record of the watch, or (None) take away what is there; False: there was none.

    `why_not` is asked of the record as it stands at the write. The record itself is not touched. Raises `NotMarked` and
    `OutOfReach`. RBAC, in the watchdog's namespace: get, patch of configmaps.
    """
    name = record_name(series + watch_id)
    with unanswered(f"marking watch {watch_id}"):
        for _ in range(_ATTEMPTS):
            try:
                found = await client.get(CONFIGMAPS, namespace, name)
                document = document_in(found)
                if document is None:
                    raise NotMarked(f"the record of watch {watch_id} cannot be read")
                if mark is None and MARK_KEY not in found["data"]:
                    return False
                objection = "" if mark is None else why_not(document)
                if objection:
                    raise NotMarked(objection)
                change = _change(mark, str(found["metadata"]["resourceVersion"]))
                await client.patch(CONFIGMAPS, namespace, name, change, content_type=MERGE_PATCH)
            except ApiError as error:
                if error.status == 404:
                    raise NotMarked(f"there is no record of watch {watch_id} any more") from error
                if error.status != 409:  # somebody wrote it in between
                    raise
            else:
                return True
    raise OutOfReach(f"the record of watch {watch_id} was changed by others {_ATTEMPTS} times in a row")


def _change(mark: Mark | None, version: str) -> dict[str, Any]:
    text = None if mark is None else json.dumps(document_of(mark), separators=(",", ":"))
    label = None if mark is None else mark.what.value
    return {"metadata": {"resourceVersion": version, "labels": {MARKED: label}}, "data": {MARK_KEY: text}}
