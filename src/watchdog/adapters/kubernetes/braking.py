"""The pause and the acts of late, as ConfigMaps in the watchdog's own namespace: every process that may act reads them.

The list of acts is changed under its resourceVersion alone, so that of many rollbacks that begin in the same moment, in
whichever process, no more are let through than the brakes say.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS, NAME, PREFIX
from watchdog.domain.brakes import Act, Pause
from watchdog.domain.rollout import Target
from watchdog.joint import Joint
from watchdog.ports import OutOfReach

log = logging.getLogger(__name__)

PAUSE = f"{NAME}-pause"
ACTS = f"{NAME}-acts"
_ACTS_KEY, _PAGED_KEY = "acts.json", "paged.json"
_ATTEMPTS = 8
_LABELS = {PREFIX + "record": "brakes"}

Json = dict[str, Any]
Change = Callable[[Json], bool]


class ConfigMapBraking:
    """The `Braking` port. RBAC, in its own namespace: get, create, update, delete of configmaps."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._beginning: list[tuple[Change, asyncio.Future[bool]]] = []
        self._writing = asyncio.Lock()
        self._pause = Joint(lambda: self._get(PAUSE), ApiError)
        self._acts = Joint(self._listed, ApiError)
        self._list: Json | None = None  # as it was read or written last

    async def pause(self) -> Pause | None:
        """The pause; a text that is no pause counts as one without an end, for somebody meant it."""
        with unanswered("reading the pause"):
            found = await self._pause()
        return None if found is None else _pause_of(found)

    async def declare(self, pause: Pause) -> None:
        """Pause all acts; replaces the pause that is there."""
        data = {"reason": pause.reason, "by": pause.by, "since": pause.since.isoformat()}
        if pause.until is not None:
            data["until"] = pause.until.isoformat()
        body: Json = {"metadata": {"name": PAUSE, "labels": _LABELS}, "data": data}
        with unanswered("writing the pause"):
            await self._put(PAUSE, body)

    async def lift(self) -> bool:
        """End the pause; False where there was none."""
        with unanswered("lifting the pause"):
            try:
                await self._client.delete(CONFIGMAPS, self._namespace, PAUSE)
            except ApiError as error:
                if error.status != 404:
                    raise
                return False
        return True

    async def acts(self) -> Sequence[Act]:
        """The acts on the list, oldest first."""
        with unanswered("reading the acts of late"):
            found = await self._acts()
        return _acts_of(found)

    async def begin(self, act: Act, allowed: Callable[[Sequence[Act]], bool], forget: timedelta) -> bool:
        """Put the act on the list; a watch that is there already stays as it is."""

        def change(found: Json) -> bool:
            kept = [one for one in _acts_of(found) if act.at - one.at < forget]
            if any(one.watch == act.watch for one in kept):
                return True
            if not allowed(kept):
                return False
            found["data"] = {**(found.get("data") or {}), _ACTS_KEY: _written([*kept, act])}
            return True

        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._beginning.append((change, answer))
        with unanswered("putting the act on the list"):
            try:
                async with self._writing:
                    if not answer.done():  # else it went with those before it
                        await self._begin_all()
                return await answer
            except asyncio.CancelledError:
                answer.cancel()  # nobody waits for it any more: it is left out
                raise

    async def _begin_all(self) -> None:
        """Put all acts that wait on the list in one write, each judged with those before it; one at a time would keep
        the last of a hundred waiting. Where that fails each of them fails, to be tried again by whoever began it.
        """
        batch, self._beginning = [one for one in self._beginning if not one[1].done()], []
        answers: list[bool] = []

        def change(found: Json) -> bool:
            answers[:] = [one(found) for one, _ in batch]
            return True

        try:
            await self._changed(change)
        except asyncio.CancelledError:
            self._beginning = [*batch, *self._beginning]  # the next one of them does it
            raise
        except (ApiError, OutOfReach) as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), let in zip(batch, answers, strict=True):
            if not answer.done():
                answer.set_result(let)

    async def page(self, watch_id: str, at: datetime, once_in: timedelta) -> bool:
        """Whether this watch pages: the first one that asks does, until `once_in` has passed."""

        def change(found: Json) -> bool:
            who, when = _paged_of(found)
            if when is not None and at - when < once_in:
                return who == watch_id
            paged = json.dumps({"watch": watch_id, "at": at.isoformat()})
            found["data"] = {**(found.get("data") or {}), _PAGED_KEY: paged}
            return True

        with unanswered("saying who pages"):
            return await self._changed(change)

    async def _changed(self, change: Callable[[Json], bool]) -> bool:
        """Change the list and write it under the version that it was judged by; again where somebody was quicker.

        The first time by the list as it was read or written last: if that is the newest still, one request does it.
        """
        for attempt in range(_ATTEMPTS):
            known = self._list if attempt == 0 else None
            found = known or await self._listed()
            body: Json = {**(found or {"metadata": {"name": ACTS, "labels": _LABELS}, "data": {}})}
            before = body.get("data")
            answer = change(body)
            if body.get("data") == before:
                if known is not None:
                    continue  # nothing is written that would show whether it is the newest
                return answer
            self._list = None
            try:
                if found is None:
                    self._list = await self._client.create(CONFIGMAPS, self._namespace, body)
                else:
                    self._list = await self._client.replace(CONFIGMAPS, self._namespace, ACTS, body)
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
                continue
            return answer
        raise OutOfReach(f"{ACTS} was changed by others {_ATTEMPTS} times in a row")

    async def _listed(self) -> Json | None:
        self._list = await self._get(ACTS)
        return self._list

    async def _get(self, name: str) -> Json | None:
        return await self._client.find(CONFIGMAPS, self._namespace, name)

    async def _put(self, name: str, body: Json) -> None:
        try:
            await self._client.replace(CONFIGMAPS, self._namespace, name, body)
        except ApiError as error:
            if error.status != 404:
                raise
            await self._client.create(CONFIGMAPS, self._namespace, body)


def _pause_of(found: Mapping[str, Any]) -> Pause:
    data = found.get("data") or {}
    since = _moment(data.get("since")) or _moment(found["metadata"].get("creationTimestamp"))
    return Pause(
        reason=str(data.get("reason") or "no reason given"),
        by=str(data.get("by") or "somebody"),
        since=since or datetime.fromtimestamp(0, UTC),
        until=_moment(data.get("until")),
    )


def _acts_of(found: Mapping[str, Any] | None) -> list[Act]:
    """What cannot be read is left out, and said: a list that somebody broke must not stop all acts for ever."""
    text = ((found or {}).get("data") or {}).get(_ACTS_KEY)
    if text is None:
        return []
    acts = []
    try:
        for one in json.loads(text):
            at = _moment(one["at"])
            if at is not None:
                acts.append(Act(str(one["watch"]), Target.parse(one["target"]), at))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        log.warning("%s holds something else than acts, which is left out: %s", ACTS, error)
    return acts


def _written(acts: Sequence[Act]) -> str:
    return json.dumps([{"watch": act.watch, "target": str(act.target), "at": act.at.isoformat()} for act in acts])


def _paged_of(found: Mapping[str, Any]) -> tuple[str, datetime | None]:
    try:
        paged = json.loads((found.get("data") or {}).get(_PAGED_KEY) or "{}")
        return str(paged.get("watch", "")), _moment(paged.get("at"))
    except (ValueError, AttributeError, RecursionError):
        return "", None


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
